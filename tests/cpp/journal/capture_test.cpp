#include "journal/capture.hpp"

#include <fmt/format.h>

#include "cpp/journal/journaled.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using opsh::journal::DeclaredName;
using test::failure;
using test::Journaled;
using test::write;

namespace {

const std::string orders =
    "create table orders (id int primary key, n int not null default 0, note text); "
    "insert into orders select g, 0, 'note ' || g from generate_series(1, 5) g";

}  // namespace

TEST_CASE("an update leaves the columns that changed, old and new, and nothing of rows that it did not change") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set n = case id when 2 then 0 else 7 end, note = note where id < 4"});
  CHECK(run.journal() == "orders update {1} {n} {0} {7}\norders update {3} {n} {0} {7}");
}

TEST_CASE("a delete leaves every stored column") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"delete from orders where id = 2"});
  CHECK(run.journal() == "orders delete {2} {2,0,\"note 2\"}");
}

TEST_CASE("an insert leaves its key and a digest that tells whether the row is still as it was") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"insert into orders values (9, 1, null)"});
  CHECK(run.journal() == "orders insert {9}");
  CHECK(run.database.value("select new[1] from opsh.journal").size() == 16);
}

TEST_CASE("an upsert is an update where the row was there, and an insert where it was not") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"insert into orders values (1, 5), (8, 5) on conflict (id) do update set n = excluded.n"});
  CHECK(run.journal() == "orders update {1} {n} {0} {5}\norders insert {8}");
}

TEST_CASE("several statements on one row leave what became of it by all of them") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set n = 1 where id = 1", "update orders set note = 'x' where id = 1",
              "insert into orders values (8, 0)", "delete from orders where id in (2, 8)",
              "insert into orders values (2, 4, 'again')", "delete from orders where id = 3",
              "insert into orders select 3, 0, 'note 3'"});
  CHECK(run.journal() ==
        "orders update {1} {n,note} {0,\"note 1\"} {1,x}\norders update {2} {n,note} {0,\"note 2\"} {4,again}");
}

TEST_CASE("what was taken back to a savepoint is not in the journal, and proved all the same") {
  Journaled run{orders, {{"orders"}}};
  auto batch = run.begin();
  batch->savepoint();
  batch->execute(write("update orders set n = 1"), {});
  batch->rollback_to_savepoint();
  batch->savepoint();
  CHECK(failure([&] { batch->execute(write("update orders set n = 1 / (id - 5)"), {}); }).sqlstate == "22012");
  batch->rollback_to_savepoint();
  batch->savepoint();
  batch->execute(write("update orders set n = 2 where id = 1"), {});
  batch->release_savepoint();
  run.commit(*batch);
  CHECK(run.journal() == "orders update {1} {n} {0} {2}");
}

TEST_CASE("an author's own RETURNING gives what it asked for and no more") {
  Journaled run{orders, {{"orders"}}};
  auto batch = run.begin();
  auto answer = batch->execute(write("update orders as o set n = o.n + 1 from (values (1)) v(id) where o.id = v.id "
                                     "returning o.*, v.id as given -- all"),
                               {});
  CHECK(answer.columns == 4);
  CHECK(answer.result->field(0, 1) == "1");
  run.commit(*batch);
  CHECK(run.journal() == "orders update {1} {n} {0} {1}");
}

TEST_CASE("a BEFORE trigger's columns are in the journal") {
  Journaled run{
      orders +
          "; create function touch() returns trigger language plpgsql as $$ begin new.note := 'touched'; "
          "return new; end $$; create trigger touch before update on orders for each row execute function touch()",
      {{"orders"}}};
  run.commit({"update orders set n = 1 where id = 1"});
  CHECK(run.journal() == "orders update {1} {n,note} {0,\"note 1\"} {1,touched}");
}

TEST_CASE("an AFTER trigger on the row's own table has the last word on its after-image") {
  Journaled run{
      orders +
          "; create function again() returns trigger language plpgsql as $$ begin if new.note <> 'again' then "
          "update orders set note = 'again' where id = new.id; end if; return null; end $$; create trigger again "
          "after update on orders for each row execute function again()",
      {{"orders"}}};
  run.commit({"update orders set n = 1 where id = 1"});
  CHECK(run.journal() == "orders update {1} {n,note} {0,\"note 1\"} {1,again}");
}

TEST_CASE("rows that a cascade deletes are in the journal of a declared table") {
  Journaled run{
      "create table parent (id int primary key); create table child (id int primary key, parent_id int "
      "references parent on delete cascade); insert into parent values (1), (2); "
      "insert into child values (10, 1), (20, 2)",
      {{"parent"}, {"child"}}};
  run.commit({"delete from parent where id = 1"});
  CHECK(run.journal() == "parent delete {1} {1}\nindirect child delete {10} {10,1}");
}

