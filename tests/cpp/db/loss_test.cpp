#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/interrupt.hpp"
#include "cpp/db/commit_key.hpp"
#include "db/borrowed.hpp"
#include "db/copy.hpp"
#include "db/reader.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::Clock;
using opsh::db::CommitAnswer;
using opsh::db::Reader;
using opsh::db::Writer;
using opsh::sql::operator""_sql;
using test::commit_key;
using test::failure;

namespace {

std::string terminate(int pid) {
  return fmt::format("select pg_terminate_backend({})", pid);
}

bool sleeps(const test::Database& database, int pid) {
  return database.value(fmt::format("select count(*) from pg_stat_activity where pid = {} and wait_event = 'PgSleep'",
                                    pid)) == "1";
}

/// Runs `body` in a process of its own, because an interrupt is never taken back. Returns what body returned.
template <class Body>
int in_child(Body&& body) {
  pid_t child = ::fork();
  if (child == 0) {
    int status = 99;
    try {
      status = body();
    } catch (...) {
    }
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  // The descriptor is the child's as well, and is readable by now.
  eventfd_t asked = 0;
  ::eventfd_read(opsh::interrupt::descriptor(), &asked);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a session that the server ended is lost for every later call") {
  test::Database database;
  Reader reader{test::target(database)};
  auto cursor = reader.open("select i from generate_series(1, 5000) as i"_sql);
  CHECK(cursor->next().rows() == opsh::db::Cursor::usual_block);
  database.query(terminate(reader.connection().backend_pid()));
  REQUIRE(test::eventually([&] { return failure([&] { reader.query("select 1"_sql); }).kind != "passed"; }));
  CHECK(failure([&] { reader.query("select 1"_sql); }).kind == "connection.lost");
  CHECK(failure([&] { reader.describe("select 1"_sql); }).kind == "connection.lost");
  CHECK(failure([&] { reader.open("select 1"_sql); }).kind == "connection.lost");
  CHECK(failure([&] { reader.refresh(); }).kind == "connection.lost");
  CHECK(failure([&] { reader.savepoint(); }).kind == "connection.lost");
  CHECK(failure([&] {
          while (cursor->next().rows() > 0) {
          }
        }).kind == "connection.lost");
  CHECK(reader.connection().lost());
}

TEST_CASE("a session that is ended in the middle of a statement is lost") {
  test::Database database;
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  std::thread killer{[&] {
    test::eventually([&] { return sleeps(database, writer.backend().pid); });
    database.query(terminate(writer.backend().pid));
  }};
  auto error = failure([&] { writer.query("select pg_sleep(20)"_sql); });
  killer.join();
  CHECK(error.kind == "connection.lost");
  CHECK(failure([&] { writer.execute("select 1"_sql); }).kind == "connection.lost");
  CHECK(failure([&] { writer.begin(commit_key()); }).kind == "connection.lost");
  CHECK_FALSE(writer.in_transaction());
  writer.rollback();
}

TEST_CASE("libpqxx's quoting works after the connection was lost") {
  test::Database database;
  Reader reader{test::target(database)};
  database.query(terminate(reader.connection().backend_pid()));
  REQUIRE(test::eventually([&] { return failure([&] { reader.query("select 1"_sql); }).kind != "passed"; }));
  CHECK(reader.connection().pqxx().bytes("\\x4100") == std::string("A\0", 2));
}

TEST_CASE("a commit whose answer is lost is unknown") {
  test::Database database;
  database.query("create table t (id int)");
  test::Proxy proxy{database.conninfo()};
  Writer writer{test::target(proxy.conninfo())};
  writer.begin(commit_key());
  writer.execute("insert into t values (1)"_sql);
  proxy.mute();
  std::thread network{[&] {
    test::eventually([&] { return database.value("select count(*) from t") == "1"; });
    proxy.cut();
  }};
  CHECK(writer.commit(commit_key()) == CommitAnswer::unknown);
  network.join();
  CHECK(database.value("select count(*) from t") == "1");
}

TEST_CASE("a server that stops answering is given up ten seconds after the statement's time limit") {
  test::Database database;
  test::Proxy proxy{database.conninfo()};
  auto target = test::target(proxy.conninfo());
  target.statement_within = opsh::Seconds{0.2};
  Reader reader{target};
  proxy.mute();
  auto began = Clock::now();
  auto error = failure([&] { reader.query("select 1"_sql); });
  auto took = Clock::now() - began;
  CHECK(error.kind == "connection.lost");
  CHECK(took >= std::chrono::seconds(10));
  CHECK(took < std::chrono::seconds(12));
  began = Clock::now();
  CHECK(failure([&] { reader.query("select 1"_sql); }).kind == "connection.lost");
  CHECK(Clock::now() - began < std::chrono::seconds(1));
}

TEST_CASE("an interrupt cancels the statement under way within a second") {
  test::Database database;
  int status = in_child([&] {
    Reader reader{test::target(database)};
    std::thread person{[&] {
      test::eventually([&] { return sleeps(database, reader.connection().backend_pid()); });
      opsh::interrupt::request();
    }};
    auto began = Clock::now();
    auto error = failure([&] { reader.query("select pg_sleep(20)"_sql); });
    auto took = Clock::now() - began;
    person.join();
    if (error.kind != "interrupted") return 1;
    if (took > std::chrono::seconds(1)) return 2;
    if (failure([&] { reader.query("select 1"_sql); }).kind != "interrupted") return 3;
    if (reader.connection().lost()) return 4;
    return 0;
  });
  CHECK(status == 0);
  CHECK(database.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == "0");
}

TEST_CASE("an interrupt does not keep a commit from being sent and answered") {
  test::Database database;
  database.query("create table t (id int)");
  int status = in_child([&] {
    Writer writer{test::target(database)};
    writer.begin(commit_key());
    writer.execute("insert into t values (1)"_sql);
    opsh::interrupt::request();
    if (failure([&] { writer.execute("insert into t values (2)"_sql); }).kind != "interrupted") return 1;
    return writer.commit(commit_key()) == CommitAnswer::committed ? 0 : 2;
  });
  CHECK(status == 0);
  CHECK(database.value("select string_agg(id::text, ' ') from t") == "1");
}

TEST_CASE("after an interrupt a session can be opened only under a shield") {
  test::Database database;
  int status = in_child([&] {
    opsh::interrupt::request();
    if (failure([&] { Reader reader{test::target(database)}; }).kind != "interrupted") return 1;
    opsh::interrupt::Shield shield;
    Reader reader{test::target(database)};
    return reader.query("select 1"_sql).field(0, 0) == "1" ? 0 : 2;
  });
  CHECK(status == 0);
}

TEST_CASE("an interrupt ends a COPY that is being read") {
  test::Database database;
  int status = in_child([&] {
    Reader reader{test::target(database)};
    opsh::db::CopyOut copy{reader, "select repeat('x', 9000), pg_sleep(0.05) from generate_series(1, 400)"_sql};
    std::vector<std::optional<std::string>> fields;
    std::thread person{[&] {
      test::eventually([&] { return sleeps(database, reader.connection().backend_pid()); });
      opsh::interrupt::request();
    }};
    auto began = Clock::now();
    auto error = failure([&] {
      while (copy.next(fields)) {
      }
    });
    person.join();
    if (error.kind != "interrupted") return 1;
    return Clock::now() - began < std::chrono::seconds(2) ? 0 : 2;
  });
  CHECK(status == 0);
}
