#include "cpp/journal/undoing.hpp"

using test::conflicts_of;
using test::failure;
using test::Journaled;
using test::Undoing;

namespace {

std::string count(const test::Database& database, const std::string& table) {
  return database.value("select count(*) from " + table);
}

std::string function(const std::string& name, const std::string& body) {
  return "create function " + name + "() returns trigger language plpgsql as $$ begin " + body + " end $$;\n";
}

}  // namespace

TEST_CASE("rows that were relinked to new parents go back to the old ones before the new ones go") {
  Journaled run{
      "create table version (id int primary key); insert into version values (1), (2); "
      "create table item (id int primary key, version_id int not null references version); "
      "insert into item values (10, 1), (11, 2)",
      {{"version"}, {"item"}}};
  run.commit({"insert into version values (100), (101)", "update item set version_id = 90 + id",
              "delete from version where id < 100"});
  Undoing undo{run, {{"version"}, {"item"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "");
  CHECK(run.database.value("select string_agg(concat(id, ':', version_id), ' ' order by id) from item") == "10:1 11:2");
  CHECK(run.database.value("select string_agg(id::text, ' ' order by id) from version") == "1 2");
}

TEST_CASE("a trigger that links rows to what was inserted is taken back before that") {
  Journaled run{
      "create table version (id int primary key, item_id int); "
      "create table item (id int primary key, current int references version); insert into item values (1), (2);" +
          function("link", "update item set current = new.id where id = new.item_id; return null;") +
          "create trigger link after insert on version for each row execute function link()",
      {{"version"}, {"item"}}};
  run.commit({"insert into version values (7, 1), (8, 2)"});
  Undoing undo{run, {{"version"}, {"item"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "");
  CHECK(count(run.database, "version") == "0");
  CHECK(count(run.database, "item where current is not null") == "0");
}

TEST_CASE("a tree that refers to itself goes and comes back whole, whatever its order") {
  Journaled run{
      "create table node (id int primary key, up int references node on delete cascade); "
      "insert into node select g, nullif(g / 2, 0) from generate_series(1, 3000) g",
      {{"node"}}};
  const std::string state = "select md5(string_agg(concat(id, ':', up), ' ' order by id)) from node";
  std::string before = run.database.value(state);
  run.commit(
      {"insert into node select 10000 - g, case when g > 1 then 10000 - g / 2 else 1 end "
       "from generate_series(1, 2500) g"});
  run.commit({"delete from node where id = 1"});
  CHECK(count(run.database, "node") == "0");
  Undoing undo{run, {{"node"}}};
  CHECK(undo.take_back(2).left == 0);
  CHECK(undo.take_back(1).left == 0);
  CHECK(run.database.value(state) == before);
}

TEST_CASE("what a cascade deleted comes back after its parents") {
  Journaled run{
      "create table a (id int primary key); create table b (id int primary key, a int references a on delete cascade); "
      "create table c (id int primary key, b int references b on delete cascade); "
      "insert into a values (1), (2); insert into b values (1, 1), (2, 2); insert into c values (1, 1), (2, 2)",
      {{"c"}, {"a"}, {"b"}}};
  run.commit({"delete from a where id = 1"});
  CHECK(count(run.database, "c") == "1");
  Undoing undo{run, {{"c"}, {"a"}, {"b"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "");
  CHECK(count(run.database, "c") == "2");
}

TEST_CASE("an inserted row to which somebody has added rows is left, whatever the foreign key does on delete") {
  for (const std::string action : {"cascade", "set null", "restrict", "no action", "set default"}) {
    INFO(action);
    Journaled run{
        "create table parent (id int primary key); create table child (id int primary key, parent int "
        "references parent on delete " +
            action + ")",
        {{"parent"}}};
    run.commit({"insert into parent values (1), (2)"});
    run.database.query("insert into child values (10, 1)");
    Undoing undo{run, {{"parent"}}};
    CHECK(conflicts_of(undo.take_back(1)) == "referred to: parent 1 public.child (child_parent_fkey)");
    CHECK(run.database.value("select concat(c.parent, ' ', (select string_agg(id::text, ',') from parent)) "
                             "from child c") == "1 1");
  }
}

TEST_CASE("a value that would change back under somebody's rows is left; under the batch's own it is not") {
  Journaled run{
      "create table parent (id int primary key, code int unique); insert into parent values (1, 10), (2, 20); "
      "create table child (id int primary key, code int references parent (code) on update cascade); "
      "insert into child values (1, 10)",
      {{"parent"}, {"child"}}};
  run.commit({"update parent set code = code + 1"});
  run.database.query("insert into child values (2, 21)");
  Undoing undo{run, {{"parent"}, {"child"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "referred to: parent 2 public.child (child_code_fkey)");
  CHECK(run.database.value("select string_agg(concat(id, ':', code), ' ' order by id) from parent") == "1:10 2:21");
  CHECK(run.database.value("select string_agg(concat(id, ':', code), ' ' order by id) from child") == "1:10 2:21");
}

TEST_CASE("a child that is left keeps its parent, and that its own") {
  Journaled run{
      "create table a (id int primary key); create table b (id int primary key, a int references a, n int); "
      "create table c (id int primary key, b int references b, n int)",
      {{"a"}, {"b"}, {"c"}}};
  run.commit(
      {"insert into a values (1), (2)", "insert into b values (1, 1), (2, 2)", "insert into c values (1, 1), (2, 2)"});
  run.database.query("update c set n = 5 where id = 1");
  Undoing undo{run, {{"a"}, {"b"}, {"c"}}};
  auto undone = undo.take_back(1);
  CHECK(undone.left == 3);
  CHECK(conflicts_of(undone) ==
        "edited since: c 1\nreferred to: b 1 public.c (c_b_fkey)\nreferred to: a 1 public.b (b_a_fkey)");
  CHECK(count(run.database, "a") == "1");
}

TEST_CASE("rows of a partitioned table that refer, and such that are referred to, count like others") {
  Journaled run{
      "create table parent (id int primary key) partition by range (id); "
      "create table parent1 partition of parent for values from (0) to (100); "
      "create table child (id int, parent int references parent, primary key (id)) partition by range (id); "
      "create table child1 partition of child for values from (0) to (100)",
      {{"parent"}, {"child"}}};
  run.commit({"insert into parent values (1), (2)", "insert into child values (1, 1)"});
  run.database.query("insert into child values (2, 2)");
  Undoing undo{run, {{"parent"}, {"child"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "referred to: parent1 2 public.child (child_parent_fkey)");
  CHECK(run.database.value("select concat(id, parent) from child") == "22");
}

TEST_CASE("values of a unique column that moved on from row to row move back") {
  Journaled run{
      "create table t (id int primary key, place int unique); insert into t select g, g from generate_series(1, 200) g",
      {{"t"}}};
  run.commit({"update t set place = place - 1"});
  Undoing undo{run, {{"t"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "");
  CHECK(run.database.value("select count(*) from t where id = place") == "200");
}

TEST_CASE("a circle of deferrable foreign keys comes back") {
  Journaled run{
      "create table a (id int primary key, b int); "
      "create table b (id int primary key, a int references a deferrable); "
      "alter table a add foreign key (b) references b deferrable; "
      "insert into a values (1, null); insert into b values (1, 1); update a set b = 1",
      {{"a"}, {"b"}}};
  run.database.query("alter table a alter constraint a_b_fkey deferrable initially deferred");
  run.database.query("alter table b alter constraint b_a_fkey deferrable initially deferred");
  run.commit({"delete from a", "delete from b"});
  Undoing undo{run, {{"a"}, {"b"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "");
  CHECK(count(run.database, "a") + count(run.database, "b") == "11");
}

TEST_CASE("a total that a trigger keeps is what it was, and not counted twice") {
  const std::string schema =
      "create table orders (id int primary key, total int not null); insert into orders values (1, 15); "
      "create table line (id int primary key, order_id int references orders, amount int); "
      "insert into line values (1, 1, 15);" +
      function("sum",
               "if tg_op <> 'INSERT' then update orders set total = total - old.amount where id = old.order_id; "
               "end if; if tg_op <> 'DELETE' then update orders set total = total + new.amount "
               "where id = new.order_id; end if; return null;") +
      "create trigger sum after insert or update or delete on line for each row execute function sum()";
  const std::vector<std::vector<std::string>> batches = {
      {"insert into line values (2, 1, 90)"},
      {"delete from line"},
      {"update line set amount = 40", "insert into line values (3, 1, 5)"},
      {"insert into line values (2, 1, 90)", "update orders set total = total + 1000"},
      {"update orders set total = total + 1000", "insert into line values (2, 1, 90)"},
      {"insert into line values (2, 1, 90)", "update line set amount = 7 where id = 1",
       "insert into line values (3, 1, 5)"},
  };
  for (const auto& batch : batches) {
    INFO(batch.front());
    Journaled run{schema, {{"orders"}, {"line"}}};
    run.commit(batch);
    CHECK(run.database.value("select total from orders") != "15");
    Undoing undo{run, {{"orders"}, {"line"}}};
    auto undone = undo.take_back(1);
    CHECK(conflicts_of(undone) == "");
    CHECK(undone.unrestored.empty());
    CHECK(run.database.value("select total from orders") == "15");
    CHECK(run.database.value("select string_agg(line::text, ' ') from line") == "(1,1,15)");
  }
}

TEST_CASE("a column that a BEFORE trigger sets is named with its rows, and the others are put back") {
  Journaled run{
      "create table t (id int primary key, n int, updated_at timestamptz); insert into t values (1, 1, '2020-01-01'), "
      "(2, 2, '2020-01-01');" +
          function("touch", "new.updated_at := clock_timestamp(); return new;") +
          "create trigger touch before update on t for each row execute function touch()",
      {{"t"}}};
  run.commit({"update t set n = n + 10"});
  Undoing undo{run, {{"t"}}};
  auto undone = undo.take_back(1);
  CHECK(undone.left == 0);
  CHECK(run.database.value("select string_agg(n::text, ' ' order by id) from t") == "1 2");
  REQUIRE(undone.unrestored.size() == 1);
  CHECK(undone.unrestored.begin()->first == std::pair<std::string, std::string>{"public.t", "updated_at"});
  CHECK(undone.unrestored.begin()->second == 2);
}

TEST_CASE("a row that comes back is as it was, also when a BEFORE INSERT trigger has other ideas") {
  Journaled run{"create table t (id int primary key, made timestamptz); insert into t values (1, '2020-01-01');" +
                    function("stamp", "new.made := clock_timestamp(); return new;") +
                    "create trigger stamp before insert on t for each row execute function stamp()",
                {{"t"}}};
  run.commit({"delete from t"});
  Undoing undo{run, {{"t"}}};
  auto undone = undo.take_back(1);
  CHECK(undone.unrestored.empty());
  CHECK(run.database.value("select made::date from t") == "2020-01-01");
}

TEST_CASE("a trigger that does not let a row go back rolls the batch back and is not taken for success") {
  Journaled run{"create table t (id int primary key, n int); insert into t values (1, 1);" +
                    function("no", "if new.n = 1 then return null; end if; return new;") +
                    "create trigger no before update on t for each row execute function no()",
                {{"t"}}};
  run.commit({"update t set n = 2"});
  Undoing undo{run, {{"t"}}};
  auto error = failure([&] { undo.take_back(1); });
  CHECK(error.kind == "undo.inexact");
  CHECK(error.message.find("the row 1 of public.t, column n") != std::string::npos);
  CHECK(run.database.value("select n from t") == "2");
}

TEST_CASE("a row that a trigger changes before its turn comes is put back all the same") {
  Journaled run{
      "create table t (id int primary key, n int); insert into t values (1, 1), (2, 1);" +
          function("slip", "if old.id = 1 then update t set n = 77 where id = 2 and n = 2; end if; return null;") +
          "create trigger slip after update on t for each row when (new.n = 1) execute function slip()",
      {{"t"}}};
  run.commit({"update t set n = 2"});
  Undoing undo{run, {{"t"}}};
  CHECK(undo.take_back(1).left == 0);
  CHECK(run.database.value("select string_agg(n::text, ' ' order by id) from t") == "1 1");
}