TEST_CASE("rows that a trigger writes into an undeclared table roll the batch back, and are named") {
  Journaled run{
      orders +
          "; create table log (id int primary key); create function note() returns trigger language plpgsql as "
          "$$ begin insert into log values (old.id); return null; end $$; create trigger note after update on "
          "orders for each row execute function note()",
      {{"orders"}}};
  auto error = run.refused({"update orders set n = 1 where id in (3, 4)"});
  CHECK(error.kind == "proof.undeclared");
  CHECK(error.message == "the batch changed public.log, which the step does not declare: 3; 4");
  CHECK(run.database.value("select sum(n) from orders") == "0");
}

TEST_CASE("a trigger that keeps a total is in the journal of a declared table, with the rows of others left out") {
  Journaled run{
      orders +
          "; create table total (k text primary key, n int); insert into total values ('all', 0), ('other', 5); "
          "create function add() returns trigger language plpgsql as $$ begin update total set n = total.n + new.n "
          "where k = 'all'; return null; end $$; create trigger add after update on orders for each row execute "
          "function add()",
      {{"orders"}, {"total"}}};
  auto batch = run.begin();
  batch->execute(write("update orders set n = 5 where id < 4"), {});
  run.database.query("update total set n = 6 where k = 'other'");
  run.commit(*batch);
  CHECK(run.journal() ==
        "orders update {1} {n} {0} {5}\norders update {2} {n} {0} {5}\norders update {3} {n} {0} {5}\n"
        "indirect total update {all} {n} {0} {15}");
}

TEST_CASE(
    "a query in writes gives the rows of a cascade, and is only trusted when it gives as many as the server counts") {
  const std::string schema =
      "create table parent (id int primary key); create table child (id int primary key, parent_id int references "
      "parent "
      "on delete set null); insert into parent values (1), (2); insert into child values (10, 1), (11, 1), (20, 2)";
  for (const char* query : {"select id from child where parent_id = 1", "select id from child where id = 10"}) {
    Journaled run{schema, {{"parent"}, {"child"}}};
    auto batch = run.begin();
    batch->watch(opsh::sql::QualifiedName{"child"}, test::read(query), {});
    batch->execute(write("delete from parent where id = 1"), {});
    run.commit(*batch);
    CHECK(run.journal() ==
          "parent delete {1} {1}\nindirect child update {10} {parent_id} {1} {NULL}\n"
          "indirect child update {11} {parent_id} {1} {NULL}");
  }
}

TEST_CASE("a deferred trigger writes before the proof, not after it") {
  Journaled run{
      orders +
          "; create table log (id int primary key); create function note() returns trigger language plpgsql as "
          "$$ begin insert into log values (old.id); return null; end $$; create constraint trigger note after "
          "update on orders deferrable initially deferred for each row execute function note()",
      {{"orders"}}};
  CHECK(run.refused({"update orders set n = 1 where id = 3"}).kind == "proof.undeclared");
}

TEST_CASE("DDL, TRUNCATE and LOCK TABLE behind a trigger are refused by their locks") {
  for (const char* work : {"truncate other", "alter table other add column x int", "lock table other in share mode"}) {
    Journaled run{orders +
                      "; create table other (id int); insert into other values (1); create function f() returns "
                      "trigger language plpgsql as $$ begin " +
                      work +
                      "; return null; end $$; create trigger f after "
                      "update on orders for each statement execute function f()",
                  {{"orders"}}};
    auto error = run.refused({"update orders set n = 1 where id = 3"});
    CHECK(error.kind == "proof.lock");
    CHECK(error.message.ends_with("Lock on public.other"));
    CHECK(run.database.value("select count(*) from other") == "1");
  }
}

TEST_CASE("an EXCEPTION block that took rows back passes") {
  Journaled run{
      orders +
          "; create table log (id int primary key); create function f() returns trigger language plpgsql as $$ "
          "begin begin insert into log values (1); raise exception 'no'; exception when others then null; end; "
          "return null; end $$; create trigger f after update on orders for each statement execute function f()",
      {{"orders"}}};
  run.commit({"update orders set n = 1 where id = 3"});
  CHECK(run.journal() == "orders update {3} {n} {0} {1}");
}

