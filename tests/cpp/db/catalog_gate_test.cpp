#include "db/catalog_gate.hpp"

#include <string>
#include <vector>

#include "cpp/db/commit_key.hpp"
#include "db/reader.hpp"
#include "db/writer.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::db::Reader;
using opsh::sql::operator""_sql;
using test::failure;

namespace {

// `evil` is what stands behind everything here; a session that calls it has a setting of that name.
constexpr const char* setup = R"(
  create table t (id int, name text, amount numeric);
  insert into t values (1, 'a', 1), (2, 'b', 2);
  create function evil(int) returns int language plpgsql as
    $$ begin perform set_config('test.evil', 'called', false); return $1; end $$;
  create function evil(text) returns boolean language plpgsql immutable as
    $$ begin perform set_config('test.evil', 'called', false); return true; end $$;
)";

std::string evil_setting(Reader& reader) {
  return std::string{reader.query("select coalesce(current_setting('test.evil', true), '')"_sql).field(0, 0).value()};
}

/// What the gate says; "passed" when nothing, after the statement has run.
opsh::Error said(Reader& reader, const std::string& sql) {
  reader.refresh();
  return failure([&] { reader.query(test::read(sql)); });
}

opsh::db::Target declaring(const test::Database& database, std::set<std::string> functions,
                           std::set<std::string> foreign_tables = {}) {
  auto target = test::target(database);
  target.declared = {std::move(functions), std::move(foreign_tables)};
  return target;
}

/// Every statement is refused, and a session without this gate runs the function behind each.
void check_refused(const test::Database& database, const std::vector<std::string>& statements) {
  Reader reader{test::target(database)};
  for (const auto& sql : statements) {
    CAPTURE(sql);
    const auto error = said(reader, sql);
    CHECK(error.kind == "sql.refused");
    CHECK_FALSE(error.hint.empty());
    CHECK(evil_setting(reader).empty());
    auto unjudged = test::target(database);
    unjudged.judged = false;
    Reader control{unjudged};
    CHECK(failure([&] { control.query(test::read(sql)); }).kind == "passed");
    CHECK(evil_setting(control) == "called");
  }
}

void check_passed(const test::Database& database, const std::vector<std::string>& statements) {
  Reader reader{test::target(database)};
  for (const auto& sql : statements) {
    CAPTURE(sql);
    const auto error = said(reader, sql);
    CAPTURE(error.message);
    CHECK(error.kind == "passed");
  }
}

}  // namespace

TEST_CASE("a function that somebody wrote is refused wherever a statement can call it") {
  test::Database database;
  database.query(setup);
  check_refused(database,
                {
                    "select evil(1)",
                    "select public.evil(1)",
                    "select * from evil(1)",
                    "select * from rows from (evil(1), generate_series(1, 2)) as x",
                    "select * from t, lateral (values (evil(id))) as x",
                    "select (select evil(1))",
                    "select 1 where exists (select 1 from t where evil(id) > 0)",
                    "select 1 from t order by evil(id)",
                    "select count(*) from t group by evil(id)",
                    "select count(*) filter (where evil(name)) from t",
                    "select sum(evil(id)) over (partition by evil(id)) from t",
                    "select 1 limit evil(1)",
                    "values (evil(1))",
                    "explain analyze select evil(id) from t",
                    "select case evil(1) when 1 then 2 end",
                    "select array[evil(1)], row(evil(1)), coalesce(evil(1), 1)",
                    "select (array[1, 2])[evil(1)]",
                    "with a as (select evil(1)) select * from a",
                    "select 1 union select evil(1)",
                    "select g.evil from generate_series(1, 2) as g",
                    "select (g).evil from generate_series(1, 2) as g",
                    "select xmlelement(name a, evil(1))",
                    "select * from xmltable('/a' passing xmlelement(name a, evil(1)) columns b text path 'b')",
                    "select * from t tablesample system (evil(100))",
                    "select * from t where (id, name) in (select evil(id), name from t)",
                });
}

