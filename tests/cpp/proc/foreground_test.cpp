#include "proc/foreground.hpp"

#include <csignal>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace opsh;

namespace {

int status_of(const std::string& script) {
  return proc::run_in_foreground({.argv = {"/bin/sh", "-c", script}}).status;
}

}  // namespace

TEST_CASE("a program in the foreground has our streams, our process group and its own status") {
  CHECK(status_of("exit 7") == 7);
  CHECK(status_of("test \"$(ps -o pgid= -p $$)\" = \"$(ps -o pgid= -p $PPID)\"") == 0);
  CHECK(proc::run_in_foreground({.argv = {"/bin/sh", "-c", "kill -TERM $$"}}).signal == SIGTERM);
}

TEST_CASE("Ctrl-C is the business of the program in the foreground alone") {
  struct sigaction before {};
  ::sigaction(SIGINT, nullptr, &before);
  CHECK(status_of("kill -INT $PPID; exit 3") == 3);
  CHECK(proc::run_in_foreground({.argv = {"/bin/sh", "-c", "kill -INT $$"}}).signal == SIGINT);
  struct sigaction after {};
  ::sigaction(SIGINT, nullptr, &after);
  CHECK(after.sa_handler == before.sa_handler);
}

TEST_CASE("a program for the foreground that is not there is an error") {
  CHECK_THROWS_AS(proc::run_in_foreground({.argv = {"/nonexistent"}}), Error);
}
