#include "db/transport.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "base/error.hpp"

namespace opsh::db {
namespace {

bool is_unix_socket(int descriptor) {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX;
}

std::string sslmode_of(pg_conn* connection) {
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options{PQconninfo(connection), &PQconninfoFree};
  for (auto* option = options.get(); option && option->keyword; ++option)
    if (std::string_view{option->keyword} == "sslmode") return option->val ? option->val : "";
  return {};
}

}  // namespace

bool is_loopback(std::string_view address) {
  std::string text{address};
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&six)) return six.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&six);
}

void require_safe_transport(pg_conn* connection, std::string_view reason) {
  if (!reason.empty() || is_unix_socket(PQsocket(connection))) return;
  std::string address = PQhostaddr(connection);
  if (is_loopback(address)) return;
  std::string mode = sslmode_of(connection);
  if (mode == "verify-full") return;
  throw Error{
      "refused.insecure",
      fmt::format("{} is reached over a network with sslmode={}: whoever stands in between could read, or change, "
                  "what is sent",
                  address.empty() ? "the server" : address, mode),
      "add sslmode=verify-full (and sslrootcert), or say why it may be: insecure = \"...\" in the target, or "
      "--insecure=REASON"};
}

}  // namespace opsh::db