TEST_CASE("a function that hides or outmatches one of the server's is not taken for it") {
  test::Database database;
  database.query(std::string{setup} + R"(
    create function count_evil(bigint, numeric) returns bigint language sql as 'select evil(1)::bigint';
    create aggregate count(numeric) (sfunc = count_evil, stype = bigint, initcond = '0');
    create function lower(int) returns int language sql as 'select evil($1)')");
  check_refused(database, {"select count(amount) from t", "select lower(id) from t"});
  Reader reader{test::target(database)};
  CHECK(said(reader, "select count(amount) from t").hint.find("or write pg_catalog.count") != std::string::npos);
  check_passed(database, {"select pg_catalog.count(amount), pg_catalog.lower(max(name)) from t"});
}

TEST_CASE("an operator is judged by its function, also where the grammar only means it") {
  test::Database database;
  database.query(std::string{setup} + R"(
    create function evil(int, boolean) returns boolean language sql as 'select evil($1) > 0';
    create operator = (leftarg = int, rightarg = boolean, function = evil);
    create operator <> (leftarg = int, rightarg = boolean, function = evil);
    create operator >= (leftarg = int, rightarg = boolean, function = evil);
    create operator <= (leftarg = int, rightarg = boolean, function = evil);
    create operator ~~ (leftarg = int, rightarg = boolean, function = evil);
    create operator @@@ (rightarg = int, function = evil);
    create type pair as (a int, b int);
    create function evil(pair, pair) returns boolean language sql as 'select evil(1) > 0';
    create operator = (leftarg = pair, rightarg = pair, function = evil))");
  check_refused(database,
                {
                    "select @@@ 1",
                    "select operator(public.@@@) 1",
                    "select 1 = true",
                    "select 1 in (true)",
                    "select 1 not in (true, false)",
                    "select 1 in (select true)",
                    "select 1 between true and true",
                    "select 1 like true",
                    "select 1 is distinct from true",
                    "select nullif(1, true)",
                    "select case 1 when true then 1 end",
                    "select 1 = any (array[true])",
                    "select 1 = all (select true)",
                    "select 1 from (select row(1, 2)::pair as x) a join (select row(1, 2)::pair as x) b using (x)",
                    "select 1 from (select row(1, 2)::pair as x) a natural join (select row(1, 2)::pair as x) b",
                });
}

TEST_CASE("a view is judged by what it calls, through views, policies and parents") {
  test::Database database;
  database.query(std::string{setup} + R"(
    create view inner_view as select evil(id) as id from t;
    create view outer_view as select id from inner_view;
    create table guarded (id int);
    insert into guarded values (1);
    alter table guarded enable row level security;
    alter table guarded force row level security;
    create policy p on guarded using (evil(id) > 0);
    create view behind as select id from guarded;
    create view plain as select id, lower(name) as name, count(*) over () from t where id in (1, 2))");
  check_refused(database,
                {"select * from inner_view", "table outer_view", "select 1 from t join outer_view using (id)"});
  check_passed(database, {"select * from plain", "select * from pg_stat_activity", "table pg_locks",
                          "select count(*) from information_schema.columns"});
  Reader reader{test::target(database)};
  const auto error = said(reader, "select *\nfrom outer_view");
  CHECK(error.message == "the view inner_view calls function public.evil, which is not known to only read");
  CHECK(error.excerpt == "line 2: from outer_view\n             ^");
  CHECK(said(reader, "select * from behind").kind == "sql.refused");
}

TEST_CASE("row security is judged for whom it applies to") {
  test::Database database;
  database.query(std::string{setup} + R"(
    create table guarded (id int);
    insert into guarded values (1);
    grant select on guarded, t to public;
    alter table guarded enable row level security;
    create policy p on guarded using (evil(id) > 0);
    drop role if exists opsh_test_guest;
    create role opsh_test_guest login)");
  Reader owner{test::target(database)};
  CHECK(said(owner, "select * from guarded").kind == "passed");
  Reader guest{test::target(database.conninfo() + " user=opsh_test_guest")};
  const auto error = said(guest, "select * from guarded");
  CHECK(error.kind == "sql.refused");
  CHECK(error.message.find("the row security policy p of guarded calls function public.evil") == 0);
}

