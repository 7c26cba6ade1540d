#include "db/copy.hpp"

#include "cpp/db/commit_key.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::db::CopyIn;
using opsh::db::CopyOut;
using opsh::db::Reader;
using opsh::db::Writer;
using opsh::sql::Identifier;
using opsh::sql::QualifiedName;
using opsh::sql::operator""_sql;
using test::commit_key;
using test::failure;

namespace {

using Fields = std::vector<std::optional<std::string>>;
using Views = std::vector<std::optional<std::string_view>>;

const std::vector<Identifier> columns = {Identifier{"id"}, Identifier{"Odd Name"}};

std::vector<Fields> rows_of(Reader& reader, const opsh::sql::ReadSql& sql) {
  CopyOut copy{reader, sql};
  std::vector<Fields> rows;
  Fields fields;
  while (copy.next(fields)) rows.push_back(fields);
  return rows;
}

}  // namespace

TEST_CASE("text of every shape survives COPY in and out") {
  test::Database database;
  database.query("create table t (id int, \"Odd Name\" text)");
  const std::vector<std::optional<std::string>> values = {"plain", "",           std::nullopt, "\\N",  "\\.", "a\tb",
                                                          "a\nb",  "a\r\nb",     "\\",         "\\\\", "\\t", "\t",
                                                          "\n",    "\b\f\v\x01", "ñandú",      "x\\"};
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  CopyIn copy{writer, QualifiedName{"public", "t"}, columns};
  int id = 0;
  for (const auto& value : values) {
    std::string number = std::to_string(++id);
    copy.row(Views{number, value});
  }
  CHECK(copy.finish() == values.size());
  CHECK(writer.commit(commit_key()) == opsh::db::CommitAnswer::committed);

  CHECK(database.value("select string_agg(coalesce(encode(\"Odd Name\"::bytea, 'hex'), 'null'), ' ' order by id) "
                       "from t where id in (2, 3, 6)") == " null 610962");
  Reader reader{test::target(database)};
  auto rows = rows_of(reader, test::read("select \"Odd Name\", id from t order by id -- all of them\n;"));
  REQUIRE(rows.size() == values.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    CHECK(rows[row][0] == values[row]);
    CHECK(rows[row][1] == std::to_string(row + 1));
  }
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
}

TEST_CASE("more than the buffers hold goes through COPY in both directions") {
  test::Database database;
  database.query("create table t (id int, \"Odd Name\" text)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  std::string wide(3000, 'w');
  CopyIn copy{writer, QualifiedName{"t"}, columns};
  for (int id = 0; id < 20000; ++id) copy.row(Views{std::to_string(id), wide});
  CHECK(copy.finish() == 20000);
  writer.commit(commit_key());
  Reader reader{test::target(database)};
  CopyOut out{reader, "select * from t"_sql};
  Fields fields;
  int rows = 0;
  while (out.next(fields)) rows += fields[1] == wide;
  CHECK(rows == 20000);
  CHECK_FALSE(out.next(fields));
}

TEST_CASE("a row that the server refuses is told when the COPY finishes") {
  test::Database database;
  database.query("create table t (id int primary key, \"Odd Name\" text)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  {
    CopyIn copy{writer, QualifiedName{"t"}, columns};
    copy.row(Views{"1", "a"});
    copy.row(Views{"not a number", "b"});
    auto error = failure([&] { copy.finish(); });
    CHECK(error.sqlstate == "22P02");
    CHECK(error.detail.find("line 2") != std::string::npos);
  }
  CHECK(writer.doomed());
}

TEST_CASE("a refused row among many does not hang the sender") {
  test::Database database;
  database.query("create table t (id int, \"Odd Name\" text)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  CopyIn copy{writer, QualifiedName{"t"}, columns};
  std::string wide(5000, 'w');
  auto error = failure([&] {
    for (int id = 0; id < 20000; ++id) copy.row(Views{"x", wide});
    copy.finish();
  });
  CHECK(error.sqlstate == "22P02");
}

TEST_CASE("a COPY that is not finished leaves nothing") {
  test::Database database;
  database.query("create table t (id int, \"Odd Name\" text)");
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  {
    CopyIn copy{writer, QualifiedName{"t"}, columns};
    copy.row(Views{"1", "a"});
  }
  CHECK(writer.doomed());
  CHECK(writer.commit(commit_key()) == opsh::db::CommitAnswer::rolled_back);
  CHECK(database.value("select count(*) from t") == "0");
}

TEST_CASE("COPY into a table wants a transaction") {
  test::Database database;
  database.query("create table t (id int, \"Odd Name\" text)");
  Writer writer{test::target(database)};
  CHECK(failure([&] { CopyIn{writer, QualifiedName{"t"}, columns}; }).kind == "session.no_transaction");
}

TEST_CASE("a COPY out that is ended early takes the snapshot with it and cancels nothing later") {
  test::Database database;
  Reader reader{test::target(database)};
  for (int round = 0; round < 20; ++round) {
    {
      CopyOut copy{reader, "select i from generate_series(1, 1000) as i"_sql};
      Fields fields;
      REQUIRE(copy.next(fields));
    }
    reader.refresh();
    REQUIRE(reader.query("select sum(i) from generate_series(1, 20000) as i"_sql).field(0, 0) == "200010000");
  }
}

TEST_CASE("an error of a COPY shows the author's place") {
  test::Database database;
  Reader reader{test::target(database)};
  auto error = failure([&] { CopyOut{reader, test::read("select nme from pg_class")}; });
  CHECK(error.kind == "sql.undefined_column");
  CHECK(error.excerpt == "line 1: select nme from pg_class\n               ^");
}
