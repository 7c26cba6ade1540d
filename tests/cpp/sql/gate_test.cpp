#include "sql/gate.hpp"

#include <string>
#include <vector>

#include "base/error.hpp"
#include "sql/parameters.hpp"
#include "support/catch.hpp"
#include "support/statement.hpp"

using opsh::Error;
using opsh::sql::gate_read;
using opsh::sql::gate_write;
using opsh::sql::locks_rows;
using opsh::sql::Rendered;
using opsh::sql::StatementKind;
using test::rendered;

namespace {

template <class Gate>
Error refusal(Gate gate, const Rendered& sql) {
  try {
    gate(sql);
  } catch (const Error& error) {
    return error;
  }
  return Error{"passed", "passed"};
}

Error read_refusal(const std::string& sql) {
  return refusal([](const Rendered& r) { gate_read(r); }, rendered(sql));
}

Error write_refusal(const std::string& sql) {
  return refusal([](const Rendered& r) { gate_write(r); }, rendered(sql));
}

// Refused by both gates, at the top of a statement.
const std::vector<std::string> forbidden = {
    "merge into t using s on t.id = s.id when matched then delete",
    "do $$ begin delete from t; end $$",
    "call p()",
    "copy t to program 'cat'",
    "copy t from stdin",
    "copy (delete from t returning 1) to stdout",
    "truncate t",
    "lock table t",
    "set transaction_read_only = off",
    "set local role x",
    "reset all",
    "show all",
    "begin",
    "commit",
    "commit and chain",
    "end",
    "abort",
    "rollback",
    "prepare transaction 'x'",
    "savepoint a",
    "release a",
    "rollback to a",
    "listen a",
    "unlisten *",
    "notify a",
    "prepare p as select 1",
    "execute p",
    "deallocate all",
    "declare c cursor with hold for select 1",
    "fetch all from c",
    "close c",
    "discard all",
    "set constraints all immediate",
    "checkpoint",
    "vacuum t",
    "analyze t",
    "cluster t",
    "reindex table t",
    "alter system set x = 1",
    "load 'x'",
    "create table t ()",
    "create table t as select 1",
    "create materialized view v as select 1",
    "refresh materialized view v",
    "create index on t (a)",
    "drop table t",
    "alter table t add a int",
    "comment on table t is 'x'",
    "grant select on t to x",
    "create function f() returns int language sql as 'select 1'",
    "create extension dblink",
    "explain analyze delete from t",
    "explain analyze create table x as select 1",
    "explain execute p",
    "explain declare c cursor for select 1",
    "select 1 into t",
    "select * into temp t from s",
    "with a as (select 1) select * into t from a",
    "select 1; select 2",
    "select 1; commit",
    "",
    "-- only a comment",
    "with w as (delete from t returning *) select * from w",
    "with a as (with b as (update t set x = 1 returning *) select * from b) select * from a",
    "select (with w as (insert into t values (1) returning id) select id from w)",
    "select * from (with w as (delete from t returning 1) select * from w) x",
    "select 1 where exists (with w as (delete from t returning 1) select * from w)",
    "values ((with w as (delete from t returning 1) select * from w))",
    "select array(with w as (delete from t returning 1) select * from w)",
    "select 1 union (with w as (delete from t returning 1) select * from w)",
    "select 1 order by (with w as (delete from t returning 1) select * from w)",
    "select 1 limit (with w as (delete from t returning 1) select * from w)",
    "select sum(x) filter (where (with w as (delete from t returning true) select * from w)) over () from t",
    "select * from t, lateral (with w as (merge into t using s on true when matched then delete) select 1) x",
};

}  // namespace

TEST_CASE("the read gate passes what only reads") {
  for (const std::string sql : {
           "select 1",
           "  /* why */ select :a::int ; -- end",
           "values (1), (2)",
           "table t",
           "explain select 1",
           "explain (analyze, buffers, format json) select * from t",
           "with recursive a as materialized (select 1 union all select 2) select * from a, lateral (select a.*) b",
           "(select 1) union all (select 2) order by 1 limit 3",
           "select \"for update\", 'for update' from \"into\"",
           "select substring(a for 2) from t",
       }) {
    CAPTURE(sql);
    CHECK(read_refusal(sql).kind == "passed");
  }
}

TEST_CASE("neither gate passes anything that is not on its list, wherever it stands") {
  for (const std::string& sql : forbidden) {
    CAPTURE(sql);
    CHECK(read_refusal(sql).kind == "sql.refused");
    CHECK(write_refusal(sql).kind == "sql.refused");
    CHECK_FALSE(read_refusal(sql).hint.empty());
    CHECK_FALSE(write_refusal(sql).hint.empty());
  }
}

TEST_CASE("the read gate refuses row locks and writes that the write gate passes") {
  for (const std::string sql : {
           "select * from t for update",
           "select * from t for no key update of t skip locked",
           "select * from t for share",
           "select * from t for key share",
           "select * from (select * from t for update) x",
           "with a as (select * from t for update) select * from a",
           "select exists (select from t for update)",
           "insert into t values (1)",
           "insert into t select * from s on conflict (id) do update set a = excluded.a returning *",
           "update t set a = 1 from s where s.id = t.id",
           "delete from t using s",
           "with a as (select 1) delete from t where id in (table a)",
       }) {
    CAPTURE(sql);
    CHECK(read_refusal(sql).kind == "sql.refused");
    CHECK(write_refusal(sql).kind == "passed");
  }
}

