#include "log/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "base/descriptor.hpp"
#include "support/catch.hpp"

namespace opsh {
namespace {

// Runs `act` with standard error pointing to `target`; closed when there is none.
void with_standard_error(const Descriptor& target, const std::function<void()>& act) {
  std::fflush(stderr);
  Descriptor saved{::dup(STDERR_FILENO)};
  if (target) {
    ::dup2(target.get(), STDERR_FILENO);
  } else {
    ::close(STDERR_FILENO);
  }
  act();
  std::fflush(stderr);
  ::dup2(saved.get(), STDERR_FILENO);
}

// What `act` writes to standard error.
std::string captured(const std::function<void()>& act) {
  char name[] = "/tmp/opsh-log-XXXXXX";
  Descriptor file{::mkstemp(name)};
  ::unlink(name);
  with_standard_error(file, act);
  std::string text(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
  REQUIRE(::pread(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  return text;
}

void write_one_of_each() {
  log::debug("looking");
  log::info("3 rows");
  log::warn("slow");
  log::error("lost");
}

/// Sets an environment variable for one test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

}  // namespace

TEST_CASE("a line says its level only where that says something") {
  log::start({.level = log::Level::info});
  CHECK(captured(write_one_of_each) == "3 rows\nwarning: slow\nerror: lost\n");
}

TEST_CASE("debug lines come with the time") {
  log::start({.level = log::Level::debug});
  auto text = captured([] { log::debug("looking"); });
  REQUIRE(text.size() == std::string{"02:15:30.123 debug: looking\n"}.size());
  CHECK(text.substr(12) == " debug: looking\n");
  CHECK(text[2] == ':');
  CHECK(text[8] == '.');
}

TEST_CASE("messages below the level are dropped") {
  log::start({.level = log::Level::error});
  CHECK(captured(write_one_of_each) == "error: lost\n");
  log::start({.level = log::Level::off});
  CHECK(captured(write_one_of_each).empty());
}

TEST_CASE("a message with braces or percent signs is not a format") {
  log::start({});
  CHECK(captured([] { log::info("{} {0:x} %s %v {"); }) == "{} {0:x} %s %v {\n");
  CHECK(captured([] { log::warn(std::string_view{"a\0b", 3}); }) == std::string{"warning: a\0b\n", 13});
}

TEST_CASE("what is no terminal gets no colours unless they are asked for") {
  log::start({.color = log::Color::automatic});
  CHECK(captured([] { log::error("lost"); }) == "error: lost\n");
  log::start({.color = log::Color::always});
  auto text = captured([] { log::error("lost"); });
  CHECK(text.starts_with("\x1b["));
  CHECK(text.ends_with("\x1b[m lost\n"));
}

TEST_CASE("on a terminal NO_COLOR turns colours off, and an empty NO_COLOR does not") {
  ::unsetenv("NO_COLOR");
  Variable term{"TERM", "xterm"};
  auto on_a_terminal = [] {
    Descriptor master{::posix_openpt(O_RDWR | O_NOCTTY)};
    REQUIRE(master);
    REQUIRE(::grantpt(master.get()) == 0);
    REQUIRE(::unlockpt(master.get()) == 0);
    Descriptor terminal{::open(::ptsname(master.get()), O_RDWR | O_NOCTTY)};
    REQUIRE(terminal);
    with_standard_error(terminal, [] {
      log::start({});
      log::error("lost");
    });
    char buffer[200];
    auto size = ::read(master.get(), buffer, sizeof buffer);
    return std::string{buffer, static_cast<std::size_t>(size > 0 ? size : 0)};
  };

  CHECK(on_a_terminal().find('\x1b') != std::string::npos);
  {
    Variable no_color{"NO_COLOR", "1"};
    CHECK(on_a_terminal() == "error: lost\r\n");
  }
  Variable no_color{"NO_COLOR", ""};
  CHECK(on_a_terminal().find('\x1b') != std::string::npos);
}

TEST_CASE("logging to a closed or full standard error throws nothing") {
  log::start({.level = log::Level::debug});
  CHECK_NOTHROW(with_standard_error(Descriptor{}, write_one_of_each));
  CHECK_NOTHROW(with_standard_error(Descriptor{::open("/dev/full", O_WRONLY)}, write_one_of_each));
  std::clearerr(stderr);
  CHECK(captured([] { log::info("back again"); }) == "back again\n");
}

}  // namespace opsh
