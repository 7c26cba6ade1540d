#pragma once

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/descriptor.hpp"

namespace faults {

/// Where in the talk between client and server the network breaks.
enum class Moment {
  never,
  recorded,    ///< the batch's row is on its way into the ledger, its answer does not come back
  unseen,      ///< the client has sent COMMIT, the server never gets it
  underway,    ///< the server gets COMMIT; client and server lose each other at once
  swallowed,   ///< the server has answered COMMIT, the client never gets that
  after_bytes  ///< anywhere
};

struct Cut {
  Moment moment = Moment::never;
  int count = 1;            ///< the how manieth COMMIT, or batch, from now; of after_bytes the number of bytes
  bool stays_dead = false;  ///< whether connections can be made afterwards
};

/// Stands between a client and the server on a socket of its own, understands as much of the protocol as it takes to
/// know a COMMIT, and cuts all connections at the moment that was asked for.
class Cutter {
 public:
  explicit Cutter(const std::string& conninfo) : original_(conninfo) {
    upstream_ = option("host") + "/.s.PGSQL." + option("port");
    char made[] = "/tmp/opsh-cutter-XXXXXX";
    if (!::mkdtemp(made)) throw std::runtime_error{"no directory for the proxy"};
    directory_ = made;
    listener_ = socket();
    auto address = address_of(directory_ / ".s.PGSQL.5432");
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 8) != 0)
      throw std::runtime_error{"the proxy cannot listen"};
    thread_ = std::thread{[this] { serve(); }};
  }
  Cutter(const Cutter&) = delete;
  Cutter& operator=(const Cutter&) = delete;
  ~Cutter() {
    ends_ = true;
    thread_.join();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string conninfo() const { return original_ + " host=" + directory_.string() + " port=5432"; }

  /// The next cut. Connections can be made again.
  void arm(const Cut& cut) {
    std::lock_guard lock{mutex_};
    cut_ = cut;
    seen_ = 0;
    happened_ = of_batch_ = dead_ = false;
  }
  bool happened() const { return happened_; }
  /// Whether it was the COMMIT of a batch that was cut, and not that of another entry in the ledger.
  bool of_batch() const { return of_batch_; }

 private:
  struct Pair {
    opsh::Descriptor client, server;
    std::string unread = {};  ///< what the client said, up to a whole message
    bool greeted = false;     ///< the first message has no type
    bool records = false;     ///< a batch's row was sent in this transaction
    bool committing = false;  ///< the COMMIT to be cut is on its way to the server
    std::string answer = {};  ///< to that COMMIT
  };

  std::string option(std::string_view keyword) const {
    PQconninfoOption* options = PQconninfoParse(original_.c_str(), nullptr);
    std::string value;
    for (auto* at = options; at && at->keyword; ++at)
      if (keyword == at->keyword && at->val) value = at->val;
    PQconninfoFree(options);
    return value;
  }

  static opsh::Descriptor socket() { return opsh::Descriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}; }

  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error{"the path of a socket is too long: " + path};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
  }

  void serve() {
    std::vector<Pair> pairs;
    while (!ends_) {
      std::vector<pollfd> watched{{listener_.get(), POLLIN, 0}};
      for (const auto& pair : pairs) {
        watched.push_back({pair.client.get(), POLLIN, 0});
        watched.push_back({pair.server.get(), POLLIN, 0});
      }
      if (::poll(watched.data(), watched.size(), 5) <= 0) continue;
      std::lock_guard lock{mutex_};
      bool cuts = false;
      std::vector<Pair> alive;
      for (std::size_t at = 0; at < pairs.size(); ++at) {
        bool open = true;
        if (watched[2 * at + 1].revents) open = hear_client(pairs[at], cuts);
        if (open && !cuts && watched[2 * at + 2].revents) open = hear_server(pairs[at], cuts);
        if (open) alive.push_back(std::move(pairs[at]));
      }
      pairs = std::move(alive);
      if (cuts) {
        happened_ = true;
        dead_ = cut_.stays_dead;
        cut_.moment = Moment::never;
        // Last: from here on the client may come back, or its end be seen.
        pairs.clear();
      } else if (watched[0].revents) {
        accept(pairs);
      }
    }
  }

  void accept(std::vector<Pair>& pairs) {
    Pair fresh{opsh::Descriptor{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)}, socket()};
    if (dead_) return;
    auto address = address_of(upstream_);
    if (::connect(fresh.server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      pairs.push_back(std::move(fresh));
  }

  static bool take(int from, std::string& bytes) {
    char buffer[16384];
    ssize_t got = ::recv(from, buffer, sizeof buffer, 0);
    if (got > 0) bytes.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  /// Sends, but no more than is left before a cut after so many bytes.
  bool send(int to, std::string_view bytes, bool& cuts) {
    if (cut_.moment == Moment::after_bytes) {
      auto left = static_cast<std::size_t>(cut_.count - seen_);
      cuts = bytes.size() >= left;
      bytes = bytes.substr(0, left);
      seen_ += static_cast<int>(bytes.size());
    }
    return ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }

  /// False when the sender is gone.
  bool hear_client(Pair& pair, bool& cuts) {
    if (!take(pair.client.get(), pair.unread)) return false;
    for (std::size_t length; !cuts && (length = message_length(pair)) > 0;) {
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

  static std::size_t message_length(const Pair& pair) {
    std::size_t head = pair.greeted ? 1 : 0;
    if (pair.unread.size() < head + 4) return 0;
    std::uint32_t length = 0;
    for (std::size_t at = head; at < head + 4; ++at) length = length << 8 | static_cast<unsigned char>(pair.unread[at]);
    return pair.unread.size() < head + length ? 0 : head + length;
  }

  /// Whether a message may go on to the server.
  bool judge(Pair& pair, const std::string& message, bool& cuts) {
    if (!pair.greeted || (message[0] != 'P' && message[0] != 'Q')) return true;
    std::size_t begins = message[0] == 'P' ? message.find('\0', 5) + 1 : 5;
    std::string_view query{message.c_str() + begins};
    if (query.starts_with("insert into opsh.batch ")) pair.records = true;
    bool counts = cut_.moment == Moment::recorded ? query.starts_with("insert into opsh.batch ") : query == "commit";
    if (!counts || cut_.moment == Moment::never || cut_.moment == Moment::after_bytes || ++seen_ != cut_.count) {
      if (query == "commit") pair.records = false;
      return true;
    }
    of_batch_ = pair.records;
    pair.committing = true;
    cuts = cut_.moment == Moment::unseen;
    return !cuts;
  }

  bool hear_server(Pair& pair, bool& cuts) {
    std::string bytes;
    if (!take(pair.server.get(), bytes)) return false;
    if (!pair.committing) return send(pair.client.get(), bytes, cuts);
    // ReadyForQuery, the last message of an answer, is 6 bytes long and ends in the state of the transaction.
    pair.answer += bytes;
    cuts = pair.answer.size() >= 6 && pair.answer[pair.answer.size() - 6] == 'Z';
    return true;
  }

  std::string original_, upstream_;
  std::filesystem::path directory_;
  opsh::Descriptor listener_;
  std::mutex mutex_;
  Cut cut_;
  int seen_ = 0;
  bool dead_ = false;
  std::atomic<bool> happened_{false}, of_batch_{false}, ends_{false};
  std::thread thread_;
};

}  // namespace faults