TEST_CASE("the write gate refuses a write inside a write and EXPLAIN") {
  CHECK(write_refusal("with w as (delete from t returning *) insert into s select * from w").hint ==
        "take new ids first with nextval, then plain INSERT and UPDATE");
  CHECK(write_refusal("update t set a = (with w as (delete from s returning 1) select * from w)").kind ==
        "sql.refused");
  CHECK(write_refusal("explain select 1").kind == "sql.refused");
}

TEST_CASE("a refusal names the rule and the way out, and marks the place") {
  const Error write = read_refusal("update people set a = 1");
  CHECK(write.message == "UPDATE writes, and only reading is allowed here");
  CHECK(write.hint == "plans, checks and prompts only read; a write belongs into apply");
  CHECK(write_refusal("/* x */ commit").message == "COMMIT is not among the statements that a runbook may send");
  CHECK(read_refusal("explain execute p").message ==
        "the statement inside EXPLAIN is not among the statements that a runbook may send");
  CHECK(write_refusal("/* x */ commit").hint == "opsh commits each batch itself");
  CHECK(write_refusal("create table t ()").hint == "it belongs in a schema step");
  CHECK(write_refusal("merge into t using s on true when matched then delete").hint ==
        "take new ids first with nextval, then plain INSERT and UPDATE");

  CHECK(read_refusal("select *\nfrom t\nfor no key update").excerpt == "line 3: for no key update\n        ^");
  CHECK(read_refusal("select 1;\n  select 2").excerpt == "line 2:   select 2\n          ^");
  CHECK(read_refusal("with w as (delete from t) select :a").excerpt ==
        "line 1: with w as (delete from t) select :a\n                               ^");
}

TEST_CASE("what cannot be parsed is refused at the author's own place") {
  const Error error = read_refusal("select :a_long_name,\n  'é' frm t");
  CHECK(error.kind == "sql.syntax");
  CHECK(error.message == "syntax error at or near \"t\"");
  CHECK(error.excerpt == "line 2:   'é' frm t\n                  ^");
  CHECK(read_refusal("select (1").excerpt == "line 1: select (1\n                 ^");
  CHECK(read_refusal("selec 1").kind == "sql.syntax");
}

TEST_CASE("a wrapped statement must be one by itself") {
  const auto wrapped = [](const std::string& sql) {
    return refusal([](const Rendered& r) { gate_read(r); },
                   rendered(sql).wrapped("select * from (", ") as plan order by 1"));
  };
  CHECK(wrapped("select 1 -- the end").kind == "passed");
  CHECK(wrapped("select 1) a cross join (select 2").kind == "sql.syntax");
  CHECK(wrapped("delete from t").hint == "plans, checks and prompts only read; a write belongs into apply");
  CHECK(wrapped("select 1 frm t where").excerpt == "line 1: select 1 frm t where\n                     ^");
}

TEST_CASE("a write statement says what it does to which table") {
  const auto insert =
      gate_write(rendered("insert into \"My App\".people as p (id) values (1) returning id")).operation();
  REQUIRE(insert);
  CHECK(insert->kind == StatementKind::insert);
  CHECK(insert->schema == "My App");
  CHECK(insert->name == "people");
  CHECK(insert->alias == "p");
  CHECK(insert->has_returning);

  const auto update = gate_write(rendered("with a as (select 1) update People set x = 1")).operation();
  REQUIRE(update);
  CHECK(update->kind == StatementKind::update);
  CHECK(update->schema.empty());
  CHECK(update->name == "people");
  CHECK_FALSE(update->has_returning);

  CHECK(gate_write(rendered("delete from t")).operation()->kind == StatementKind::delete_);
  CHECK(gate_write(rendered("select 1 for update")).operation()->kind == StatementKind::select);
}

TEST_CASE("only locks that keep others from changing the row count as locks") {
  CHECK(locks_rows(rendered("select id from t for update")));
  CHECK(locks_rows(rendered("select id from t for no key update of t")));
  CHECK(locks_rows(rendered("with a as (select id from t for share) table a")));
  CHECK_FALSE(locks_rows(rendered("select id from t for key share")));
  CHECK_FALSE(locks_rows(rendered("select 'for update' from t")));
}

TEST_CASE("the gate refuses a node of a kind that it does not know, wherever it stands") {
  const Error error = write_refusal("delete from t where current of c");
  CHECK(error.kind == "sql.refused");
  CHECK(error.message == "the statement holds a node (CurrentOfExpr) that opsh does not know to be harmless");
}

TEST_CASE("syntax that is newer than the grammar is refused with what to do") {
  const Error error = read_refusal("select * from t where a = any value");
  CHECK(error.kind == "sql.syntax");
  CHECK(error.hint.find("has to be written the older way") != std::string::npos);
}
