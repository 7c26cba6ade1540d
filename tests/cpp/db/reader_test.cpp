#include "db/reader.hpp"

#include <algorithm>
#include <string>

#include "db/borrowed.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::db::Parameters;
using opsh::db::Reader;
using opsh::sql::operator""_sql;
using test::failure;

TEST_CASE("a reader sees one snapshot until it is refreshed") {
  test::Database database;
  database.query("create table t (id int); insert into t values (1)");
  Reader reader{test::target(database)};
  database.query("insert into t values (2)");
  CHECK(reader.query("select count(*) from t"_sql).field(0, 0) == "1");
  CHECK(reader.query("select count(*) from t"_sql).field(0, 0) == "1");
  reader.refresh();
  CHECK(reader.query("select count(*) from t"_sql).field(0, 0) == "2");
}

TEST_CASE("a reader takes its snapshot when it is made, not at its first query") {
  test::Database database;
  database.query("create table t (id int)");
  Reader reader{test::target(database)};
  database.query("insert into t values (1)");
  CHECK(reader.query("select count(*) from t"_sql).field(0, 0) == "0");
}

TEST_CASE("the server refuses what a reader would write, whatever passed the gate") {
  test::Database database;
  database.query("create table t (id int)");
  Reader reader{test::target(database)};
  for (const opsh::sql::ReadSql& statement :
       {opsh::sql::ReadSql{"insert into t values (1)"_sql}, opsh::sql::ReadSql{"create table u (id int)"_sql},
        opsh::sql::ReadSql{"select * from t for update"_sql}, opsh::sql::ReadSql{"select nextval('s')"_sql}}) {
    reader.refresh();
    auto error = failure([&] { reader.query(statement); });
    INFO(statement.text());
    if (statement.text().find("nextval") == std::string::npos) {
      CHECK(error.kind == "sql.read_only");
      CHECK(error.sqlstate == "25006");
    } else {
      CHECK(error.kind != "passed");
    }
  }
  reader.refresh();
  CHECK(reader.query("select count(*) from t"_sql).field(0, 0) == "0");
}

TEST_CASE("a transaction of a reader cannot be made writable by SET") {
  test::Database database;
  Reader reader{test::target(database)};
  CHECK(failure([&] { reader.query("set transaction read write"_sql); }).sqlstate == "25001");
}

TEST_CASE("a statement that ends a reader's transaction breaks the session for good") {
  test::Database database;
  for (const opsh::sql::ReadSql& statement :
       {opsh::sql::ReadSql{"commit"_sql}, opsh::sql::ReadSql{"rollback"_sql}, opsh::sql::ReadSql{"end"_sql},
        opsh::sql::ReadSql{"commit and chain"_sql}, opsh::sql::ReadSql{"begin"_sql}}) {
    INFO(statement.text());
    Reader reader{test::target(database)};
    CHECK(failure([&] { reader.query(statement); }).kind == "session.broken");
    CHECK(failure([&] { reader.query("select 1"_sql); }).kind == "session.broken");
    CHECK(failure([&] { reader.describe("select 1"_sql); }).kind == "session.broken");
    CHECK(failure([&] { reader.open("select 1"_sql); }).kind == "session.broken");
    CHECK(failure([&] { reader.refresh(); }).kind == "session.broken");
    CHECK(reader.connection().lost());
  }
}

TEST_CASE("several statements in one call are refused and none of them runs") {
  test::Database database;
  Reader reader{test::target(database)};
  auto error = failure([&] { reader.query("select 1; commit"_sql); });
  CHECK(error.kind == "sql.syntax");
  CHECK_FALSE(reader.connection().lost());
  reader.refresh();
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
}

TEST_CASE("describing a query gives its columns and runs nothing") {
  test::Database database;
  Reader reader{test::target(database)};
  auto columns = reader.describe(test::read("select 1/0 as broken, $1::numeric as amount, 'x' as text"),
                                 Parameters{{"5", opsh::db::oid::numeric}});
  REQUIRE(columns.size() == 3);
  CHECK(columns[0].name == "broken");
  CHECK(columns[0].type == opsh::db::oid::int4);
  CHECK(columns[1].type == opsh::db::oid::numeric);
  CHECK(columns[2].type == opsh::db::oid::text);
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
}

TEST_CASE("an error of the server shows the author's line with a caret at the place") {
  test::Database database;
  database.query("create table people (id int, name text)");
  Reader reader{test::target(database)};
  const std::string author = "select id,\n       nme\nfrom people -- the end;\n;";
  const std::string expected = "line 2:        nme\n               ^";
  CHECK(failure([&] { reader.query(test::read(author)); }).excerpt == expected);
  reader.refresh();
  CHECK(failure([&] { reader.open(test::read(author)); }).excerpt == expected);
  reader.refresh();
  CHECK(failure([&] { reader.describe(test::read(author)); }).excerpt == expected);
  reader.refresh();
  auto error = failure([&] { reader.query("select nme from people"_sql); });
  CHECK(error.kind == "sql.undefined_column");
  CHECK(error.excerpt.empty());
}

