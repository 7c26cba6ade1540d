#include "support/proxy.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace test {
namespace {

constexpr const char* socket_name = ".s.PGSQL.5432";

std::string option(const std::string& conninfo, std::string_view keyword) {
  PQconninfoOption* options = PQconninfoParse(conninfo.c_str(), nullptr);
  std::string value;
  for (auto* at = options; at && at->keyword; ++at)
    if (keyword == at->keyword && at->val) value = at->val;
  PQconninfoFree(options);
  return value;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error{"the path of a socket is too long: " + path};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

Proxy::Proxy(const std::string& conninfo) : original_(conninfo) {
  std::string port = option(conninfo, "port");
  upstream_ = option(conninfo, "host") + "/.s.PGSQL." + (port.empty() ? "5432" : port);
  char directory[] = "/tmp/opsh-proxy-XXXXXX";
  if (!::mkdtemp(directory)) throw std::runtime_error{"no directory for the proxy"};
  directory_ = directory;
  listener_ = opsh::Descriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto address = address_of(directory_ / socket_name);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 8) != 0)
    throw std::runtime_error{"the proxy cannot listen"};
  thread_ = std::thread{[this] { serve(); }};
}

Proxy::~Proxy() {
  ends_ = true;
  thread_.join();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string Proxy::conninfo() const {
  return original_ + " host=" + directory_.string() + " port=5432";
}

void Proxy::serve() {
  while (!ends_) {
    if (mode_ == Mode::cut) pairs_.clear();
    std::vector<pollfd> watched{{listener_.get(), POLLIN, 0}};
    for (const auto& pair : pairs_) {
      watched.push_back({pair.client.get(), POLLIN, 0});
      watched.push_back({pair.server.get(), POLLIN, 0});
    }
    if (::poll(watched.data(), watched.size(), 5) <= 0) continue;
    std::vector<Pair> alive;
    for (std::size_t at = 0; at < pairs_.size(); ++at) {
      int client = pairs_[at].client.get();
      int server = pairs_[at].server.get();
      bool open = true;
      if (watched[2 * at + 1].revents) open = pass(client, server, false);
      if (open && watched[2 * at + 2].revents) open = pass(server, client, mode_ == Mode::mute);
      if (open) alive.push_back(std::move(pairs_[at]));
    }
    pairs_ = std::move(alive);
    if (!watched[0].revents) continue;
    Pair fresh{opsh::Descriptor{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)},
               opsh::Descriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}};
    auto address = address_of(upstream_);
    if (::connect(fresh.server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      pairs_.push_back(std::move(fresh));
  }
}

/// False when the sender is gone.
bool Proxy::pass(int from, int to, bool swallow) {
  char buffer[16384];
  ssize_t got = ::recv(from, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  if (swallow) return true;
  // BackendKeyData: type, length 12, pid, key.
  constexpr std::string_view key_data{"K\0\0\0\x0c", 5};
  std::size_t at = std::string_view{buffer, static_cast<std::size_t>(got)}.find(key_data);
  if (mode_ == Mode::disguise && at != std::string_view::npos) buffer[at + key_data.size() + 3] ^= 1;
  return ::send(to, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
}

}  // namespace test
