#include "sandbox/server.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/error.hpp"
#include "owner.hpp"
#include "sandbox/directory.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

using namespace opsh;
using namespace opsh::sandbox;

namespace {

Error start_failure(const Options& options) {
  try {
    Server::start(options);
  } catch (const Error& error) {
    return error;
  }
  return {"", "it started"};
}

std::string setting(const Server& server, const std::string& name) {
  return *test::query(server.conninfo(), "show " + name).front().front();
}

}  // namespace

TEST_CASE("a sandbox answers, and leaves nothing when it is dropped") {
  test::Owned owned;
  {
    Server server = Server::start();
    owned = {server.pid(), supervisor_of(server.directory()).value_or(-1), server.directory()};
    CHECK(test::query(server.conninfo(), "select current_user, current_database()").front() ==
          test::Row{"opsh", "postgres"});
    CHECK(setting(server, "server_version") == server.version());
    CHECK(test::lives(owned.server));
    CHECK(test::lives(owned.supervisor));
    struct stat status {};
    REQUIRE(::stat(server.directory().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
  }
  CHECK(test::gone(owned));
}

TEST_CASE("a sandbox trades power cuts for speed, and nothing else, unless it is to be durable") {
  CHECK(setting(test::server(), "fsync") == "off");
  CHECK(setting(test::server(), "full_page_writes") == "off");
  CHECK(setting(test::server(), "synchronous_commit") == "on");
  // Not "$user": the role has the name of the ledger's schema.
  CHECK(setting(test::server(), "search_path") == "public");
  CHECK(setting(test::server(), "listen_addresses").empty());
  CHECK(setting(test::server(), "max_connections") == "100");
  CHECK(setting(test::server(), "server_encoding") == "UTF8");
  Server durable = Server::start({.durable = true, .settings = {{"work_mem", "7MB"}}});
  CHECK(setting(durable, "fsync") == "on");
  CHECK(setting(durable, "full_page_writes") == "on");
  CHECK(setting(durable, "work_mem") == "7MB");
}

TEST_CASE("a sandbox can be reached over TCP when that is asked for") {
  Server server = Server::start({.listen_addresses = "127.0.0.1"});
  std::string conninfo = "host=127.0.0.1 user=opsh dbname=postgres port=" + std::to_string(server.port());
  CHECK(test::query(conninfo, "select 1").size() == 1);
}

TEST_CASE("two sandboxes are two") {
  Server one = Server::start();
  Server two = Server::start();
  test::query(one.conninfo(), "create table only_in_one ()");
  CHECK(test::query(two.conninfo(), "select 1 from pg_class where relname = 'only_in_one'").empty());
  CHECK(one.directory() != two.directory());
}

TEST_CASE("a server of a major version that is not installed is refused, and one that is starts") {
  test::Database database;
  const int here = std::stoi(database.value("select current_setting('server_version_num')")) / 10000;
  CHECK(Server::start({.major = here}).version().starts_with(std::to_string(here)));
  try {
    Server::start({.major = 99});
    FAIL("it started");
  } catch (const Error& error) {
    CHECK(error.kind == "sandbox.version");
    CHECK(error.message.starts_with("there is no server of PostgreSQL 99 on this machine"));
  }
}

TEST_CASE("a server that does not start is an error with the end of its log") {
  Error error = start_failure({.settings = {{"no_such_setting", "1"}}});
  CHECK(error.kind == "sandbox.start");
  CHECK(error.message.find("unrecognized configuration parameter \"no_such_setting\"") != std::string::npos);
  CHECK(error.excerpt.find("FATAL") != std::string::npos);
}

TEST_CASE("a start that takes too long is given up") {
  CHECK(start_failure({.start_limit = Seconds{0}}).kind == "sandbox.start");
}

TEST_CASE("an OPSH_PG_BIN without a server is an error that names it") {
  test::Variable variable{"OPSH_PG_BIN", "/usr/share"};
  Error error = start_failure({});
  CHECK(error.kind == "sandbox.binaries");
  CHECK(error.message.find("/usr/share") != std::string::npos);
  CHECK_FALSE(error.hint.empty());
}

TEST_CASE("the server is found where PATH has none") {
  test::Variable variable{"PATH", "/usr/bin:/bin"};
  CHECK(test::query(Server::start().conninfo(), "select 1").size() == 1);
}

TEST_CASE("variables of the operator's own servers do not reach a sandbox") {
  test::Variable data{"PGDATA", "/nonexistent"};
  test::Variable port{"PGPORT", "1"};
  Server server = [] {
    test::Variable options{"PGOPTIONS", "-c no_such_setting=1"};
    return Server::start();
  }();
  CHECK(setting(server, "port") == "5432");
}

TEST_CASE("a long or odd TMPDIR does not hinder a sandbox") {
  test::Scratch scratch;
  std::filesystem::permissions(scratch.path(), std::filesystem::perms{0777});
  for (const std::string& name :
       {std::string{"with 'quote and space"}, std::string{"with,comma"}, std::string(120, 'x')}) {
    auto base = scratch.path() / name;
    std::filesystem::create_directory(base);
    std::filesystem::permissions(base, std::filesystem::perms{0777});
    test::Variable variable{"TMPDIR", base.string()};
    CHECK(test::query(Server::start().conninfo(), "select 1").size() == 1);
    CHECK(std::filesystem::is_empty(base));
  }
}

TEST_CASE("a database is fresh, can be a copy of another, and can be dropped while somebody is connected") {
  Server& server = test::server();
  std::string first = server.create_database("first \"one\"");
  test::query(first, "create table t as select 7 as a");
  std::string copy = server.create_database("copy", "first \"one\"");
  CHECK(test::query(copy, "select a from t").front().front() == "7");
  test::Database fresh;
  CHECK(fresh.query("select from pg_class where relname = 't'").empty());
  CHECK(fresh.value("select current_database()") == fresh.name());
  server.drop_database("first \"one\"");
  server.drop_database("copy");
  server.drop_database("copy");
  CHECK(test::query(server.conninfo(), "select 1 from pg_database where datname in ('first \"one\"', 'copy')").empty());
  CHECK_THROWS(test::query(copy, "select 1"));
}

TEST_CASE("a database that cannot be made is an error with the server's SQLSTATE") {
  try {
    test::server().create_database("x", "no such template");
    FAIL("there is no such template");
  } catch (const Error& error) {
    CHECK(error.kind == "sandbox.database");
    CHECK(error.sqlstate == "3D000");
  }
}

TEST_CASE("a sandbox whose server died says so and still leaves nothing") {
  test::Owned owned;
  {
    Server server = Server::start();
    owned = {server.pid(), supervisor_of(server.directory()).value_or(-1), server.directory()};
    ::kill(server.pid(), SIGKILL);
    REQUIRE(test::within(Seconds{2}, [&] { return !test::lives(server.pid()); }));
    try {
      server.create_database("x");
      FAIL("the server is dead");
    } catch (const Error& error) {
      CHECK(error.kind == "sandbox.gone");
    }
  }
  CHECK(test::gone(owned));
}