TEST_CASE("a cast or a type runs what somebody wrote for it") {
  test::Database database;
  database.query(std::string{setup} + R"(
    create domain checked as int check (evil(value) > 0);
    create domain above as checked;
    create type holder as (a int, b checked);
    create type span as range (subtype = checked);
    create type pair as (a int, b int);
    create function evil_text(pair) returns text language sql as 'select evil($1.a)::text';
    create cast (pair as text) with function evil_text(pair);
    create table domains (d checked);
    create domain set_by as text check (set_config('test.evil', 'called', false) is not null))");
  check_refused(database, {
                              "select 1::checked",
                              "select checked '1'",
                              "select cast(1 as above)",
                              "select '(1,2)'::holder",
                              "select '{1}'::checked[]",
                              "select '[1,2)'::span",
                              "select row(1, 2)::pair::text",
                              "select * from json_to_record('{\"d\": 1}') as x (d checked)",
                              "select jsonb_populate_record(d, '{\"d\": 1}') from (select null::domains as d) x",
                              "select xmlserialize(content xmlelement(name a) as text)::set_by",
                              "select 'x'::set_by",
                          });
  check_passed(database, {"select d from domains", "select '(1,2)'::pair", "select '1'::int::numeric(10, 2)",
                          "select '[1,2)'::int4range, date '2020-01-01', interval '1 day', '{1,2}'::int[]",
                          "select * from json_to_record('{\"d\": 1}') as x (d int)"});
}

TEST_CASE("a cast that is meant without being written is judged for every statement") {
  test::Database database;
  database.query(std::string{setup} + R"(
    create type pair as (a int, b int);
    create table pairs (p pair);
    insert into pairs values (row(1, 2));
    create function evil(pair) returns int language sql as 'select evil($1.a)';
    create cast (pair as int) with function evil(pair) as implicit)");
  check_refused(database, {"select p + 1 from pairs"});
  Reader reader{declaring(database, {"public.evil"})};
  CHECK(said(reader, "select p + 1 from pairs").kind == "passed");
}

TEST_CASE("an ordering that somebody wrote is judged wherever an index, a partition or a range uses it") {
  test::Database database;
  database.query(std::string{setup} + R"(
    create function evil_order(int, int) returns int language sql immutable as
      'select evil(1) * 0 + pg_catalog.btint4cmp($1, $2)';
    create operator class evil_ops for type int using btree as
      operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 evil_order(int, int);
    create table parted (k int) partition by range (k evil_ops);
    create table parted_1 partition of parted for values from (0) to (10);
    create type leaky as range (subtype = int, subtype_opclass = evil_ops);
    create table ranges (r leaky);
    create view v as select leaky(1, 2) as r;
    create table indexed (k int);
    insert into indexed select i from generate_series(1, 5000) as i;
    create index on indexed (k evil_ops);
    analyze indexed)");
  check_refused(database, {
                              "select * from parted where k = 1",
                              "select leaky(1, 2)",
                              "select '[1,2]'::leaky",
                              "select '{[1,2]}'::leaky_multirange",
                              "select * from v",
                          });
  Reader reader{test::target(database)};
  CHECK(said(reader, "select * from indexed where k = 7").kind == "sql.refused");
  CHECK(said(reader, "select r && r from ranges").message.find("the operator class evil_ops of integer calls") == 0);
  check_passed(database, {"select * from t", "select '[1,2]'::int4range, int8range(1, 2)"});
}

