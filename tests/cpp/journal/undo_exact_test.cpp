#include <fmt/format.h>

#include "cpp/journal/undoing.hpp"

using test::conflicts_of;
using test::Journaled;
using test::Undoing;

namespace {

// Every value is one that some way of copying rows loses.
const std::string nasty = R"sql(
create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create type mood as enum ('sad', 'so, so', 'NULL');
create type pair as (a int, "b c" text);
create domain small as int check (value < 1000);
create schema other;
create type other."Odd Type" as (x int);
create table nasty (
  part text collate ci, "Num Key" numeric, primary key (part, "Num Key"),
  always bigint generated always as identity, twice int generated always as (small * 2) stored,
  f8 float8, f4 float4, n numeric, d date, ts timestamptz, i interval, b bytea, j json, jb jsonb, jb2 jsonb,
  arr int[], texts text[], r int4range, m mood, small small, c5 char(5), v3 varchar(3), mon money, ch "char",
  p pair, ps pair[], odd other."Odd Type", bits bit(3), vb varbit, ip inet, u uuid, x xml, nm name, t text);
insert into nasty values
  ('a', 1.0, default, default, 'NaN', '-0', 'NaN', '-infinity', 'infinity', '1 mon -3 days', '\x00ff',
   '{"b":1, "a": 2,"b":3}', 'null', null, '[0:1]={1,NULL}', '{"", NULL, "NULL", "a,\"b"}', 'empty', 'so, so', 3, 'ab',
   '', '-$1,234.56', '"', '(,)', '{"(1,x)",NULL}', '(7)', '101', '', '10.0.0.1/8',
   '00000000-0000-0000-0000-000000000001', '<a> </a>', 'x', E'tab\tand\nline'),
  ('B', 1.00, default, default, '-Infinity', 'Infinity', -0.10, '0044-03-15 BC', '0044-03-15 12:00 BC', '-1 sec', '\x',
   '1', '"x"', '[]', '{}', '{}', '[1,5)', 'NULL', null, '', 'ñ ', '$0.01', 'a', '(1,"a,b")', '{}', null, '000', '0101',
   '::1', null, null, '', ''),
  ('c', 9007199254740993, default, default, null, null, null, null, null, null, null, null, null, null, null, null,
   null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
)sql";

const std::string nasty_rows = "select string_agg((x.*)::text, e'\\n' order by part collate \"C\") from nasty x";

}  // namespace

TEST_CASE("rows of every nasty type come back byte for byte, updated, deleted and inserted") {
  Journaled run{nasty, {{"nasty"}}};
  std::string before = run.database.value(nasty_rows);
  run.commit({R"sql(update nasty set f8 = 1, f4 = 1, n = 1, d = now(), ts = now(), i = '1 day', b = 'x', j = '{}',
    jb = null, jb2 = 'null', arr = '{5}', texts = '{x}', r = '(,)', m = 'sad', small = 7, c5 = 'other', v3 = 'v',
    mon = '2', ch = 'z', p = '(5,y)', ps = null, odd = '(8)', bits = '111', vb = '1', ip = '1.1.1.1',
    u = '00000000-0000-0000-0000-00000000000a', x = '<b/>', nm = 'y', t = 'z')sql",
              "delete from nasty where part = 'a'", "insert into nasty (part, \"Num Key\", j) values ('A', 2, '[ ]')"});
  run.commit({"delete from nasty"});
  std::string after = run.database.value("select count(*) from nasty");
  CHECK(after == "0");
  Undoing undo{run, {{"nasty"}}};
  CHECK(undo.take_back(2).left == 0);
  auto undone = undo.take_back(1);
  CHECK(conflicts_of(undone) == "");
  CHECK(undone.unrestored.empty());
  CHECK(run.database.value(nasty_rows) == before);
  Undoing again{run, {{"nasty"}}, "u2", "u1"};
  again.take_back(2);
  again.take_back(1);
  CHECK(run.database.value("select count(*) from nasty") == "0");
}

TEST_CASE("a row whose edit only its bytes tell is left") {
  const char* edits[] = {
      "update t set c = '1.00' where id = 1",        // numeric: equal to 1.0
      "update t set i = 'AB' where id = 1",          // equal under the collation
      "update t set j = '{ }' where id = 1",         // json has no equality at all
      "update t set f = '-0' where id = 1",          // equal to 0
      "update t set w = '30 days' where id = 1",     // interval: equal to a month
      "update t set b = 'null'::jsonb where id = 1"  // not NULL
  };
  for (const char* edit : edits) {
    INFO(edit);
    Journaled run{
        "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); "
        "create table t (id int primary key, c numeric, i text collate ci, j json, f float8, w interval, b jsonb); "
        "insert into t values (1), (2)",
        {{"t"}}};
    run.commit({"update t set c = 1.0, i = 'ab', j = '{}', f = 0, w = '1 mon'", "update t set b = '1'",
                "update t set b = null"});
    run.database.query(edit);
    std::string edited = run.database.value("select t::text from t where id = 1");
    Undoing undo{run, {{"t"}}};
    bool touched = std::string{edit}.find("set b") == std::string::npos;
    CHECK(undo.take_back(1).left == (touched ? 1 : 0));
    if (touched) CHECK(run.database.value("select t::text from t where id = 1") == edited);
    CHECK(run.database.value("select num_nulls(c, i, j, f, w) from t where id = 2") == "5");
  }
}

TEST_CASE("rows of partitions, of heirs and of their parents come back where they were") {
  Journaled run{
      "create table p (id int, part text, n int, primary key (id, part)) partition by list (part); "
      "create table pa partition of p for values in ('a'); "
      "create table pb (n int, gone int, part text not null, id int not null); alter table pb drop column gone; "
      "alter table p attach partition pb for values in ('b'); "
      "create table h (id int primary key, n int); create table hh (extra text, primary key (id)) inherits (h); "
      "insert into p values (1, 'a', 1), (1, 'b', 1); insert into h values (1, 1); insert into hh values (1, 1, 'x')",
      {{"p"}, {"h"}}};
  const std::string state =
      "select (select string_agg(tableoid::regclass || (p.*)::text, ' ' order by part) from p) || "
      "(select string_agg(tableoid::regclass || (h.*)::text, ' ' order by tableoid) from h)";
  std::string before = run.database.value(state);
  run.commit({"update p set n = 5", "update h set n = 6"});
  run.commit({"delete from p", "delete from h", "insert into p values (2, 'b', 4)"});
  Undoing undo{run, {{"p"}, {"h"}}};
  CHECK(conflicts_of(undo.take_back(2)) == "");
  CHECK(conflicts_of(undo.take_back(1)) == "");
  CHECK(run.database.value(state) == before);
}
