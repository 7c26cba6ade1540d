#include "db/code_behind.hpp"

#include <string>

#include "cpp/db/judged.hpp"
#include "support/catch.hpp"

using opsh::db::Reader;
using test::check_passed;
using test::check_refused;
using test::declaring;
using test::said;
using test::setup;

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
      'select public.evil(1) * 0 + pg_catalog.btint4cmp($1, $2)';
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
