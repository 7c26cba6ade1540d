#include <string_view>

#include "db/reader.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::db::Reader;
using opsh::sql::operator""_sql;
using test::failure;

TEST_CASE("a reader that rests holds no transaction, and takes a new snapshot at its next use") {
  test::Database database;
  database.query("create table t (id int)");
  Reader reader{test::target(database)};
  auto open = [&] {
    return database.value(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> "
        "pg_backend_pid() and state <> 'idle'");
  };
  CHECK(open() == "1");
  reader.rest();
  reader.rest();
  CHECK(open() == "0");
  database.query("insert into t values (1)");
  CHECK(reader.query("select count(*) from t"_sql).field(0, 0) == "1");
  CHECK(open() == "1");
  reader.rest();
  CHECK(failure([&] { reader.query("insert into t values (1)"_sql); }).kind == "sql.read_only");
  reader.rest();
  reader.refresh();
  CHECK(open() == "1");
}

TEST_CASE("a reader that begins at its first use knows before where it is, and holds no transaction") {
  test::Database database;
  Reader reader{test::target(database), Reader::Begins::at_first_use};
  CHECK(reader.channel().database() == database.name());
  CHECK(reader.channel().user() == database.value("select current_user"));
  auto in_transaction =
      "select count(*) from pg_stat_activity where datname = current_database() and xact_start < now()";
  CHECK(database.value(in_transaction) == "0");
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
  CHECK(database.value(in_transaction) == "1");
  reader.rest();
  CHECK(reader.evidence().transactions == 1);
}

TEST_CASE("a reader whose transaction could not begin begins another") {
  test::Database database;
  database.query("revoke select on pg_catalog.pg_class from public; create role " + database.name() + " login");
  auto target = test::target(database);
  target.conninfo += " user=" + database.name();
  Reader reader{target, Reader::Begins::at_first_use};
  CHECK(failure([&] { reader.query("select 1"_sql); }).sqlstate == "42501");
  database.query("grant select on pg_catalog.pg_class to public");
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
  reader.close();
  database.query("drop role " + database.name());
}

TEST_CASE("a reader that rests leaves a failed transaction and an open cursor behind") {
  test::Database database;
  Reader reader{test::target(database)};
  auto cursor = reader.open("select generate_series(1, 5000)"_sql);
  CHECK(cursor->next().rows() == opsh::db::Cursor::usual_block);
  reader.rest();
  CHECK(failure([&] { cursor->next(); }).kind == "cursor.closed");
  CHECK(failure([&] { reader.query("select 1/0"_sql); }).sqlstate == "22012");
  reader.rest();
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
}

TEST_CASE("a reader shows at the end of each transaction that nothing was written") {
  test::Database database;
  database.query("create table t (id int); insert into t values (1)");
  Reader reader{test::target(database)};
  reader.query("select count(*) from t"_sql);
  reader.refresh();
  reader.rest();
  CHECK(reader.evidence().transactions == 2);
  CHECK(reader.evidence().holds());
}

TEST_CASE("a reader that wrote says so, whatever let it write") {
  test::Database database;
  database.query("create table t (id int); insert into t values (1), (2)");
  if (opsh::db::Reader{test::target(database)}.connection().server_version() >= 160000) return;
  // After a transaction that counted nothing, none is looked at before it begins.
  const bool first = GENERATE(true, false);
  const auto doubt = [&](std::initializer_list<const char*> statements) {
    Reader reader{test::target(database)};
    if (!first) reader.rest();
    return failure([&] {
      reader.query("select set_config('transaction_read_only', null, false)"_sql);
      for (const char* statement : statements) {
        if (std::string_view{statement} == "delete") reader.query("delete from t"_sql);
        if (std::string_view{statement} == "id") reader.query("select pg_current_xact_id()"_sql);
        if (std::string_view{statement} == "back") reader.query("set transaction read only"_sql);
      }
      reader.rest();
    });
  };
  const auto deleted = doubt({"delete", "back"});
  CHECK(deleted.kind == "in_doubt.evidence");
  CHECK(deleted.message.find("the transaction got an id, the statistics count 2 changed rows") != std::string::npos);
  CHECK(deleted.message.find("read-only any more") == std::string::npos);
  CHECK(doubt({"id", "back"}).message.find("the transaction got an id") != std::string::npos);
  CHECK(doubt({}).message.find("was not read-only any more") != std::string::npos);
  CHECK(database.value("select count(*) from t") == "2");
}

TEST_CASE("the evidence of a transaction does not count what an earlier one on the same connection wrote") {
  test::Database database;
  database.query("create table t (id int); insert into t values (1)");
  Reader reader{test::target(database)};
  if (reader.connection().server_version() < 160000) {
    CHECK(failure([&] {
            reader.query("select set_config('transaction_read_only', null, false)"_sql);
            reader.query("delete from t"_sql);
            reader.rest();
          }).kind == "in_doubt.evidence");
  }
  reader.query("select count(*) from t"_sql);
  CHECK(failure([&] { reader.rest(); }).kind == "passed");
}