TEST_CASE("what comes with the server is allowed when it only reads") {
  test::Database database;
  database.query(setup);
  check_passed(
      database,
      {
          "select now(), clock_timestamp(), random(), gen_random_uuid(), current_setting('work_mem'), version()",
          "select pg_size_pretty(pg_total_relation_size('t')), pg_database_size(current_database()), to_regclass('t')",
          "select extract(year from now()), substring('abc' from 2), trim(' a '), overlay('abc' placing 'x' from 2)",
          "select count(*), sum(id), array_agg(name order by name), percentile_cont(0.5) within group (order by id) "
          "from t",
          "select row_number() over (order by id), lag(name) over (order by id) from t",
          "select * from generate_series(1, 3) with ordinality as g (n, o)",
          "select jsonb_build_object('a', 1) -> 'a', '{\"a\":[1]}'::jsonb @> '{}', jsonb_path_query('[1]', '$[*]')",
          "select regexp_matches('ab', '.', 'g'), string_to_array('a,b', ','), to_tsvector('a') @@ to_tsquery('a')",
          "select * from t tablesample bernoulli (50)",
          "select pg_sleep(0), pg_backend_pid(), pg_is_in_recovery(), txid_current_if_assigned()",
          "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a where a.attrelid = 't'::regclass",
          "select 1 where 'a' similar to 'b' or 'a' ilike 'b' or 1 between 0 and 2 or 'a' = any ('{a}')",
          "select x at time zone 'UTC', x::date from (select now() as x) y",
          "with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select * from r",
          "select id, name from t group by grouping sets ((id), (name), ())",
          "select xmlelement(name a), xmlforest(1 as b)",
          "select * from unnest(array[1, 2], array['a', 'b']) as u (a, b)",
      });
}

TEST_CASE("what comes with the server is refused when it does more than read, and cannot be declared") {
  test::Database database;
  database.query(std::string{setup} + "create sequence s");
  Reader reader{declaring(database, {"pg_catalog.pg_notify", "pg_catalog.set_config"})};
  for (const std::string sql : {
           "select set_config('a.b', 'c', true)",
           "select pg_notify('a', 'b')",
           "select pg_advisory_lock(1)",
           "select pg_try_advisory_xact_lock(1)",
           "select nextval('s')",
           "select setval('s', 1)",
           "select txid_current()",
           "select pg_current_xact_id()",
           "select lo_creat(-1)",
           "select lo_import('/etc/passwd')",
           "select pg_read_file('/etc/passwd')",
           "select pg_ls_dir('.')",
           "select pg_stat_file('PG_VERSION')",
           "select * from pg_hba_file_rules",
           "select query_to_xml('delete from t', true, true, '')",
           "select table_to_xml('t', true, true, '')",
           "select cursor_to_xml('c', 1, true, true, '')",
           "select ts_stat('select 1')",
           "select pg_terminate_backend(1)",
           "select pg_logical_emit_message(true, 'a', 'b')",
           "select pg_export_snapshot()",
           "select pg_create_physical_replication_slot('x')",
           "select pg_stat_reset()",
           "select pg_switch_wal()",
           "select pg_reload_conf()",
           "select domain_in('1', 'public.t'::regtype, -1)",
           "select array_in('{1}', 23, -1)",
           "select setseed(0)",
       }) {
    CAPTURE(sql);
    const auto error = said(reader, sql);
    CHECK(error.kind == "sql.refused");
    CHECK_FALSE(error.hint.empty());
  }
}

TEST_CASE("functions of trusted extensions that only compute need no declaration, others do") {
  test::Database database;
  database.query(
      "create extension citext; create extension hstore; create extension pg_trgm; create extension ltree; "
      "create extension pgcrypto; create extension \"uuid-ossp\"; create extension unaccent; "
      "create extension tablefunc; create extension dblink; create extension earthdistance cascade; "
      "create extension btree_gist; create extension intarray; create extension fuzzystrmatch");
  database.query("create table c (name citext, h hstore, p ltree); create view v as select name = 'a' as a from c");
  check_passed(database, {
                             "select name = 'A', name in ('b'), lower(name), replace(name, 'a', 'b') from c",
                             "select h -> 'a', h ? 'b', hstore('a', 'b') from c",
                             "select p <@ 'a.b', subltree(p, 0, 1) from c order by p",
                             "select similarity('a', 'b'), 'a' % 'b', unaccent('a'), levenshtein('a', 'b')",
                             "select crypt('a', gen_salt('bf', 4)), digest('a', 'sha256'), gen_random_bytes(2)",
                             "select uuid_generate_v4(), earth(), array[1, 2] & array[2]",
                             "select * from v",
                         });
  Reader reader{test::target(database)};
  for (const std::string sql :
       {"select * from dblink('dbname=x', 'select 1') as x (a int)", "select dblink_connect('')",
        "select * from crosstab('delete from c') as x (a text, b text)", "select set_limit(0.5)"}) {
    CAPTURE(sql);
    CHECK(said(reader, sql).kind == "sql.refused");
  }
  Reader declared{declaring(database, {"public.set_limit"})};
  CHECK(said(declared, "select set_limit(0.5)").kind == "passed");
}

