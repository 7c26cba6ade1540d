#include "db/cursor.hpp"

#include <fmt/format.h>

#include <fstream>

#include "cpp/db/commit_key.hpp"
#include "db/reader.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::db::Parameters;
using opsh::db::Reader;
using opsh::db::Writer;
using opsh::sql::operator""_sql;
using test::commit_key;
using test::failure;

namespace {

long resident_kilobytes() {
  std::ifstream statm{"/proc/self/statm"};
  long total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4;
}

std::string open_cursors(Reader& reader) {
  return std::string{*reader.query("select count(*) from pg_cursors where name like 'opsh%'"_sql).field(0, 0)};
}

}  // namespace

TEST_CASE("a cursor gives every row once, in blocks, and then none") {
  test::Database database;
  Reader reader{test::target(database)};
  auto cursor = reader.open("select i from generate_series(1, 5000) as i"_sql);
  std::vector<int> blocks;
  int expected = 0;
  for (;;) {
    auto block = cursor->next();
    if (!block || block.rows() == 0) break;
    blocks.push_back(block.rows());
    for (int row = 0; row < block.rows(); ++row) REQUIRE(block.field(row, 0) == std::to_string(++expected));
  }
  CHECK(blocks == std::vector<int>(5000 / opsh::db::Cursor::usual_block, opsh::db::Cursor::usual_block));
  CHECK(expected == 5000);
  CHECK(cursor->next().rows() == 0);
  CHECK(open_cursors(reader) == "0");
}

TEST_CASE("a cursor without rows still has its columns") {
  test::Database database;
  Reader reader{test::target(database)};
  auto block = reader.open("select 1 as a, 2 as b where false"_sql)->next();
  REQUIRE(block.columns() == 2);
  CHECK(block.name(1) == "b");
  CHECK(block.rows() == 0);
}

TEST_CASE("other statements and other cursors run between the blocks of a cursor") {
  test::Database database;
  Reader reader{test::target(database)};
  auto first =
      reader.open(test::read("select i from generate_series(1, $1) as i"), Parameters{{"1750", opsh::db::oid::int4}});
  auto second = reader.open("select -i from generate_series(1, 1250) as i"_sql);
  int seen_first = 0, seen_second = 0;
  for (int round = 0; round < 5; ++round) {
    seen_first += first->next().rows();
    CHECK(reader.query("select 7"_sql).field(0, 0) == "7");
    CHECK(reader.describe("select 1 as one"_sql).size() == 1);
    seen_second += second->next().rows();
  }
  CHECK(seen_first == 1750);
  CHECK(seen_second == 1250);
}

TEST_CASE("memory does not grow with the rows of a cursor") {
  test::Database database;
  Reader reader{test::target(database)};
  auto cursor = reader.open("select i, repeat('x', 500) from generate_series(1, 200000) as i"_sql);
  int rows = 0;
  for (int block = 0; block < 20; ++block) rows += cursor->next().rows();
  [[maybe_unused]] long before = resident_kilobytes();
  while (int more = cursor->next().rows()) rows += more;
  CHECK(rows == 200000);
#ifndef __SANITIZE_ADDRESS__  // which keeps what was freed for a while
  // The rows are 100 MB; a few blocks are under 2.
  CHECK(resident_kilobytes() - before < 8000);
#endif
}

TEST_CASE("a cursor that is closed early is gone from the session, and closing it twice is nothing") {
  test::Database database;
  Reader reader{test::target(database)};
  auto cursor = reader.open("select i from generate_series(1, 5000) as i"_sql);
  cursor->next();
  CHECK(open_cursors(reader) == "1");
  cursor->close();
  cursor->close();
  CHECK(open_cursors(reader) == "0");
  CHECK_FALSE(cursor->next());
  reader.open("select i from generate_series(1, 5000) as i"_sql);
  CHECK(open_cursors(reader) == "0");
}

TEST_CASE("a cursor of an earlier transaction says so and does no harm to a later one") {
  test::Database database;
  Reader reader{test::target(database)};
  auto old = reader.open("select i from generate_series(1, 5000) as i"_sql);
  old->next();
  reader.refresh();
  auto fresh = reader.open("select -i from generate_series(1, 2000) as i"_sql);
  CHECK(failure([&] { old->next(); }).kind == "cursor.closed");
  CHECK(fresh->next().rows() == opsh::db::Cursor::usual_block);
  old->close();
  old.reset();
  CHECK(fresh->next().field(0, 0) == std::to_string(-opsh::db::Cursor::usual_block - 1));
}

TEST_CASE("a cursor that was opened in a savepoint ends with it") {
  test::Database database;
  Writer writer{test::target(database)};
  writer.begin(commit_key());
  writer.savepoint();
  auto cursor = writer.open("select i from generate_series(1, 5000) as i"_sql);
  cursor->next();
  writer.rollback_to_savepoint();
  CHECK(failure([&] { cursor->next(); }).kind == "cursor.closed");
  cursor.reset();
  CHECK(writer.query("select 1"_sql).field(0, 0) == "1");
}

TEST_CASE("a cursor whose query failed under another statement does not look like one that ended") {
  test::Database database;
  Reader reader{test::target(database)};
  auto cursor = reader.open("select 1 / (750 - i) from generate_series(1, 3000) as i"_sql);
  CHECK(cursor->next().rows() == opsh::db::Cursor::usual_block);
  CHECK(failure([&] { reader.query("select 1"_sql); }).sqlstate == "22012");
  CHECK(failure([&] { cursor->next(); }).kind == "cursor.closed");
}

TEST_CASE("a query that fails at its first rows fails at the cursor and at nothing else") {
  test::Database database;
  Reader reader{test::target(database)};
  reader.savepoint();
  auto cursor = reader.open("select 1 / (750 - i) from generate_series(1, 3000) as i"_sql);
  CHECK(cursor->next().rows() == opsh::db::Cursor::usual_block);
  CHECK(failure([&] { cursor->next(); }).sqlstate == "22012");
  cursor.reset();
  reader.rollback_to_savepoint();
  CHECK(reader.query("select 1"_sql).field(0, 0) == "1");
}
