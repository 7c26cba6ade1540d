#include "db/transport.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "base/descriptor.hpp"
#include "db/reader.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/statement.hpp"

using opsh::db::Reader;
using test::failure;

namespace {

/// Listens on every address of this machine, and never answers. "0.0.0.0" reaches it without being a loopback address.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket_.get(), 4) == 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }

  /// How a try to connect with these further words ends.
  opsh::Error error_of(const std::string& words, const std::string& insecure = "") const {
    auto target = test::target(fmt::format("host=0.0.0.0 port={} user=anna dbname=shop {}", port_, words));
    target.connect_within = opsh::Seconds{0.2};
    target.insecure = insecure;
    return failure([&] { Reader reader{target}; });
  }

  /// How many bytes the newest client has sent.
  std::size_t heard() const {
    opsh::Descriptor client{::accept(socket_.get(), nullptr, nullptr)};
    char buffer[1024];
    ssize_t got = ::recv(client.get(), buffer, sizeof buffer, 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

 private:
  opsh::Descriptor socket_;
  int port_ = 0;
};

}  // namespace

TEST_CASE("127.0.0.0/8 and ::1 are loopback addresses and no others are") {
  for (const char* address : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
    CHECK(opsh::db::is_loopback(address));
  for (const char* address : {"", "0.0.0.0", "128.0.0.1", "192.0.2.2", "10.127.0.1", "::", "fe80::1", "2001:db8::127",
                              "::ffff:192.0.2.2", "localhost", "127.0.0.1.example"})
    CHECK_FALSE(opsh::db::is_loopback(address));
}

TEST_CASE("a network below verify-full is refused before a byte is sent") {
  Listener listener;
  for (const char* mode : {"", "sslmode=disable", "sslmode=prefer", "sslmode=require", "sslmode=verify-ca"}) {
    INFO(mode);
    auto error = listener.error_of(mode);
    CHECK(error.kind == "refused.insecure");
    CHECK(error.hint.find("sslmode=verify-full") != std::string::npos);
    CHECK(listener.heard() == 0);
  }
  // What the listener would have heard.
  CHECK(listener.error_of("sslmode=prefer", "test").kind == "connect.timeout");
  CHECK(listener.heard() > 0);
}

TEST_CASE("a network with verify-full may be used, wherever libpq has that from") {
  Listener listener;
  CHECK(listener.error_of("sslmode=verify-full sslrootcert=/dev/null").kind != "refused.insecure");
  ::setenv("PGSSLMODE", "verify-full", 1);
  CHECK(listener.error_of("sslrootcert=/dev/null").kind != "refused.insecure");
  // The connection string is stronger than the environment.
  CHECK(listener.error_of("sslmode=require").kind == "refused.insecure");
  ::unsetenv("PGSSLMODE");
}

TEST_CASE("a host that is not on this machine is refused behind one that is") {
  Listener listener;
  auto target = test::target("host=127.0.0.1,0.0.0.0 port=1,1 user=anna dbname=shop");
  target.connect_within = opsh::Seconds{2};
  CHECK(failure([&] { Reader reader{target}; }).kind == "refused.insecure");
}