TEST_CASE("what is declared is called, and nothing else") {
  test::Database database;
  database.query(std::string{setup} + "create function \"Odd Name\"() returns int language sql as 'select 1'");
  Reader reader{declaring(database, {"public.evil", "public.\"Odd Name\""})};
  CHECK(said(reader, "select evil(1)").kind == "passed");
  CHECK(said(reader, "select \"Odd Name\"()").kind == "passed");
  Reader other{declaring(database, {"other.evil", "evil"})};
  const auto error = said(other, "select name,\n  evil(1) from t");
  CHECK(error.message == "function public.evil is not known to only read");
  CHECK(error.hint.find("functions = { \"public.evil\" }") != std::string::npos);
  CHECK(error.excerpt == "line 2:   evil(1) from t\n          ^");
}

TEST_CASE("a foreign table is refused until it is declared, also below a parent and behind a view") {
  test::Database database;
  database.query(R"(
    create extension file_fdw;
    create server files foreign data wrapper file_fdw;
    create table parent (id int);
    create foreign table child () inherits (parent) server files options (filename '/dev/null');
    create view v as select * from child;
    create materialized view kept as select * from child)");
  Reader reader{test::target(database)};
  CHECK(said(reader, "select * from child").message ==
        "public.child is a foreign table: reading it reaches another server or a file");
  CHECK(said(reader, "select * from parent").message.find("relation parent reads public.child") == 0);
  CHECK(said(reader, "select * from v").kind == "sql.refused");
  CHECK(said(reader, "select * from kept").kind == "passed");
  Reader declared{declaring(database, {}, {"public.child"})};
  CHECK(said(declared, "select * from v, parent, child").kind == "passed");
}

TEST_CASE("names as keywords and odd names are found in the catalog") {
  test::Database database;
  database.query(std::string{setup} + R"(
    create schema "select";
    create table "select"."from" ("where" int);
    create view "select"."Table" as select evil(1) as x;
    create domain "select"."int" as int check (evil(value) > 0))");
  check_passed(database,
               {"select \"where\" from \"select\".\"from\"", "select f.\"where\" from \"select\".\"from\" f"});
  check_refused(database, {"select * from \"select\".\"Table\"", "select 1::\"select\".\"int\""});
}

TEST_CASE("a reader judges by the catalog of its own snapshot") {
  test::Database database;
  database.query(setup);
  Reader reader{test::target(database)};
  CHECK(said(reader, "select id from t").kind == "passed");
  reader.rest();
  database.query("alter table t rename to was_t; create view t as select evil(id) as id from was_t");
  CHECK(said(reader, "select id from t").kind == "sql.refused");
}

TEST_CASE("a statement that writes may take numbers from a sequence, and calls nothing else that writes") {
  test::Database database;
  database.query(std::string{setup} + "create sequence s");
  opsh::db::Writer writer{test::target(database)};
  writer.begin(test::commit_key());
  const auto said_of = [&](const std::string& sql) { return failure([&] { writer.execute(test::write(sql)); }); };
  CHECK(said_of("insert into t values (nextval('s'), gen_random_uuid()::text, random())").kind == "passed");
  CHECK(said_of("update t set amount = 2 where id in (select id from t for update)").kind == "passed");
  for (const std::string sql :
       {"insert into t values (evil(1))", "update t set id = evil(id)", "delete from t where evil(name)",
        "insert into t values (1) returning evil(id)", "update t set id = setval('s', 1)", "select pg_notify('a', 'b')",
        "insert into t values (1) on conflict do nothing returning evil(1)"}) {
    CAPTURE(sql);
    CHECK(said_of(sql).kind == "sql.refused");
  }
  CHECK(failure([&] { writer.query(test::read("select nextval('s')")); }).kind == "sql.refused");
  writer.rollback();
}
