#include "sandbox/detached.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "owner.hpp"
#include "sandbox/directory.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

using namespace opsh;
using namespace opsh::sandbox;

namespace {

/// A state directory whose sandbox does not outlive the test.
struct State {
  test::Scratch scratch;
  std::filesystem::path path = scratch.path() / "state";
  ~State() { stop(path); }
};

}  // namespace

TEST_CASE("a detached sandbox outlives its command, is found, and stopped") {
  State state;
  CHECK_FALSE(find(state.path));
  CHECK_FALSE(stop(state.path));
  auto starter = test::start_owner("[.detacher]", {{"OPSH_TEST_STATE", state.path.string()}});
  auto owned = test::read_owned(starter);
  // Who reads the command's output sees its end, although the server goes on.
  while (!starter.read_output(Deadline::in(Seconds{5})).empty()) {
  }
  CHECK(starter.read_errors(Deadline::in(Seconds{5})).empty());
  CHECK(starter.wait().success());

  auto found = find(state.path);
  REQUIRE(found);
  CHECK(found->directory == owned.directory);
  CHECK(found->pid == owned.server);
  CHECK(found->started.size() == 20);
  CHECK(test::query(found->conninfo, "show server_version").front().front() == found->version);
  struct stat status {};
  REQUIRE(::stat((state.path / "sandbox").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  CHECK(stop(state.path));
  CHECK(test::gone(owned));
  CHECK_FALSE(find(state.path));
  CHECK_FALSE(stop(state.path));
}

TEST_CASE("of two detached starts at once, one is told that a sandbox runs") {
  State state;
  std::vector<std::string> kinds(2);
  std::vector<std::thread> threads;
  for (auto& kind : kinds)
    threads.emplace_back([&] {
      try {
        start_detached({}, state.path);
      } catch (const Error& error) {
        kind = error.kind;
      }
    });
  for (auto& thread : threads) thread.join();
  std::sort(kinds.begin(), kinds.end());
  CHECK(kinds == std::vector<std::string>{"", "sandbox.running"});
  CHECK(find(state.path));
}

TEST_CASE("a record whose server is gone is none, and is cleaned up") {
  State state;
  Running running = start_detached({}, state.path);
  auto supervisor = supervisor_of(running.directory);
  REQUIRE(supervisor);
  SECTION("the supervisor was killed") {
    ::kill(*supervisor, SIGKILL);
    REQUIRE(test::within(Seconds{2}, [&] { return !in_use(running.directory); }));
    CHECK_FALSE(find(state.path));
    CHECK_FALSE(std::filesystem::exists(running.directory));
  }
  SECTION("the server was killed") {
    ::kill(running.pid, SIGKILL);
    REQUIRE(test::within(Seconds{2}, [&] { return !std::filesystem::exists(running.directory); }));
    CHECK_FALSE(find(state.path));
  }
  CHECK_FALSE(std::filesystem::exists(state.path / "sandbox"));
  Running next = start_detached({}, state.path);
  CHECK(test::query(next.conninfo, "select 1").size() == 1);
}

TEST_CASE("a sandbox that cannot be recorded is not left running") {
  test::Scratch scratch;
  std::filesystem::create_directories(scratch.path() / "sandbox" / "in the way");
  try {
    start_detached({}, scratch.path());
    FAIL("it cannot be recorded");
  } catch (const Error& error) {
    CHECK(error.kind == "sandbox.state");
  }
}