TEST_CASE("a statement that sets a key or moves a row to another partition is refused") {
  Journaled run{
      "create table m (id int, day date, n int, primary key (id, day)) partition by range (day); create table "
      "m1 partition of m for values from ('2024-01-01') to ('2025-01-01'); insert into m values (1, "
      "'2024-02-02', 0)",
      {{"m"}}};
  auto batch = run.begin();
  CHECK(failure([&] { batch->execute(write("update m set id = 2"), {}); }).kind == "write.key");
  CHECK(failure([&] { batch->execute(write("update m1 set day = day"), {}); }).kind == "write.key");
  CHECK(failure([&] {
          batch->execute(write("insert into m values (1, '2024-02-02') on conflict (id, day) do update set id = 5"),
                         {});
        }).kind == "write.key");
}

TEST_CASE("a trigger that changes the key rolls the batch back") {
  Journaled run{
      orders +
          "; create function f() returns trigger language plpgsql as $$ begin new.id := new.id + 100; return new; "
          "end $$; create trigger f before update on orders for each row execute function f()",
      {{"orders"}}};
  CHECK(run.refused({"update orders set n = 1 where id = 3"}).kind == "proof.hidden");
}

TEST_CASE("partitions are journaled by the partition, with a key of several columns") {
  Journaled run{
      "create table m (id int, day date, n int, primary key (id, day)) partition by range (day); create table "
      "m4 partition of m for values from ('2024-01-01') to ('2025-01-01'); create table m5 partition of m for "
      "values from ('2025-01-01') to ('2026-01-01'); insert into m values (1, '2024-02-02', 0), (1, "
      "'2025-02-02', 0)",
      {{"m"}}};
  run.commit({"update m set n = 1", "insert into m values (2, '2025-03-03', 4)", "delete from m4"});
  CHECK(run.journal() ==
        "m5 update {1,2025-02-02} {n} {0} {1}\nm5 insert {2,2025-03-03}\nm4 delete {1,2024-02-02} {1,2024-02-02,0}");
}

TEST_CASE("the same key in a parent and its heir are two rows") {
  Journaled run{
      "create table p (id int primary key, n int); create table h (extra text, primary key (id)) inherits (p); "
      "insert into p values (1, 0); insert into h values (1, 0, 'x')",
      {{"p"}}};
  run.commit({"update p set n = 3", "delete from p where tableoid = 'h'::regclass"});
  CHECK(run.journal() == "p update {1} {n} {0} {3}\nh delete {1} {1,0,x}");
}

TEST_CASE("COPY into a journaled table is journaled, identities and all") {
  Journaled run{
      "create table t (id int generated always as identity primary key, n int, twice int generated always as (n "
      "* 2) stored, tags text[])",
      {{"t"}}};
  auto batch = run.begin();
  std::vector<opsh::sql::Identifier> columns;
  for (const char* name : {"id", "n", "tags"}) columns.emplace_back(name);
  auto rows = batch->rows_in(opsh::sql::QualifiedName{"t"}, columns);
  for (int at = 1; at <= 2500; ++at) {
    std::string text = std::to_string(at);
    std::vector<std::optional<std::string_view>> fields{
        text, at % 2 ? std::optional<std::string_view>{text} : std::nullopt, "{a,\"b,c\"}"};
    rows->row(fields);
  }
  CHECK(rows->finish() == 2500);
  run.commit(*batch);
  CHECK(run.database.value("select count(*) from opsh.change where operation = 'insert'") == "2500");
  CHECK(run.database.value("select string_agg(distinct names::text, '') from opsh.change") == "{id,n,tags}");
  CHECK(run.database.value("select sum(n) || ' ' || count(twice) from t where tags[2] = 'b,c'") == "1562500 1250");
}

TEST_CASE("a column that is added between two batches makes the batch try again with tables that are read anew") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set n = 1 where id = 1"});
  run.database.query("alter table orders add column more text default 'm'");
  auto error = run.refused({"delete from orders where id = 2"});
  CHECK(error.kind == "transaction.tables_changed");
  run.tables = std::make_shared<const opsh::journal::Tables>(run.ledger.examine(std::vector<DeclaredName>{{"orders"}}));
  run.commit({"delete from orders where id = 2"});
  CHECK(run.journal() == "orders update {1} {n} {0} {1}\norders delete {2} {2,0,\"note 2\",m}");
}

TEST_CASE("a session's earlier transactions are not counted again") {
  Journaled run{orders, {{"orders"}}};
  for (int at = 0; at < 5; ++at) run.commit({"update orders set n = n + 1 where id = 1"});
  CHECK(run.database.value("select count(*) from opsh.change") == "5");
}

