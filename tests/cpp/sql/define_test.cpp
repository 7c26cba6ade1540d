#include <string>
#include <vector>

#include "base/error.hpp"
#include "sql/gate.hpp"
#include "support/catch.hpp"
#include "support/statement.hpp"

using opsh::Error;
using opsh::sql::DefineSql;
using opsh::sql::gate_define;
using opsh::sql::gate_write;
using test::rendered;

namespace {

Error refusal(const std::string& sql) {
  try {
    gate_define(rendered(sql));
  } catch (const Error& error) {
    return error;
  }
  return Error{"passed", sql};
}

const std::vector<std::string> allowed = {
    "create table t (id bigint primary key, a text not null default 'x', b timestamptz default now())",
    "create table s.t (like s.other including all)",
    "create table p partition of t for values from (1) to (2)",
    "create table t as select id from s where a > 1",
    "create unlogged table t (id int)",
    "alter table t add column a text, add column b int not null default 0",
    "alter table t drop column a",
    "alter table t alter column a set not null",
    "alter table t alter column a set default 5",
    "alter table t alter column a type bigint using a::bigint",
    "alter table t add constraint c foreign key (a) references s (id) not valid",
    "alter table t validate constraint c",
    "alter table t add constraint c check (a > 0)",
    "alter table t drop constraint c",
    "alter table t attach partition p for values in (1)",
    "alter table t rename column a to b",
    "alter table t rename to u",
    "alter table t set schema s",
    "alter table t set (fillfactor = 80)",
    "alter table t enable trigger g",
    "alter index i rename to j",
    "drop table t",
    "drop table if exists s.t",
    "drop index i",
    "drop index concurrently if exists s.i",
    "drop view v",
    "drop function f(int)",
    "drop trigger g on s.t",
    "drop type mood",
    "drop schema s",
    "create index i on t (a, lower(b)) where a > 0",
    "create unique index concurrently i on t (a)",
    "reindex index concurrently i",
    "create or replace view v as select a from t where b in (select b from u)",
    "create materialized view m as select 1 as one",
    "refresh materialized view m",
    "create sequence s",
    "alter sequence s owned by t.id",
    "create type mood as enum ('sad', 'ok')",
    "alter type mood add value 'happy'",
    "create type pair as (a int, b int)",
    "create domain positive as int check (value > 0)",
    "create function f(a int) returns int language sql immutable as 'select a'",
    "create or replace function g() returns trigger language plpgsql as $$ begin delete from t; return new; end $$",
    "create function f() returns int language plpgsql set search_path = s as $$ begin return 1; end $$",
    "create trigger g before insert on t for each row execute function f()",
    "comment on table t is 'x'",
    "comment on column t.a is 'the schema opsh is not meant'",
    "grant select (a), insert on t to app",
    "revoke all on t from public",
    "grant usage on schema s to app",
    "create index i on t (a text_pattern_ops)",
    "create table t (a text) partition by range (a text_ops)",
    "truncate t",
    "create schema s",
};

struct Refused {
  std::string sql;
  std::string message;  ///< part of it
};

const std::vector<Refused> refused = {
    // Rows belong into steps with a journal.
    {"delete from t", "DELETE is not among"},
    {"insert into t values (1)", "INSERT is not among"},
    {"update t set a = 1", "UPDATE is not among"},
    {"merge into t using s on true when matched then delete", "MERGE is not among"},
    {"select 1", "SELECT is not among"},
    {"select set_config('opsh.rung', 'undo', false)", "SELECT is not among"},
    {"with a as (delete from t returning 1) select * from a", "WITH is not among"},
    // More than one statement, however it is hidden.
    {"create table t (); drop table s", "2 statements"},
    {"create table t (); commit", "2 statements"},
    {"create table t () /* ; */ ; drop table s -- x", "2 statements"},
    {"", "no statement"},
    {"-- create table t ()", "no statement"},
    // Transactions, settings, sessions, code.
    {"commit", "COMMIT is not among"},
    {"rollback", "ROLLBACK is not among"},
    {"begin", "BEGIN is not among"},
    {"savepoint a", "SAVEPOINT is not among"},
    {"prepare transaction 'x'", "PREPARE is not among"},
    {"set role postgres", "SET is not among"},
    {"set session_replication_role = replica", "SET is not among"},
    {"do $$ begin delete from t; end $$", "DO is not among"},
    {"call p()", "CALL is not among"},
    {"copy t from stdin", "COPY is not among"},
    {"copy t to program 'cat'", "COPY is not among"},
    {"lock table t", "LOCK is not among"},
    {"listen a", "LISTEN is not among"},
    {"prepare p as select 1", "PREPARE is not among"},
    {"create table t as execute p", "takes a query"},
    {"explain analyze create table t as select 1", "EXPLAIN is not among"},
    // The server's administration.
    {"alter system set fsync = off", "ALTER is not among"},
    {"create role r", "CREATE is not among"},
    {"alter role r superuser", "ALTER is not among"},
    {"drop role r", "DROP is not among"},
    {"grant admin to app", "GRANT is not among"},
    {"create database d", "CREATE is not among"},
    {"drop database d", "DROP is not among"},
    {"create tablespace x location '/x'", "CREATE is not among"},
    {"create extension dblink", "CREATE is not among"},
    {"create language plpython3u", "CREATE is not among"},
    {"create event trigger e on ddl_command_end execute function f()", "CREATE is not among"},
    {"create publication p for all tables", "CREATE is not among"},
    {"create subscription s connection 'x' publication p", "CREATE is not among"},
    {"create server s foreign data wrapper w", "CREATE is not among"},
    {"create foreign table t () server s", "CREATE is not among"},
    {"create rule r as on insert to t do instead nothing", "CREATE is not among"},
    {"create policy p on t", "CREATE is not among"},
    {"create cast (text as int) with inout as implicit", "CREATE is not among"},
    {"create operator === (leftarg = int, rightarg = int, function = int4eq)", "CREATE is not among"},
    {"create aggregate a (int) (sfunc = int4pl, stype = int)", "CREATE is not among"},
    {"alter default privileges grant select on tables to app", "ALTER is not among"},
    {"reassign owned by a to b", "REASSIGN is not among"},
    {"drop owned by a", "DROP is not among"},
    {"security label on table t is 'x'", "SECURITY is not among"},
    {"vacuum t", "VACUUM is not among"},
    {"cluster t", "CLUSTER is not among"},
    {"load 'x'", "LOAD is not among"},
    {"reindex database d", "more than a table"},
    {"reindex schema s", "more than a table"},
    // Forms of what is allowed.
    {"alter table t owner to r", "this form of ALTER"},
    {"alter table t disable trigger all", "this form of ALTER"},
    {"alter table t disable trigger g", "this form of ALTER"},
    {"alter table t disable row level security", "this form of ALTER"},
    {"alter table t set unlogged", "this form of ALTER"},
    {"alter table t set tablespace x", "this form of ALTER"},
    {"alter table t inherit u", "this form of ALTER"},
    {"alter table t replica identity full", "this form of ALTER"},
    {"alter foreign table t add column a int", "of this kind"},
    {"create table t (id int) tablespace x", "where a table or index lies"},
    {"create table t (id int primary key using index tablespace x)", "where a table or index lies"},
    {"create index i on t (a) tablespace x", "where a table or index lies"},
    {"create temporary table t (id int)", "gone with the session"},
    {"create temp view v as select 1", "gone with the session"},
    {"create index concurrently on t (a)", "needs a name"},
    {"drop table t cascade", "CASCADE"},
    {"drop type mood cascade", "CASCADE"},
    {"drop schema s cascade", "CASCADE"},
    {"alter table t drop column a cascade", "CASCADE"},
    {"alter table t drop constraint c cascade", "CASCADE"},
    {"truncate t cascade", "CASCADE"},
    {"revoke select on t from app cascade", "CASCADE"},
    {"drop procedure p", "of this kind"},
    {"drop extension hstore", "of this kind"},
    {"drop policy p on t", "of this kind"},
    {"drop event trigger e", "of this kind"},
    {"drop foreign table t", "of this kind"},
    {"create procedure p() language sql as 'select 1'", "may commit"},
    {"create function f() returns int language c as 'x', 'y'", "functions in c"},
    {"create function f() returns int language internal as 'x'", "functions in internal"},
    {"create function f() returns int language plpython3u as 'x'", "functions in plpython3u"},
    {"create function f() returns int language sql security definer as 'select 1'", "SECURITY DEFINER"},
    {"create function f() returns int language sql leakproof as 'select 1'", "LEAKPROOF"},
    {"create function f() returns int language sql support g as 'select 1'", "with support"},
    {"create function f() returns int language sql begin atomic; delete from t; select 1; end", "must be a text"},
    {"create function f() returns int language sql return 1", "must be a text"},
    {"grant select on all tables in schema s to app", "objects that are named"},
    {"grant select on t to app with grant option", "GRANT OPTION"},
    {"grant connect on database d to app", "of this kind"},
    {"grant create on tablespace x to app", "of this kind"},
    {"alter table t add exclude using gist (a with &&)", "exclusion constraints"},
    {"create table t (a int, exclude using gist (a with =))", "exclusion constraints"},
    {"create schema s authorization r", "a name and nothing else"},
    {"create schema s create table t (id int)", "a name and nothing else"},
    {"alter schema s rename to u", "of this kind"},
    {"comment on database d is 'x'", "of this kind"},
    // Whose schemas they are.
    {"create table opsh.t (id int)", "opsh's own schema"},
    {"drop table opsh.run", "opsh's own schema"},
    {"truncate opsh.batch", "opsh's own schema"},
    {"drop index opsh.left_out_batch", "opsh's own schema"},
    {"alter table opsh.run add column x int", "opsh's own schema"},
    {"create trigger g before insert on opsh.batch for each row execute function f()", "opsh's own schema"},
    {"create function opsh.f() returns int language sql as 'select 1'", "opsh's own schema"},
    {"alter table t set schema opsh", "opsh's own schema"},
    {"drop schema opsh", "opsh's own schema"},
    {"create schema opsh", "opsh's own schema"},
    {"grant delete on opsh.run to app", "opsh's own schema"},
    {"grant all on schema opsh to app", "opsh's own schema"},
    {"alter table t add foreign key (run) references opsh.run", "opsh's own schema"},
    {"create view v as select * from opsh.run", "opsh's own schema"},
    {"create function pg_catalog.f() returns int language sql as 'select 1'", "the server's own"},
    {"drop function pg_catalog.now()", "the server's own"},
    {"create schema pg_x", "the server's own"},
    {"alter table t set schema information_schema", "the server's own"},
};

}  // namespace