TEST_CASE("a query that fails within a savepoint leaves the snapshot") {
  test::Database database;
  database.query("create table t (id int)");
  Reader reader{test::target(database)};
  database.query("insert into t values (1)");
  reader.savepoint();
  CHECK(failure([&] { reader.query("select 1/0"_sql); }).sqlstate == "22012");
  CHECK(failure([&] { reader.query("select 1"_sql); }).kind == "sql.doomed");
  reader.rollback_to_savepoint();
  CHECK(reader.query("select count(*) from t"_sql).field(0, 0) == "0");
}

TEST_CASE("more parameters than the protocol counts are refused before they are sent") {
  test::Database database;
  Reader reader{test::target(database)};
  Parameters parameters;
  for (int number = 0; number < 65536; ++number) parameters.add("1", opsh::db::oid::int4);
  CHECK(failure([&] { reader.query("select 1"_sql, parameters); }).kind == "sql.parameters");
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
}

TEST_CASE("a wrong number of parameters is the statement's fault and not the connection's") {
  test::Database database;
  Reader reader{test::target(database)};
  auto error = failure([&] { reader.query("select $1::int + $2::int"_sql, Parameters{{"1", 0}}); });
  CHECK(error.kind == "sql.parameters");
  CHECK_FALSE(reader.connection().lost());
}

TEST_CASE("a parameter that is null is NULL and an empty one is empty") {
  test::Database database;
  Reader reader{test::target(database)};
  auto row = reader.query("select $1::text is null, $2::text = '', null::int"_sql,
                          Parameters{{std::nullopt, opsh::db::oid::text}, {"", opsh::db::oid::text}});
  CHECK(row.field(0, 0) == "t");
  CHECK(row.field(0, 1) == "t");
  CHECK(row.field(0, 2) == std::nullopt);
}

TEST_CASE("the beginning of a query is at most 1000 rows, and the number of all of them") {
  test::Database database;
  Reader reader{test::target(database)};
  for (int rows : {0, 1, 999, 1000, 1001, 1999, 2000, 2001, 7500}) {
    auto found = reader.beginning(test::read("select generate_series(1, " + std::to_string(rows) + ") as n"));
    INFO(rows);
    CHECK(found.rows.rows() == std::min(rows, 1000));
    CHECK(found.rows.columns() == 1);
    CHECK(found.total == static_cast<std::uint64_t>(rows));
  }
}

TEST_CASE("a parameter with a NUL byte and 70 000 parameters are refused before anything is sent") {
  test::Database database;
  Reader reader{test::target(database)};
  const auto nul = failure([&] { reader.query("select $1::text"_sql, {{std::string{"a\0b", 3}}}); });
  CHECK(nul.kind == "data.nul");
  CHECK_FALSE(nul.hint.empty());
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
  Parameters many;
  for (int i = 0; i < 70000; ++i) many.add("1");
  const auto error = failure([&] { reader.query("select $1::text"_sql, many); });
  CHECK(error.kind == "sql.parameters");
  CHECK(error.message == "70000 parameters; PostgreSQL takes at most 65535");
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
}

TEST_CASE("a limit for statements holds up to the end of the savepoint") {
  test::Database database;
  Reader reader{test::target(database)};
  reader.savepoint();
  reader.limit_statements(opsh::Seconds{0.02});
  CHECK(failure([&] { reader.query("select pg_sleep(5)"_sql); }).sqlstate == "57014");
  reader.rollback_to_savepoint();
  CHECK(reader.query("select current_setting('statement_timeout')"_sql).field(0, 0) == "30min");
}

TEST_CASE("text of a database without an encoding is an error, or the bytes that it is") {
  test::Database database;
  const std::string name = database.name() + "_ascii";
  database.query("create database " + name + " encoding sql_ascii locale 'C' template template0");
  auto target = test::target(database);
  target.database = name;
  const auto text = R"(select e'caf\351' as word, array[e'\351,"'] as list)"_sql;
  CHECK(failure([&] { Reader{target}.query(text); }).sqlstate == "22021");
  target.raw_text = true;
  Reader reader{target};
  const auto found = reader.query(text);
  CHECK(found.field(0, 0) == "caf\351");
  std::string element;
  opsh::db::walk_array(std::string{*found.field(0, 1)}, [&](auto step, std::string_view value) {
    if (step == opsh::db::ArrayStep::value) element = value;
  });
  CHECK(element == "\351,\"");
  reader.close();
  database.query("drop database " + name + " with (force)");
}
