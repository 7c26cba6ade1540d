#include "faults/cutter.hpp"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace faults {
namespace {

std::string option(const std::string& conninfo, std::string_view keyword) {
  PQconninfoOption* options = PQconninfoParse(conninfo.c_str(), nullptr);
  std::string value;
  for (auto* at = options; at && at->keyword; ++at)
    if (keyword == at->keyword && at->val) value = at->val;
  PQconninfoFree(options);
  return value;
}

opsh::Descriptor socket(int family) {
  return opsh::Descriptor{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
}

bool take(int from, std::string& bytes) {
  char buffer[16384];
  ssize_t got = ::recv(from, buffer, sizeof buffer, 0);
  if (got > 0) bytes.append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

/// Of the message that `unread` begins with; 0 when it is not all there.
std::size_t message_length(const std::string& unread, bool greeted) {
  std::size_t head = greeted ? 1 : 0;
  if (unread.size() < head + 4) return 0;
  std::uint32_t length = 0;
  for (std::size_t at = head; at < head + 4; ++at) length = length << 8 | static_cast<unsigned char>(unread[at]);
  return unread.size() < head + length ? 0 : head + length;
}

}  // namespace

Cutter::Cutter(const std::string& conninfo) {
  std::string port = option(conninfo, "port");
  upstream_ = option(conninfo, "host") + "/.s.PGSQL." + (port.empty() ? "5432" : port);
  listen();
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
  // Nothing is asked for before the first message, which would have no type either.
  conninfo_ =
      conninfo + " host=127.0.0.1 sslmode=disable gssencmode=disable port=" + std::to_string(ntohs(address.sin_port));
  thread_ = std::thread{[this] { serve(); }};
}

Cutter::~Cutter() {
  ends_ = true;
  thread_.join();
}

void Cutter::listen() {
  listener_ = socket(AF_INET);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 8) != 0)
    throw std::runtime_error{"the proxy cannot listen"};
}

void Cutter::arm(const Cut& cut) {
  std::lock_guard lock{mutex_};
  cut_ = cut;
  seen_ = 0;
  happened_ = of_batch_ = dead_ = false;
}

void Cutter::swallow() {
  std::lock_guard lock{mutex_};
  for (auto& pair : std::exchange(pairs_, {})) swallowed_.push_back(std::move(pair));
}

void Cutter::let_go() {
  std::lock_guard lock{mutex_};
  swallowed_.clear();
}

void Cutter::serve() {
  while (!ends_) {
    std::vector<pollfd> watched{{listener_.get(), POLLIN, 0}};
    {
      std::lock_guard lock{mutex_};
      for (const auto& pair : pairs_) {
        watched.push_back({pair.client.get(), POLLIN, 0});
        watched.push_back({pair.server.get(), POLLIN, 0});
      }
    }
    if (::poll(watched.data(), watched.size(), 5) <= 0) continue;
    std::lock_guard lock{mutex_};
    // Swallowed meanwhile.
    if (watched.size() != 2 * pairs_.size() + 1) continue;
    bool cuts = false;
    std::vector<Pair> alive;
    for (std::size_t at = 0; at < pairs_.size(); ++at) {
      bool open = true;
      if (watched[2 * at + 1].revents) open = hear_client(pairs_[at], cuts);
      if (open && !cuts && watched[2 * at + 2].revents) open = hear_server(pairs_[at], cuts);
      if (open) alive.push_back(std::move(pairs_[at]));
    }
    pairs_ = std::move(alive);
    if (cuts) {
      happened_ = true;
      dead_ = cut_.stays_dead;
      cut_.moment = Moment::never;
      // Last: from here on the client may come back, or its end be seen.
      pairs_.clear();
    } else if (watched[0].revents) {
      accept();
    }
  }
}

void Cutter::accept() {
  Pair fresh{opsh::Descriptor{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)}, socket(AF_UNIX)};
  if (dead_) return;
  // A cut is a reset, not a farewell.
  linger now{1, 0};
  ::setsockopt(fresh.client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (upstream_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, upstream_.c_str(), upstream_.size() + 1);
  if (::connect(fresh.server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    pairs_.push_back(std::move(fresh));
}

/// Sends, but no more than is left before a cut after so many bytes.
bool Cutter::send(int to, std::string_view bytes, bool& cuts) {
  if (cut_.moment == Moment::after_bytes) {
    auto left = static_cast<std::size_t>(cut_.count - seen_);
    cuts = bytes.size() >= left;
    bytes = bytes.substr(0, left);
    seen_ += static_cast<int>(bytes.size());
  }
  return ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

/// False when the sender is gone.
bool Cutter::hear_client(Pair& pair, bool& cuts) {
  if (!take(pair.client.get(), pair.unread)) return false;
  for (std::size_t length; !cuts && (length = message_length(pair.unread, pair.greeted)) > 0;) {
    std::string message = pair.unread.substr(0, length);
    pair.unread.erase(0, length);
    bool forwards = judge(pair, message, cuts);
    pair.greeted = true;
    if (forwards && !send(pair.server.get(), message, cuts)) return false;
    // Of the extended protocol, Sync ends what belongs to the COMMIT; the simple one has a single message.
    if (pair.committing && cut_.moment == Moment::underway && (message[0] == 'S' || message[0] == 'Q')) cuts = true;
  }
  return true;
}

/// The statement that a message has executed, and nothing for any other message: a Bind names what a Parse has
/// prepared, in the same breath or long ago.
std::optional<std::string> Cutter::executed(Pair& pair, const std::string& message) {
  if (!pair.greeted) return std::nullopt;
  auto text = [&](std::size_t at) { return std::string{message.c_str() + at}; };
  if (message[0] == 'Q') return text(5);
  std::string first = text(5);
  std::size_t second = 5 + first.size() + 1;
  if (message[0] == 'P') pair.statements[first] = text(second);
  if (message[0] != 'B') return std::nullopt;
  return pair.statements[text(second)];
}

/// Whether a message may go on to the server.
bool Cutter::judge(Pair& pair, const std::string& message, bool& cuts) {
  auto found = executed(pair, message);
  if (!found) return true;
  std::string_view query{*found};
  if (query.starts_with("insert into opsh.batch ")) pair.records = true;
  bool counts = cut_.moment == Moment::recorded ? query.starts_with("insert into opsh.batch ")
                                                : query == "commit" && (pair.records || !cut_.of_batches);
  if (!counts || cut_.moment == Moment::never || cut_.moment == Moment::after_bytes || ++seen_ != cut_.count) {
    if (query == "commit") pair.records = false;
    return true;
  }
  of_batch_ = pair.records;
  pair.committing = true;
  cuts = cut_.moment == Moment::unseen;
  return !cuts;
}

bool Cutter::hear_server(Pair& pair, bool& cuts) {
  std::string bytes;
  if (!take(pair.server.get(), bytes)) return false;
  if (!pair.committing) return send(pair.client.get(), bytes, cuts);
  // ReadyForQuery, the last message of an answer, is 6 bytes long and ends in the state of the transaction.
  pair.answer += bytes;
  cuts = pair.answer.size() >= 6 && pair.answer[pair.answer.size() - 6] == 'Z';
  return true;
}

}  // namespace faults
