#include "db/relation.hpp"

#include <fmt/format.h>

#include "cpp/db/commit_key.hpp"
#include "db/borrowed.hpp"
#include "db/errors.hpp"
#include "db/reader.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::db::ArrayStep;
using opsh::db::ArrayText;
using opsh::db::Parameters;
using opsh::db::Reader;
using opsh::db::RelationColumn;
using opsh::sql::operator""_sql;
using test::failure;

namespace {

/// The array as nested brackets, to be compared at a glance.
std::string walked(std::string_view text) {
  std::string seen;
  opsh::db::walk_array(text, [&](ArrayStep step, std::string_view value) {
    if (step == ArrayStep::open) seen += "[";
    if (step == ArrayStep::close) seen += "]";
    if (step == ArrayStep::null) seen += "(null)";
    if (step == ArrayStep::value) seen += fmt::format("<{}>", value);
  });
  return seen;
}

/// The relation of a query's own answer: what a plan's items and a list of rows are for the next statement.
std::string relation_of(Reader& reader, const opsh::db::Result& rows, Parameters& parameters) {
  std::vector<RelationColumn> columns;
  for (int column = 0; column < rows.columns(); ++column) {
    ArrayText elements;
    for (int row = 0; row < rows.rows(); ++row) elements.add(rows.field(row, column));
    columns.push_back({std::string{rows.name(column)}, reader.connection().type(rows.type(column)), elements.take()});
  }
  return opsh::db::relation(columns, parameters);
}

/// Every value and its type, one row a line.
opsh::sql::ReadSql dump(const std::string& from, int columns) {
  std::string list;
  for (int column = 1; column <= columns; ++column)
    list +=
        fmt::format("{}coalesce(c{}::text, '(null)'), pg_typeof(c{})::text", column > 1 ? ", " : "", column, column);
  return test::read("select " + list + " from " + from + " as r");
}

void check_round_trip(const test::Database& database, const std::string& source, int columns) {
  Reader reader{test::target(database)};
  auto rows = reader.query(test::read("select * from " + source));
  Parameters parameters;
  std::string relation = relation_of(reader, rows, parameters);
  auto back = reader.query(dump(relation, columns), parameters);
  auto straight = reader.query(dump(source, columns));
  REQUIRE(back.rows() == straight.rows());
  for (int row = 0; row < back.rows(); ++row)
    for (int column = 0; column < back.columns(); ++column)
      CHECK(back.field(row, column) == straight.field(row, column));
}

}  // namespace

TEST_CASE("text with quotes, backslashes, commas, braces and nulls survives as a relation") {
  test::Database database;
  database.query(
      "create table t (c1 text, c2 varchar(20), c3 char(6), c4 \"char\", c5 name);"
      "insert into t values ('a\"b', 'c\\d', 'e,f', 'g', 'h'), ('{i}', '{\"j\"}', '  ', 'k', 'l m'), "
      "('', ' ', '', '', ''), (null, 'NULL', 'null', null, null), (E'tab\\tline\\n', E'\\\\', 'ñ', 'x', 'y')");
  check_round_trip(database, "t", 5);
}

TEST_CASE("numbers, times, enums, ranges, json and bytes survive as a relation without losing a digit") {
  test::Database database;
  database.query(
      "create schema app; create type app.\"Colour\" as enum ('red', 'dark \"blue\"', 'a,b');"
      "create table t (c1 numeric, c2 float8, c3 int8, c4 timestamptz, c5 date, c6 interval, c7 app.\"Colour\", "
      "c8 jsonb, c9 json, c10 bytea, c11 int4range, c12 uuid, c13 money, c14 bool, c15 numeric(6,2), c16 oid, "
      "c17 regclass, c18 bit(3), c19 inet);"
      "insert into t values "
      "(12345678901234567890123456789.000000000000000000001, 0.1::float8 + 0.2, 9007199254740993, "
      "'2026-03-29 01:30:00.123456+00', '0044-03-15 BC', '1 mon -3 days 04:05:06.7', 'dark \"blue\"', "
      "'{\"a\": [1, null, \"x\\\\y\"]}', '{\"b\":1, \"b\":2}', '\\x00ff5c22', '[1,5)', "
      "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '3.10', true, 1.50, 4000000000, 't', '101', '10.0.0.1/8'),"
      "('NaN', 'Infinity', -1, 'infinity', '-infinity', '0', 'a,b', 'null', '\"\"', '', 'empty', null, '-1', false, "
      "-0.5, "
      "0, 'pg_class', null, '::1'),"
      "(null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, "
      "null)");
  check_round_trip(database, "t", 19);
}

