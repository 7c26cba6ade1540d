#include "proc/child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace opsh;
using namespace opsh::proc;

namespace {

Deadline soon() {
  return Deadline::in(Seconds{5});
}

bool exists(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

}  // namespace

TEST_CASE("one can talk with a process that goes on") {
  Child child = Child::start({.argv = {"cat"}, .input = Stream::pipe});
  child.write("one\n");
  CHECK(child.read_output(soon()) == "one\n");
  CHECK(child.running());
  child.write("two\n");
  CHECK(child.read_output(soon()) == "two\n");
  child.close_input();
  CHECK(child.read_output(soon()).empty());
  CHECK(child.wait().success());
  CHECK_FALSE(child.running());
  CHECK(child.wait().success());
}

TEST_CASE("a read that takes too long is an error and the process goes on") {
  Child child = Child::start({.argv = {"sleep", "5"}});
  try {
    child.read_output(Deadline::in(Seconds{0.05}));
    FAIL("nothing was written");
  } catch (const Error& error) {
    CHECK(error.kind == "process.deadline");
  }
  CHECK(child.running());
  CHECK_FALSE(child.wait(Deadline::in(Seconds{0.05})));
}

TEST_CASE("a signal reaches the process and its end says so") {
  Child child = Child::start({.argv = {"sleep", "30"}});
  child.signal(SIGKILL);
  auto exit = child.wait(soon());
  REQUIRE(exit);
  CHECK(exit->signal == SIGKILL);
  child.signal(SIGKILL);
}

TEST_CASE("writing to a process that has ended is an error and no signal") {
  Child child = Child::start({.argv = {"true"}, .input = Stream::pipe});
  child.wait();
  try {
    child.write("x");
    FAIL("nobody reads");
  } catch (const Error& error) {
    CHECK(error.kind == "process.input");
  }
}

TEST_CASE("a child that is dropped is killed and leaves no zombie") {
  pid_t pid = -1;
  {
    Child child = Child::start({.argv = {"sleep", "30"}});
    pid = child.pid();
    Child moved = std::move(child);
    CHECK(moved.running());
    CHECK_FALSE(child.running());  // NOLINT(bugprone-use-after-move): what is left behind is what is asked
  }
  CHECK_FALSE(exists(pid));
}

TEST_CASE("a program that does not start leaves no zombie") {
  CHECK_THROWS_AS(Child::start({.argv = {"true"}, .directory = "/nonexistent"}), Error);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("errors are a stream of their own") {
  Child child = Child::start({.argv = {"sh", "-c", "echo wrong >&2"}});
  CHECK(child.read_errors(soon()) == "wrong\n");
  CHECK(child.read_output(soon()).empty());
}