TEST_CASE("the gate of schema steps passes what defines and changes objects") {
  for (const auto& sql : allowed) {
    INFO(sql);
    CHECK(refusal(sql).kind == "passed");
  }
}

TEST_CASE("the gate of schema steps refuses everything else, and says why") {
  for (const auto& [sql, message] : refused) {
    INFO(sql);
    Error error = refusal(sql);
    CHECK(error.kind == "sql.refused");
    CHECK(std::string{error.message}.find(message) != std::string::npos);
    CHECK(!error.hint.empty());
  }
}

TEST_CASE("a definition that the gate of schema steps passes, that of rows does not") {
  for (const auto& sql : allowed) {
    INFO(sql);
    CHECK_THROWS_AS(gate_write(rendered(sql)), Error);
  }
}

TEST_CASE("a definition names the tables that it changes") {
  auto tables = [](const std::string& sql) {
    std::string names;
    const DefineSql statement = gate_define(rendered(sql));
    for (const auto& relation : statement.definition().relations) names += relation.qualified().text() + " ";
    return names;
  };
  CHECK(tables("alter table s.t add column a int") == "s.t ");
  CHECK(tables("create index i on t (a)") == "t ");
  CHECK(tables("drop trigger g on s.t") == "s.t ");
  CHECK(tables("drop table a, s.b") == "a s.b ");
  CHECK(tables("comment on column s.t.a is 'x'") == "s.t ");
  CHECK(tables("comment on constraint c on t is 'x'") == "t ");
  CHECK(tables("alter table t rename column a to b") == "t ");
  CHECK(tables("create table p partition of \"T\" default") == "p \"T\" ");
  CHECK(tables("alter table t attach partition p default") == "t p ");
  CHECK(tables("create function f() returns int language sql as 'select 1'").empty());
}

