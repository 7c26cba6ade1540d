#include "db/catalog_gate.hpp"

#include <string>

#include "cpp/db/commit_key.hpp"
#include "cpp/db/judged.hpp"
#include "db/writer.hpp"
#include "support/catch.hpp"

using opsh::db::Reader;
using test::check_passed;
using test::check_refused;
using test::declaring;
using test::failure;
using test::said;
using test::setup;
using opsh::sql::operator""_sql;

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

TEST_CASE("the gate's questions are planned once a session, and a runbook's statements as the server does") {
  test::Database database;
  database.query(setup);
  Reader reader{test::target(database)};
  for (const char* sql : {"select lower(name) from t", "select upper(name) from t", "select length(name) from t"})
    CHECK(said(reader, sql).kind == "passed");
  CHECK(said(reader, "select evil(1)").kind == "sql.refused");
  auto planned = [&](const std::string& plans) {
    return std::string{reader
                           .query(test::read("select sum(" + plans +
                                             ") from pg_prepared_statements where statement ~ 'pg_proc|pg_opclass'"))
                           .field(0, 0)
                           .value()};
  };
  CHECK(planned("custom_plans") == "0");
  CHECK(planned("generic_plans") != "0");
  CHECK(reader.query("select current_setting('plan_cache_mode')"_sql).field(0, 0) == "auto");
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