TEST_CASE("a long batch keeps DDL away from what it wrote, on both sessions") {
  Journaled run{orders, {{"orders"}}, true};
  auto batch = run.begin();
  batch->execute(write("update orders set n = 1 where id = 1"), {});
  CHECK(run.database.value("select count(distinct pid) from pg_locks where relation = 'orders'::regclass") == "2");
  run.commit(*batch);
  CHECK(run.database.value("select count(*) from pg_locks where relation = 'orders'::regclass and mode <> "
                           "'AccessShareLock'") == "0");
}

TEST_CASE("a table that was written to in nothing but a savepoint that was taken back passes, without its lock") {
  Journaled run{orders + "; create table other (id int primary key); insert into other values (1)",
                {{"orders"}, {"other"}}};
  auto batch = run.begin();
  batch->savepoint();
  batch->execute(write("delete from other"), {});
  batch->rollback_to_savepoint();
  batch->execute(write("update orders set n = 1 where id = 1"), {});
  run.commit(*batch);
  CHECK(run.journal() == "orders update {1} {n} {0} {1}");
}

TEST_CASE("what a batch counted that was rolled back is not counted for the next one") {
  Journaled run{orders + "; create table log (id int primary key)", {{"orders"}}};
  auto& writer = run.ledger.writer();
  {
    auto batch = run.begin();
    batch->execute(write("update orders set n = 1"), {});
  }
  auto batch = run.begin();
  batch->execute(write("update orders set n = 1 where id = 1"), {});
  opsh::journal::Counters counters;
  auto counted = run.ledger.watcher().counters.since_begin(writer);
  REQUIRE(counted.size() == 1);
  CHECK(counted[0].counts.updated == 1);
  // The control: counters that know nothing of the batch before.
  CHECK(counters.since_begin(writer)[0].counts.updated == 6);
}

TEST_CASE("a row that a trigger deletes to make room for the inserted one is updated, not inserted") {
  Journaled run{
      orders +
          "; create function replace() returns trigger language plpgsql as $$ begin delete from orders where id = "
          "new.id; return new; end $$; create trigger replace before insert on orders for each row execute function "
          "replace()",
      {{"orders"}}};
  run.commit({"insert into orders values (1, 5, 'note 1'), (9, 5, null)"});
  CHECK(run.journal() == "orders update {1} {n} {0} {5}\norders insert {9}");
}

TEST_CASE("a cascade that changes keys deletes and inserts, whatever the query in writes gives") {
  const std::string schema =
      "create table parent (id int primary key, code int unique); create table child (code int references parent "
      "(code) on update cascade, n int, primary key (code, n)); insert into parent values (1, 1), (2, 2); "
      "insert into child values (1, 7), (2, 7)";
  for (const char* query :
       {"", "select code, n from child where code = 3", "select code, n from child where code < 4"}) {
    Journaled run{schema, {{"parent"}, {"child"}}};
    auto batch = run.begin();
    if (*query) batch->watch(opsh::sql::QualifiedName{"child"}, test::read(query), {});
    batch->execute(write("update parent set code = 3 where id = 1"), {});
    run.commit(*batch);
    CHECK(run.journal() ==
          "parent update {1} {code} {1} {3}\nindirect child insert {3,7}\nindirect child delete {1,7} {1,7}");
  }
}

TEST_CASE("a trigger that gives a row the key of a deleted one rolls the batch back") {
  Journaled run{
      orders +
          "; create function move() returns trigger language plpgsql as $$ begin new.id := 2; return new; end $$; "
          "create trigger move before update on orders for each row execute function move()",
      {{"orders"}}};
  CHECK(run.refused({"delete from orders where id = 2", "update orders set n = 1 where id = 1"}).kind ==
        "proof.hidden");
}

TEST_CASE("a trigger that changes how values are written as text rolls the batch back") {
  Journaled run{
      "create table t (id int primary key, n int, day date); insert into t values (1, 0, '2024-02-03'); create "
      "function "
      "f() returns trigger language plpgsql as $$ begin perform set_config('datestyle', 'German', true); return new; "
      "end $$; create trigger f before update on t for each row execute function f()",
      {{"t"}}};
  CHECK(run.refused({"update t set n = 1"}).kind == "proof.settings");
  run.database.query("alter function f() set datestyle = 'German'");
  run.commit({"update t set n = 1"});
  CHECK(run.journal() == "t update {1} {n} {0} {1}");
}

TEST_CASE("a partitioned table without a partition has no rows to write") {
  Journaled run{"create table m (id int primary key) partition by list (id)", {{"m"}}};
  run.commit({"delete from m"});
  CHECK(run.journal().empty());
}