TEST_CASE("a definition says what it would lose") {
  auto losses = [](const std::string& sql) {
    std::string text;
    const DefineSql statement = gate_define(rendered(sql));
    for (const auto& loss : statement.definition().losses)
      text += loss.table.name + "." + loss.column + (loss.rewritten ? "! " : " ");
    return text;
  };
  CHECK(losses("drop table a, b") == "a. b. ");
  CHECK(losses("truncate a, b") == "a. b. ");
  CHECK(losses("alter table t drop column a, add column b int, drop column if exists c") == "t.a t.c ");
  CHECK(losses("alter table t alter column a type text") == "t.a! ");
  CHECK(losses("alter table t drop constraint c").empty());
  CHECK(losses("drop view v").empty());
}

TEST_CASE("a definition says whether it runs outside a transaction only, and what it builds") {
  auto definition = [](const std::string& sql) { return gate_define(rendered(sql)).definition(); };
  CHECK(definition("create index concurrently i on s.t (a)").alone);
  CHECK(definition("create index concurrently i on s.t (a)").builds->qualified().text() == "s.i");
  CHECK(definition("drop index concurrently i").alone);
  CHECK(definition("reindex table concurrently t").alone);
  CHECK(definition("alter table t detach partition p concurrently").alone);
  CHECK_FALSE(definition("create index i on t (a)").alone);
  CHECK_FALSE(definition("alter table t validate constraint c").alone);
}
