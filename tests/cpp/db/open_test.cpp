#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include "db/reader.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::Error;
using opsh::db::Reader;
using test::failure;

namespace {

constexpr const char* secret = "Xq7-secret";

Error refusal(const std::string& conninfo) {
  auto error = failure([&] { Reader reader{test::target(conninfo)}; });
  INFO(error.message);
  CHECK(error.message.find(secret) == std::string::npos);
  CHECK(error.hint.find(secret) == std::string::npos);
  return error;
}

/// A role whose password the server asks for, which the sandbox does not do by itself.
class GuardedRole {
 public:
  explicit GuardedRole(const test::Database& database) : database_(database) {
    database_.query("create role guarded login password '" + std::string{secret} + "'");
    // Everything else goes on as before; the first line that fits decides.
    database_.query(
        "create temp table lines as select row_number() over () as n, l as line "
        "from regexp_split_to_table(pg_read_file(current_setting('hba_file')), '\\n') as l;"
        "do $$ begin execute format('copy (select line from (select 0 as n, ''local all guarded scram-sha-256'' as "
        "line union all select n, line from lines) as all_lines order by n) to %L', current_setting('hba_file')); "
        "end $$;"
        "select pg_reload_conf()");
    REQUIRE(test::eventually([&] {
      return failure([&] { Reader{test::target(database.conninfo() + " user=guarded passfile=/nonexistent")}; }).kind ==
             "connect.password";
    }));
  }
  ~GuardedRole() { database_.query("drop role guarded"); }

 private:
  const test::Database& database_;
};

}  // namespace

TEST_CASE("a password that is wrong or missing is told apart from a database that does not exist") {
  test::Database database;
  GuardedRole role{database};
  auto with_password = [&](const char* password, const std::string& name) {
    return fmt::format("{} user=guarded password='{}' dbname={} passfile=/nonexistent", database.conninfo(), password,
                       name);
  };
  Reader accepted{test::target(with_password(secret, database.name()))};

  auto wrong = refusal(with_password("Xq7-secret-not", database.name()));
  CHECK(wrong.kind == "connect.password");
  CHECK(wrong.sqlstate == "28P01");
  CHECK(wrong.message.find("28P01") == std::string::npos);
  CHECK(wrong.message.find(".c:") == std::string::npos);
  CHECK(refusal(with_password("", database.name())).kind == "connect.password");
  auto missing = refusal(with_password(secret, "no_such_database"));
  CHECK(missing.kind == "connect.database");
  CHECK(missing.message.find("no_such_database") != std::string::npos);
}

TEST_CASE("a role that does not exist is not a database that does not exist") {
  test::Database database;
  CHECK(refusal(database.conninfo() + " user=no_such_role").kind == "connect.refused");
  CHECK(refusal(database.conninfo() + " dbname=no_such_database").kind == "connect.database");
}

TEST_CASE("a database that lets nobody in is no lost connection") {
  test::Database database;
  database.query("create role outsider login; revoke connect on database " + database.name() + " from public");
  CHECK(refusal(database.conninfo() + " user=outsider").kind == "permission.denied");
  database.query("drop role outsider");
}

TEST_CASE("a server that is not there is refused with where it was looked for") {
  auto socket = refusal(fmt::format("host=/nonexistent port=5433 user=someone password={}", secret));
  CHECK(socket.kind == "connect.refused");
  CHECK(socket.hint.find("host=/nonexistent port=5433 user=someone") != std::string::npos);
  CHECK(refusal("host=127.0.0.1 port=1").kind == "connect.refused");
  CHECK(refusal("host=no-such-host.invalid").kind == "connect.refused");
}

TEST_CASE("a connection string that cannot be read is not repeated") {
  for (const std::string& text :
       {fmt::format("hostt=x password={}", secret), std::string{secret}, fmt::format("password='{}", secret),
        fmt::format("postgresql://u:{}@[::1/db", secret), fmt::format("postgresql://u@h/db?password={}&x=1", secret)}) {
    INFO(text);
    CHECK(refusal(text).kind == "usage.conninfo");
  }
}

TEST_CASE("a listener that never answers is given up at the deadline") {
  test::Database database;
  test::Proxy proxy{database.conninfo()};
  proxy.mute();
  auto target = test::target(proxy.conninfo());
  target.connect_within = opsh::Seconds{0.3};
  auto began = opsh::Clock::now();
  auto error = failure([&] { Reader reader{target}; });
  CHECK(error.kind == "connect.timeout");
  CHECK(error.message.find("0.3 s") != std::string::npos);
  CHECK(opsh::Clock::now() - began < std::chrono::seconds(2));
}

TEST_CASE("a description of a target has no password") {
  auto target = test::target(fmt::format("postgresql://anna:{}@db.example:5433/shop", secret));
  CHECK(opsh::db::describe(target) == "host=db.example port=5433 user=anna dbname=shop");
}

TEST_CASE("a time zone that the server does not know is an error of the connection") {
  test::Database database;
  auto target = test::target(database);
  target.time_zone = "Mars/Olympus";
  CHECK(failure([&] { Reader reader{target}; }).sqlstate == "22023");
}
