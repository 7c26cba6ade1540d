#include "cpp/journal/undoing.hpp"
#include "journal/undo_plan.hpp"

using test::conflicts_of;
using test::failure;
using test::Journaled;
using test::Undoing;

namespace {

const std::string t =
    "create table t (id int primary key, n int, note varchar(9)); insert into t values (1, 1, 'a'), (2, 2, 'b')";

/// What an undo that only looks says.
opsh::journal::UndoPlan planned(const test::Database& database, int batches) {
  opsh::db::Reader reader{test::target(database)};
  opsh::journal::UndoPlanner planner{
      {[&](const auto& sql, const auto& parameters) { return reader.query(sql, parameters); }, reader.connection()},
      100};
  for (int number = batches; number > 0; --number) planner.add({"r1", 1, number});
  return planner.plan();
}

/// Changes the table between the run and its undo; what is left of each kind of change.
std::string after(const std::string& change) {
  Journaled run{t, {{"t"}}};
  run.commit({"update t set n = 5 where id = 1", "delete from t where id = 2", "insert into t values (3, 3, 'c')"});
  run.database.query(change);
  std::string planned_left = std::to_string(planned(run.database, 1).left);
  Undoing undo{run, {{"t"}}};
  auto undone = undo.take_back(1);
  CHECK(planned_left == std::to_string(undone.left));
  return conflicts_of(undone);
}

}  // namespace

TEST_CASE("a renamed column is followed, and a gained one has its default in rows that come back") {
  Journaled run{t, {{"t"}}};
  run.commit({"update t set n = 5 where id = 1", "delete from t where id = 2", "insert into t values (3, 3, 'c')"});
  run.database.query(
      "alter table t rename n to number; alter table t add gained text default 'new'; "
      "alter table t rename to renamed");
  auto plan = planned(run.database, 1);
  CHECK(plan.tables.at("public.t").gained == std::set<std::string>{"gained"});
  Undoing undo{run, {{"renamed"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "");
  CHECK(run.database.value("select string_agg(r::text, ' ' order by id) from renamed r") == "(1,1,a,new) (2,2,b,new)");
}

TEST_CASE("a column that is gone leaves the rows that need it") {
  CHECK(after("alter table t drop n") == "column gone: t 1 n\ncolumn gone: t 2 n\ncolumn gone: t 3 n");
  CHECK(after("alter table t drop note") == "column gone: t 2 note\ncolumn gone: t 3 note");
}

TEST_CASE("a column of another type leaves the rows that need it; one of another length does not") {
  CHECK(after("alter table t alter n type bigint") == "type changed: t 1 n\ntype changed: t 2 n\ntype changed: t 3 n");
  CHECK(after("alter table t alter note type varchar(5)") == "");
}

TEST_CASE("a table that was dropped and made again is another one") {
  Journaled run{t, {{"t"}}};
  run.commit({"update t set n = 5"});
  run.database.query("drop table t; create table t (id int primary key, n int); insert into t values (1, 5), (2, 5)");
  Undoing undo{run, {{"t"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "table gone: t 1\ntable gone: t 2");
  CHECK(run.database.value("select sum(n) from t") == "10");
  CHECK(planned(run.database, 1).tables.at("public.t").gone);
}

TEST_CASE("a key that tells rows apart no longer leaves them") {
  CHECK(after("alter table t drop constraint t_pkey; alter table t add other int generated always as identity primary "
              "key") == "key no longer unique: t 1 id\nkey no longer unique: t 2 id\nkey no longer unique: t 3 id");
}

TEST_CASE("a column that no statement can set is named, and the rest of the row put back") {
  Journaled run{t, {{"t"}}};
  run.commit({"update t set n = 5, note = 'x' where id = 1"});
  run.database.query("alter table t alter n set not null; alter table t alter n add generated always as identity");
  CHECK(planned(run.database, 1).tables.at("public.t").unsettable == std::set<std::string>{"n"});
  Undoing undo{run, {{"t"}}};
  auto undone = undo.take_back(1);
  CHECK(undone.unrestored.size() == 1);
  CHECK(run.database.value("select (x.*)::text from t x where id = 1") == "(1,5,a)");
}

TEST_CASE("a plan compares only the newest change of a row, and supposes later batches undone") {
  Journaled run{t + "; create table child (id int primary key, t int references t)", {{"t"}, {"child"}}};
  run.commit({"update t set n = 5", "insert into t values (3, 3, 'c'), (4, 4, 'd')"});
  run.commit({"update t set n = 6, note = 'z'", "insert into child values (1, 3)"});
  run.database.query("update t set n = 7 where id = 1; insert into child values (2, 4)");
  auto plan = planned(run.database, 2);
  CHECK(plan.restored == 6);
  CHECK(plan.left == 3);
  REQUIRE(plan.conflicts.size() == 3);
  Undoing undo{run, {{"t"}, {"child"}}};
  std::uint64_t left = undo.take_back(2).left;
  left += undo.take_back(1).left;
  CHECK(left == plan.left);
}

TEST_CASE("an undo larger than what is kept in memory is as exact") {
  Journaled run{
      "create table t (id int primary key, n int); insert into t select g, g from generate_series(1, 120000) g",
      {{"t"}}};
  run.commit({"update t set n = -n"});
  run.database.query("update t set n = 7 where id = 119999");
  Undoing undo{run, {{"t"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "edited since: t 119999 n 119999 -119999 7");
  CHECK(run.database.value("select count(*) from t where n = id") == "119999");
}
