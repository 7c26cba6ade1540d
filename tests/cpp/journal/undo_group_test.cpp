#include <fmt/format.h>

#include "cpp/journal/undoing.hpp"

using test::conflicts_of;
using test::Journaled;
using test::Undoing;

namespace {

std::string parts(const test::Database& database, const std::string& run) {
  return database.value(fmt::format("select count(*) from opsh.journal where run = '{}'", run));
}

}  // namespace

TEST_CASE("what a batch did with a statement per row is taken back with one per table") {
  Journaled run{
      "create table parent (id int primary key); "
      "create table child (id int primary key, parent int not null references parent, twin int references child); "
      "create table seen (id int primary key, n int); insert into seen select g, 0 from generate_series(1, 40) g",
      {{"child"}, {"seen"}, {"parent"}}};
  std::vector<std::string> statements;
  for (int id = 1; id <= 40; ++id) {
    statements.push_back(fmt::format("insert into parent values ({})", id));
    statements.push_back(fmt::format("insert into child values ({0}, {0}, {1})", id, id == 1 ? "null" : "1"));
    statements.push_back(fmt::format("update seen set n = 1 where id = {}", id));
  }
  run.commit(statements);
  REQUIRE(parts(run.database, "r1") == "120");
  Undoing undo{run, {{"parent"}, {"child"}, {"seen"}}};
  auto undone = undo.take_back(1);
  CHECK(conflicts_of(undone) == "");
  CHECK(undone.inserts == 80);
  CHECK(undone.updates == 40);
  CHECK(parts(run.database, "u1") == "3");
  CHECK(run.database.value("select count(*) from parent") == "0");
  CHECK(run.database.value("select count(*) from seen where n = 0") == "40");

  SECTION("and so is the undo itself") {
    Undoing redo{run, {{"parent"}, {"child"}, {"seen"}}, "u2", "u1"};
    CHECK(conflicts_of(redo.take_back(1)) == "");
    CHECK(run.database.value("select count(*) from child") == "40");
  }
}

TEST_CASE("rows that come back only in the order of the statements come back in that") {
  Journaled run{"create table t (id int primary key, name text unique); insert into t values (1, 'a'), (2, 'b')",
                {{"t"}}};
  run.commit({"update t set name = 'free' where id = 1", "insert into t values (10, 'a')",
              "update t set name = 'free too' where id = 2", "insert into t values (11, 'b')"});
  Undoing undo{run, {{"t"}}};
  auto undone = undo.take_back(1);
  CHECK(conflicts_of(undone) == "");
  CHECK(undone.inserts + undone.updates == 4);
  CHECK(run.database.value("select string_agg(concat(id, name), ' ' order by id) from t") == "1a 2b");
}

TEST_CASE("of rows that were changed one by one those that somebody edited are left, and no others") {
  Journaled run{
      "create table t (id int primary key, name text unique, n int); insert into t select g, g, 0 "
      "from generate_series(1, 9) g",
      {{"t"}}};
  std::vector<std::string> statements;
  for (int id = 1; id <= 9; ++id)
    statements.push_back(fmt::format("update t set n = 1, name = -{0} where id = {0}", id));
  run.commit(statements);
  run.database.query("update t set n = 5 where id = 3; insert into t values (10, '7')");
  Undoing undo{run, {{"t"}}};
  auto undone = undo.take_back(1);
  CHECK(undone.left == 2);
  CHECK(conflicts_of(undone).find("edited since: t 3 n 0 1 5\nrefused by the server: t 7 ") == 0);
  CHECK(run.database.value("select string_agg(concat(id, n), ' ' order by id) from t where n <> 0") == "35 71");
}
