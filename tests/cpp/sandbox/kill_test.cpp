#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "owner.hpp"
#include "sandbox/directory.hpp"
#include "sandbox/server.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

using namespace opsh;
using namespace opsh::sandbox;
using test::gone;
using test::within;

namespace {

const Seconds limit{2};

std::set<std::filesystem::path> entries_of(const std::filesystem::path& directory) {
  std::set<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator{directory}) found.insert(entry.path());
  return found;
}

}  // namespace

TEST_CASE("nothing is left of a sandbox whose owner was killed") {
  auto owner = test::start_owner("[.owner]");
  auto owned = test::read_owned(owner);
  REQUIRE(test::lives(owned.server));
  REQUIRE(test::lives(owned.supervisor));
  owner.signal(SIGKILL);
  owner.wait();
  CHECK(within(limit, [&] { return gone(owned); }));
}

TEST_CASE("nothing is left of a sandbox whose owner was killed while it started") {
  test::Scratch scratch;
  std::filesystem::permissions(scratch.path(), std::filesystem::perms{0777});
  for (bool cached : {true, false}) {
    std::map<std::string, std::string> environment{{"TMPDIR", scratch.path().string()}};
    if (!cached) environment["XDG_CACHE_HOME"] = "/proc/nowhere";
    for (int milliseconds = 5; milliseconds <= 125; milliseconds += 15) {
      auto owner = test::start_owner("[.owner]", environment);
      ::usleep(milliseconds * 1000);
      owner.signal(SIGKILL);
      owner.wait();
      INFO("killed after " << milliseconds << " ms");
      // Between the directory and its supervisor lies a moment in which only the next start can clean up.
      bool empty = within(limit, [&] { return entries_of(scratch.path()).empty(); });
      if (!empty) {
        test::Variable temporary{"TMPDIR", scratch.path().string()};
        reap_directories();
        // Killed before it had a lock: an empty directory, which a start removes when it is a minute old.
        for (const auto& entry : entries_of(scratch.path()))
          if (std::filesystem::is_empty(entry)) std::filesystem::remove(entry);
        empty = entries_of(scratch.path()).empty();
      }
      CHECK(empty);
    }
  }
}

TEST_CASE("the server dies with a supervisor that was killed, and the owner removes the rest") {
  test::Owned owned;
  {
    Server server = Server::start();
    owned = {server.pid(), supervisor_of(server.directory()).value_or(-1), server.directory()};
    REQUIRE(owned.supervisor > 0);
    ::kill(owned.supervisor, SIGKILL);
    CHECK(within(limit, [&] { return !test::lives(owned.server); }));
  }
  CHECK(gone(owned));
}

TEST_CASE("what is left when owner and supervisor were both killed is removed by the next start") {
  auto owner = test::start_owner("[.owner]");
  auto owned = test::read_owned(owner);
  owner.signal(SIGSTOP);
  ::kill(owned.supervisor, SIGKILL);
  owner.signal(SIGKILL);
  owner.wait();
  CHECK(within(limit, [&] { return !test::lives(owned.server); }));
  CHECK(std::filesystem::exists(owned.directory));
  Server next = Server::start();
  CHECK(gone(owned));
}

TEST_CASE("a sandbox in use is not taken for one that was left behind") {
  auto owner = test::start_owner("[.owner]");
  auto owned = test::read_owned(owner);
  reap_directories();
  CHECK(std::filesystem::exists(owned.directory));
  CHECK(test::lives(owned.server));
}

TEST_CASE("a busy backend whose postmaster was killed goes with the sandbox") {
  pid_t backend = -1;
  test::Owned owned;
  {
    Server server = Server::start();
    owned = {server.pid(), supervisor_of(server.directory()).value_or(-1), server.directory()};
    test::query(server.conninfo(), "create table busy (pid int)");
    auto client = proc::Child::start(
        {.argv = {"psql", "-X", "-q", "-d", server.conninfo(), "-c", "insert into busy select pg_backend_pid()", "-c",
                  "do $$ begin loop perform 1; end loop; end $$"}});
    REQUIRE(within(limit, [&] { return !test::query(server.conninfo(), "select from busy").empty(); }));
    backend = std::stoi(*test::query(server.conninfo(), "select pid from busy").front().front());
    REQUIRE(test::lives(backend));
    ::kill(server.pid(), SIGKILL);
  }
  CHECK_FALSE(test::lives(backend));
  CHECK(gone(owned));
}

TEST_CASE("the terminal's Ctrl-C does not reach a sandbox") {
  Server server = Server::start();
  auto supervisor = supervisor_of(server.directory());
  REQUIRE(supervisor);
  CHECK(::getsid(*supervisor) == *supervisor);
  CHECK(::getpgid(server.pid()) != ::getpgid(0));
}

TEST_CASE("a sandbox belongs to the user who runs opsh, and to nobody's root", "[root]") {
  if (::geteuid() != 0) return;
  test::Scratch scratch;
  auto nobody = proc::find_account("nobody");
  REQUIRE(nobody);
  REQUIRE(::chown(scratch.path().c_str(), nobody->uid, nobody->gid) == 0);
  for (bool cached : {false, true}) {
    INFO("cached " << cached);
    auto owner = test::start_owner(
        "[.owner]", {{"HOME", scratch.path().string()}, {"XDG_CACHE_HOME", (scratch.path() / "cache").string()}},
        nobody);
    auto owned = test::read_owned(owner);
    struct stat status {};
    REQUIRE(::stat(owned.directory.c_str(), &status) == 0);
    CHECK(status.st_uid == nobody->uid);
    owner.signal(SIGKILL);
    owner.wait();
    CHECK(within(limit, [&] { return gone(owned); }));
  }
  CHECK(std::filesystem::exists(scratch.path() / "cache" / "opsh" / "sandbox"));
}