TEST_CASE("arrays and other types without a usable array type survive as a relation") {
  test::Database database;
  database.query(
      "create type pair as (a int, b text);"
      "create table t (c1 int[], c2 text[], c3 pair, c4 box, c5 numeric[], c6 pair[]);"
      "insert into t values "
      "('{1,NULL,3}', '{\"a,b\",\"\",NULL,\"NULL\",\"{x}\",\"q\\\"\\\\\"}', '(1,\"x,y\")', '((1,2),(3,4))', "
      "'{{1.0,2.00},{3,4}}', '{\"(1,a)\"}'),"
      "('{}', '[0:1]={x,y}', '(,)', null, '[2:2]={5}', '{}'), (null, null, null, '((0,0),(1,1))', null, null)");
  check_round_trip(database, "t", 6);
}

TEST_CASE("a domain travels in a relation as its base type") {
  test::Database database;
  database.query(
      "create domain positive as int check (value > 0); create table t (c1 positive); insert into t values (3)");
  Reader reader{test::target(database)};
  auto rows = reader.query("select * from t"_sql);
  Parameters parameters;
  std::string relation = relation_of(reader, rows, parameters);
  auto back = reader.query(dump(relation, 1), parameters);
  CHECK(back.field(0, 0) == "3");
  CHECK(back.field(0, 1) == "integer");
}

TEST_CASE("columns keep odd names in a relation") {
  test::Database database;
  Reader reader{test::target(database)};
  auto rows = reader.query(test::read("select 1 as \"Odd \"\"one\"\"\", 2 as \"select\", array[3] as \"x y\""));
  Parameters parameters;
  std::string relation = relation_of(reader, rows, parameters);
  auto back = reader.query(
      test::read("select r.\"Odd \"\"one\"\"\", r.\"select\", r.\"x y\"[1] from " + relation + " as r"), parameters);
  CHECK(back.field(0, 0) == "1");
  CHECK(back.field(0, 1) == "2");
  CHECK(back.field(0, 2) == "3");
}

TEST_CASE("a relation without rows has its columns and types") {
  test::Database database;
  database.query("create table t (c1 int[], c2 numeric)");
  check_round_trip(database, "t", 2);
}

TEST_CASE("types are known by name, with their arrays and elements") {
  test::Database database;
  Reader reader{test::target(database)};
  auto& connection = reader.connection();
  CHECK(connection.type(opsh::db::oid::int8).name == "bigint");
  CHECK(connection.type(opsh::db::oid::int8).array == opsh::db::oid::int8_array);
  CHECK(connection.type(opsh::db::oid::text_array).element == opsh::db::oid::text);
  CHECK(connection.type(opsh::db::oid::text_array).array == 0);
  CHECK(connection.type(opsh::db::oid::text).element == 0);
  CHECK(connection.type(22).name == "int2vector");
  CHECK(connection.type(22).element == 0);
  CHECK(connection.type(603).name == "box");
  CHECK(connection.type(603).array == 0);
  CHECK(connection.type(4294967295U).name == "text");
}

TEST_CASE("an array's text is walked into its values") {
  CHECK(walked("{}") == "[]");
  CHECK(walked("{1,NULL,3}") == "[<1>(null)<3>]");
  CHECK(walked("{{1,2},{3,4}}") == "[[<1><2>][<3><4>]]");
  CHECK(walked("[0:1]={a,b}") == "[<a><b>]");
  CHECK(walked(R"({"NULL","","a,b","{x}","q\"\\","ñ"})") == R"([<NULL><><a,b><{x}><q"\><ñ>])");
  CHECK(walked("{[0:1]=x}") == "[<[0:1]=x>]");
}

TEST_CASE("text that is no array is an error and not a crash") {
  for (std::string_view text : {"", "{", "{1,2", "{\"a", "[0:1]", "1 2 3"}) {
    INFO(text);
    CHECK(failure([&] { walked(text); }).kind == "data.array");
  }
}

TEST_CASE("array text that opsh builds is read back as it was") {
  ArrayText inner;
  inner.add("x");
  inner.add(std::nullopt);
  ArrayText outer;
  outer.add_nested(inner.take());
  std::string text = outer.take();
  CHECK(text == R"({{"x",NULL}})");
  CHECK(walked(text) == "[[<x>(null)]]");
}

TEST_CASE("a SQLSTATE gives the kind that an operator acts on, the most specific first") {
  using opsh::db::kind_of;
  CHECK(kind_of("23505") == "constraint.unique");
  CHECK(kind_of("23P01") == "constraint");
  CHECK(kind_of("40P01") == "transaction.deadlock");
  CHECK(kind_of("57014") == "transaction.cancelled");
  CHECK(kind_of("57P01") == "connection.lost");
  CHECK(kind_of("08P01") == "sql.parameters");
  CHECK(kind_of("42P01") == "sql.undefined_table");
  CHECK(kind_of("42P07") == "sql.invalid");
  CHECK(kind_of("XX000") == "sql.error");
  CHECK(kind_of("") == "sql.error");
}
