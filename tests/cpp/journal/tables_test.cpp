#include "journal/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "cpp/journal/fixture.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"

using opsh::journal::DeclaredName;
using opsh::journal::Tables;
using Strings = std::vector<std::string>;

namespace {

Tables examine(const std::string& conninfo, const std::vector<DeclaredName>& names) {
  opsh::db::Reader reader{test::target(conninfo)};
  return opsh::journal::examine_tables(reader, names);
}

struct Place {
  explicit Place(const std::string& schema) { database.query(schema); }

  Tables examine(const std::vector<DeclaredName>& names) const { return ::examine(database.conninfo(), names); }
  /// The error for one table; its kind is "passed" when there is none.
  opsh::Error refusal(const std::string& name) const {
    return test::failure([&] { examine({{name}}); });
  }
  Strings key(const std::string& name) const { return examine({{name}}).declared.at(0).key; }
  std::string fingerprint(const std::string& name = "t") const { return examine({{name}}).fingerprint; }

  test::Database database;
};

bool holds(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

/// Refused, with the fact and the remedy in its words.
void check_refused(const opsh::Error& error, const std::string& fact, const std::string& remedy) {
  INFO(error.message);
  INFO(error.hint);
  CHECK(error.kind == "refused.journal");
  CHECK(holds(error.message, fact));
  CHECK(holds(error.hint, remedy));
}

Strings names_of(const std::vector<opsh::journal::Leaf>& leaves) {
  Strings names;
  for (const auto& leaf : leaves) names.push_back(leaf.name.text());
  std::ranges::sort(names);
  return names;
}

/// The names of the leaf's key columns, by way of its own columns.
Strings key_of(const opsh::journal::Leaf& leaf) {
  Strings names;
  for (std::size_t at : leaf.key) names.push_back(leaf.columns.at(at).name);
  return names;
}

/// Two levels; the second is partitioned by an expression, so that only the partitions have keys.
constexpr const char* events =
    "create table event (year int not null, kind text not null, id bigint not null) partition by range (year);"
    "create table event_24 partition of event for values from (2024) to (2025) partition by list (lower(kind));"
    "create table event_24_a partition of event_24 (primary key (id)) for values in ('a');"
    "create table event_24_b partition of event_24 (primary key (id)) for values in ('b');"
    "create table event_25 partition of event (primary key (id)) for values from (2025) to (2026);";

}  // namespace

TEST_CASE("a table is its own leaf, with its stored columns") {
  Place place{
      "create table item (id bigint generated always as identity primary key, gone int, part text, "
      "twice text generated always as (part || part) stored); alter table item drop column gone; "
      "insert into item (part) select 'x' from generate_series(1, 40); analyze item"};
  Tables tables = place.examine({{"item"}});
  REQUIRE(tables.declared.size() == 1);
  CHECK(tables.declared[0].name.text() == "public.item");
  CHECK(tables.declared[0].key == Strings{"id"});
  CHECK(tables.declared[0].partition_columns.empty());
  CHECK(tables.declared[0].leaves == std::vector{tables.declared[0].oid});
  REQUIRE(tables.leaves.size() == 1);
  const auto& leaf = tables.leaves[0];
  CHECK(leaf.estimated_rows == 40);
  REQUIRE(leaf.columns.size() == 3);
  CHECK(leaf.columns[0].identity_always);
  CHECK_FALSE(leaf.columns[0].generated);
  CHECK(leaf.columns[1].name == "part");
  CHECK(leaf.columns[1].number == 3);
  CHECK(leaf.columns[1].type == opsh::db::oid::text);
  CHECK(leaf.columns[2].generated);
  CHECK(tables.leaf(leaf.oid) == &leaf);
  CHECK(tables.leaf(1) == nullptr);
  CHECK(tables.declared_above(leaf.oid) == &tables.declared[0]);
  CHECK(tables.declared_above(1) == nullptr);
}

TEST_CASE("a table that was never analyzed has no estimate") {
  CHECK(Place{"create table t (id int primary key)"}.examine({{"t"}}).leaves[0].estimated_rows == 0);
}

TEST_CASE("the session of a batch sees the same tables as a reader") {
  test::Run run{"create table t (id int primary key)"};
  std::vector<DeclaredName> names{{"t"}};
  auto by_reader = examine(run.database.conninfo(), names);
  opsh::journal::Batch batch{run.ledger, run.claim, {}};
  CHECK(opsh::journal::examine_tables(batch.writer(), names).fingerprint == by_reader.fingerprint);
}

TEST_CASE("partitions two levels deep are the leaves, and what is between holds no rows") {
  Place place{events};
  Tables tables = place.examine({{"event"}});
  CHECK(names_of(tables.leaves) == Strings{"public.event_24_a", "public.event_24_b", "public.event_25"});
  const auto& event = tables.declared[0];
  CHECK(event.leaves.size() == 3);
  CHECK(event.key == Strings{"id"});
  REQUIRE(event.partitioned.size() == 1);
  CHECK(tables.declared_above(event.partitioned[0]) == &event);
}

TEST_CASE("the partition columns are those of all levels, also those inside expressions") {
  Place place{events};
  CHECK(place.examine({{"event"}}).declared[0].partition_columns == Strings{"year", "kind"});
  CHECK(place.examine({{"event_24"}}).declared[0].partition_columns == Strings{"kind"});
  CHECK(place.examine({{"event_25"}}).declared[0].partition_columns.empty());
}

TEST_CASE("a partition key of a column and an expression names the columns of both, and no other") {
  Place place{
      "create table t (a int, b int, c int, d int generated by default as identity) partition by range (b, (a + c));"
      "create table t_1 partition of t (primary key (a)) for values from (minvalue, minvalue) to (maxvalue, maxvalue)"};
  auto columns = place.examine({{"t"}}).declared[0].partition_columns;
  std::ranges::sort(columns);
  CHECK(columns == Strings{"a", "b", "c"});
}

TEST_CASE("with plain inheritance the parent and the children are leaves") {
  Place place{
      "create table parent (id int primary key, v text); create table child (extra int, primary key (id)) inherits "
      "(parent); create table grandchild (primary key (id)) inherits (child)"};
  Tables tables = place.examine({{"parent"}});
  CHECK(names_of(tables.leaves) == Strings{"public.child", "public.grandchild", "public.parent"});
  CHECK(tables.declared[0].leaves.size() == 3);
  for (const auto& leaf : tables.leaves) CHECK(key_of(leaf) == Strings{"id"});
}

TEST_CASE("a child of two parents is one leaf") {
  Place place{
      "create table a (id int primary key); create table b (id int primary key);"
      "create table c (primary key (id)) inherits (a, b)"};
  CHECK(place.examine({{"a"}, {"b"}}).leaves.size() == 3);
}

TEST_CASE("a parent and its partition may both be declared, and each leaf is there once") {
  Place place{events};
  Tables tables = place.examine({{"event"}, {"event_24"}, {"public.event"}});
  REQUIRE(tables.declared.size() == 3);
  CHECK(tables.leaves.size() == 3);
  CHECK(tables.declared[1].leaves.size() == 2);
  // The nearest one is asked for its rows.
  for (unsigned leaf : tables.declared[1].leaves) CHECK(tables.declared_above(leaf) == &tables.declared[1]);
  CHECK(tables.declared_above(tables.declared[0].oid) == &tables.declared[0]);
}

TEST_CASE("a table that is declared without a schema is found as the role's search path finds it") {
  Place place{"create schema app; create table app.t (id int primary key)"};
  CHECK(place.refusal("t").kind == "sql.undefined_table");
  place.database.query("alter database " + place.database.name() + " set search_path = app, public");
  CHECK(place.examine({{"t"}}).declared[0].name.text() == "app.t");
}

TEST_CASE("quoted and mixed-case names are found and given back as SQL writes them") {
  Place place{
      "create schema \"Odd.Schema\"; create table \"Odd.Schema\".\"Ta\"\"ble\" (\"Key \"\"A\" int, \"select\" int, "
      "primary key (\"select\", \"Key \"\"A\"))"};
  Tables tables = place.examine({{"\"Odd.Schema\".\"Ta\"\"ble\""}});
  CHECK(tables.declared[0].name.text() == "\"Odd.Schema\".\"Ta\"\"ble\"");
  CHECK(tables.declared[0].key == Strings{"select", "Key \"A"});
}

TEST_CASE("a key of several columns has the order of its index") {
  Place place{"create table t (a int, b int, c int, primary key (c, a))"};
  CHECK(place.key("t") == Strings{"c", "a"});
  CHECK(key_of(place.examine({{"t"}}).leaves[0]) == Strings{"c", "a"});
}

TEST_CASE("the primary key is preferred, then few columns, then the first by name") {
  CHECK(Place{"create table t (a int not null unique, b int, c int, primary key (b, c))"}.key("t") ==
        Strings{"b", "c"});
  CHECK(Place{"create table t (a int not null, b int not null, c int not null unique, unique (a, b))"}.key("t") ==
        Strings{"c"});
  CHECK(Place{"create table t (b int not null unique, a int not null unique)"}.key("t") == Strings{"a"});
}

TEST_CASE("an index makes no key when two rows may be equal in it") {
  Place place{
      "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "create type pair as (x numeric);"
      "create table partial (a int not null); create unique index partial_a on partial (a) where a > 0;"
      "create table expression (a text not null); create unique index expression_a on expression (lower(a));"
      "create table deferred (a int not null unique deferrable);"
      "create table nullable (a int unique);"
      "create domain filled as int not null; create table of_domain (a filled unique);"
      "create table excluded (a int not null, exclude using btree (a with =));"
      "create table finer (a pair not null); create unique index finer_a on finer (a record_image_ops);"
      "create table looser (a text collate loose not null); create unique index looser_a on looser (a collate \"C\");"
      "create table bare (a int not null)"};
  const char* primary = "add a primary key";
  check_refused(place.refusal("partial"), "its unique index partial_a is partial", primary);
  check_refused(place.refusal("expression"), "its unique index expression_a has an expression", primary);
  check_refused(place.refusal("deferred"), "its unique index deferred_a_key is deferrable", primary);
  check_refused(place.refusal("nullable"), "nullable_a_key has a column that may be NULL: a",
                "alter table public.nullable alter column a set not null");
  check_refused(place.refusal("of_domain"), "has a column that may be NULL: a", "set not null");
  check_refused(place.refusal("excluded"), "no primary key and no unique index", primary);
  check_refused(place.refusal("finer"), "finer_a compares in another way", primary);
  check_refused(place.refusal("looser"), "looser_a compares in another way", primary);
  check_refused(place.refusal("bare"), "no primary key and no unique index",
                "(alter table public.bare add primary key (...)), or say journal = false");
}

TEST_CASE("an index that was never finished makes no key") {
  Place place{"create table t (a int not null); insert into t values (1), (1)"};
  CHECK_THROWS(place.database.query("create unique index concurrently t_a on t (a)"));
  check_refused(place.refusal("t"), "its unique index t_a is not valid", "add a primary key");
}

TEST_CASE("INCLUDE columns are no part of the key, and may be NULL") {
  Place place{"create table t (a int not null, b int); create unique index on t (a) include (b)"};
  CHECK(place.key("t") == Strings{"a"});
}

TEST_CASE("a key may be of any type that a unique index takes, in another collation that tells as much apart") {
  Place place{
      "create type mood as enum ('sad', 'glad'); create type pair as (x int, y text); create domain code as text;"
      "create table t (a mood, b pair, c code, d int[], e int4range, f uuid, g text collate \"C\", primary key (a, b, "
      "c, "
      "d, e, f, g)); create table u (a text not null); create unique index on u (a collate \"C\")"};
  CHECK(place.key("t").size() == 7);
  CHECK(place.key("u") == Strings{"a"});
}

TEST_CASE("partitions have one key by the names of its columns, whatever their numbers") {
  Place place{
      "create table t (a int not null, b int not null) partition by list (b);"
      "create table t_1 (gone int, b int not null, a int not null, unique (a, b)); alter table t_1 drop column gone;"
      "alter table t attach partition t_1 for values in (1);"
      "create table t_2 partition of t (primary key (b, a)) for values in (2)"};
  Tables tables = place.examine({{"t"}});
  for (const auto& leaf : tables.leaves) CHECK(key_of(leaf) == tables.declared[0].key);
  CHECK(tables.leaf(tables.declared[0].leaves[0])->columns[tables.leaves[0].key[0]].name == tables.declared[0].key[0]);
}

TEST_CASE("the primary key of the declared table goes before those of its partitions, and those before few columns") {
  Place place{
      "create table t (a int not null, b int not null, c int, primary key (b, a)) partition by list (b);"
      "create table t_1 partition of t (unique (a)) for values in (1);"
      "create table u (a int not null, b int not null, c int not null) partition by list (b);"
      "create table u_1 partition of u (unique (a), primary key (b, c)) for values in (1);"
      "create table u_2 partition of u (unique (a), primary key (b, c)) for values in (2)"};
  CHECK(place.key("t") == Strings{"b", "a"});
  CHECK(place.key("u") == Strings{"b", "c"});
}

TEST_CASE("leaves without a key in common are refused with the names of two of them") {
  Place place{
      "create table t (a int not null, b int not null) partition by list (b);"
      "create table t_1 partition of t (primary key (a)) for values in (1);"
      "create table t_2 partition of t (primary key (b)) for values in (2)"};
  check_refused(place.refusal("t"), "one key for public.t_1 and public.t_2",
                "unique index on the same NOT NULL columns");
  place.database.query("create table v (id int primary key); create table w () inherits (v)");
  check_refused(place.refusal("v"), "the rows of public.w apart", "alter table public.w add primary key");
}

TEST_CASE("a leaf below two declared tables has one key, and so have these") {
  Place place{
      "create table a (x int not null unique, y int not null, primary key (y)); "
      "create table b (x int not null unique);"
      "create table c (unique (x), primary key (y)) inherits (a, b)"};
  CHECK(place.key("a") == Strings{"y"});
  Tables tables = place.examine({{"a"}, {"b"}});
  CHECK(tables.declared[0].key == Strings{"x"});
  CHECK(tables.declared[1].key == Strings{"x"});
}

TEST_CASE("a partitioned table without partitions has its own key") {
  Place place{"create table t (a int primary key) partition by list (a); create table u (a int) partition by list (a)"};
  Tables tables = place.examine({{"t"}});
  CHECK(tables.leaves.empty());
  CHECK(tables.declared[0].key == Strings{"a"});
  check_refused(place.refusal("u"), "the rows of public.u apart", "add a primary key");
}

TEST_CASE("only enabled row triggers before UPDATE may change what a statement sets") {
  Place place{
      "create table t (id int primary key references t on update cascade); "
      "create function f() returns trigger language plpgsql as 'begin return new; end'"};
  auto triggers = [&] { return place.examine({{"t"}}).leaves[0].triggers_before_update; };
  place.database.query(
      "create trigger a after update on t for each row execute function f();"
      "create trigger b before insert or delete on t for each row execute function f();"
      "create trigger c before update on t for each statement execute function f()");
  CHECK_FALSE(triggers());
  place.database.query("create trigger d before insert or update of id on t for each row execute function f()");
  CHECK(triggers());
  place.database.query("alter table t disable trigger d");
  CHECK_FALSE(triggers());
  place.database.query("alter table t enable always trigger d");
  CHECK(triggers());
}

TEST_CASE("a trigger that a partition has from its parent counts") {
  Place place{
      "create table t (id int primary key) partition by list (id); create table t_1 partition of t for values in (1);"
      "create function f() returns trigger language plpgsql as 'begin return new; end';"
      "create trigger a before update on t for each row execute function f()"};
  CHECK(place.examine({{"t"}}).leaves[0].triggers_before_update);
}

TEST_CASE("a name that is no table, or none that is there, is told so") {
  Place place{"create table t (id int primary key)"};
  CHECK(place.refusal("no such").kind == "sql.identifier");
  CHECK(holds(place.refusal("tt").message, "there is no table tt"));
  CHECK(place.refusal("nowhere.t").kind == "sql.undefined_table");
}

TEST_CASE("the tables of opsh's own schema are refused") {
  test::Run run;
  auto error = test::failure([&] { examine(run.database.conninfo(), {{"opsh.run"}}); });
  CHECK(error.kind == "refused.ledger");
  CHECK(holds(error.message, "opsh.run"));
}

TEST_CASE("what is no table of this server is refused") {
  Place place{
      "create table t (id int primary key); create view v as select * from t; create sequence s; create type c as (x "
      "int);"
      "create materialized view m as select 1 as id;"
      "create foreign data wrapper w; create server elsewhere foreign data wrapper w;"
      "create foreign table f (id int) server elsewhere;"
      "create table p (id int not null) partition by list (id);"
      "create foreign table p_1 partition of p for values in (1) server elsewhere"};
  check_refused(place.refusal("v"), "public.v is a view", "declare those tables");
  check_refused(place.refusal("m"), "public.m is a materialized view", "declare the tables behind it");
  check_refused(place.refusal("f"), "public.f is a foreign table", "from a runbook on that server");
  check_refused(place.refusal("p"), "public.p_1 (below p) is a foreign table", "journal = false");
  for (auto name : {"s", "c", "t_pkey"}) check_refused(place.refusal(name), "is no table", "declare the table");
}

TEST_CASE("an unlogged table is refused, also below the one that is declared") {
  Place place{
      "create unlogged table u (id int primary key); create table p (id int primary key) partition by list (id);"
      "create unlogged table p_1 partition of p for values in (1)"};
  check_refused(place.refusal("u"), "public.u is unlogged", "alter table public.u set logged");
  check_refused(place.refusal("p"), "public.p_1 (below p) is unlogged", "alter table public.p_1 set logged");
}

TEST_CASE("a table with a DO INSTEAD rule is refused, one with an ALSO rule or a disabled one is not") {
  Place place{
      "create table t (id int primary key); create table log (id int);"
      "create rule also as on insert to t do also insert into log values (new.id)"};
  CHECK(place.refusal("t").kind == "passed");
  place.database.query("create rule \"No\" as on delete to t do instead nothing");
  check_refused(place.refusal("t"), "public.t has the rule \"No\"", "journal = false");
  place.database.query("alter table t disable rule \"No\"");
  CHECK(place.refusal("t").kind == "passed");
}

TEST_CASE("temporary tables are not seen, neither by their name nor below a table") {
  Place place{"create table t (id int primary key)"};
  test::Peer peer{place.database.conninfo()};
  peer.run("create temporary table child () inherits (t)");
  CHECK(place.examine({{"t"}}).leaves.size() == 1);
  test::Run run;
  std::vector<DeclaredName> names{{"mine"}};
  opsh::journal::Batch batch{run.ledger, run.claim, {}};
  batch.writer().execute(opsh::sql::HostSql{"create temporary table mine (id int primary key)"});
  CHECK(test::failure([&] { opsh::journal::examine_tables(batch.writer(), names); }).kind == "sql.undefined_table");
}

namespace {

/// A role that may do what `grants` say, and a session's address as this role.
struct Limited {
  explicit Limited(const std::string& schema, const std::string& grants) : place(schema) {
    place.database.query("drop role if exists \"limited Role\"; create role \"limited Role\" login; " + grants);
    conninfo = place.database.conninfo() + " user='limited Role'";
  }
  ~Limited() {
    place.database.query("drop owned by \"limited Role\" cascade");
    place.database.query("drop role \"limited Role\"");
  }
  opsh::Error refusal(const std::vector<DeclaredName>& names) const {
    return test::failure([&] { examine(conninfo, names); });
  }

  Place place;
  std::string conninfo;
};

}  // namespace

TEST_CASE("a column that the role may not read is named, with the grant that helps") {
  Limited role{"create table t (id int primary key, \"Pay\" int, note text)",
               "grant insert, update, delete on t to \"limited Role\"; grant select (id) on t to \"limited Role\""};
  check_refused(role.refusal({{"t"}}), "\"limited Role\" may not read all of public.t: \"Pay\", note",
                "grant select (\"Pay\", note) on public.t to \"limited Role\"");
  role.place.database.query("grant select (\"Pay\", note) on t to \"limited Role\"");
  CHECK(role.refusal({{"t"}}).kind == "passed");
}

TEST_CASE("a partition must be readable by itself, since its rows are read from it") {
  Limited role{
      "create schema parts; create table t (id int primary key) partition by list (id);"
      "create table parts.t_1 partition of t for values in (1)",
      "grant select on t to \"limited Role\""};
  check_refused(role.refusal({{"t"}}), "parts.t_1 (below t) lies in a schema that \"limited Role\" may not use",
                "grant usage on schema parts to \"limited Role\"");
  role.place.database.query("grant usage on schema parts to \"limited Role\"");
  check_refused(role.refusal({{"t"}}), "may not read all of parts.t_1 (below t): id", "grant select (id)");
}

TEST_CASE("row security that applies is refused unless the table is declared with it") {
  Limited role{"create table t (id int primary key); alter table t enable row level security",
               "grant select on t to \"limited Role\""};
  check_refused(role.refusal({{"t"}}), "the policies of public.t apply to \"limited Role\"", "row_security = true");
  CHECK(role.refusal({{"t", true}}).kind == "passed");
  CHECK(role.place.refusal("t").kind == "passed");
}

TEST_CASE("row security of a partition counts for the table above") {
  Limited role{
      "create table t (id int primary key) partition by list (id); create table t_1 partition of t for values in (1);"
      "alter table t_1 enable row level security",
      "grant select on t, t_1 to \"limited Role\""};
  check_refused(role.refusal({{"t"}}), "the policies of public.t_1 (below t)", "row_security = true");
  CHECK(role.refusal({{"t", true}}).kind == "passed");
}

TEST_CASE("track_counts turned off anywhere is refused with the place") {
  Place place{"create table t (id int primary key)"};
  const std::string database = place.database.name();
  auto error = test::failure([&] { examine(place.database.conninfo() + " options='-c track_counts=off'", {{"t"}}); });
  check_refused(error, "this session turns track_counts off", "leave it on");

  place.database.query("create function quiet(int) returns int language sql set track_counts = 'No' as 'select 1'");
  check_refused(place.refusal("t"), "function quiet(integer) turns track_counts off", "leave it on");
  place.database.query("alter function quiet(int) set track_counts = on");
  CHECK(place.refusal("t").kind == "passed");

  place.database.query("alter database " + database + " set track_counts = false");
  auto on = place.database.conninfo() + " options='-c track_counts=on'";
  check_refused(test::failure([&] { examine(on, {{"t"}}); }), "database " + database + " turns", "leave it on");
  place.database.query("alter database " + database + " reset track_counts");
}

TEST_CASE("track_counts that the role turns off in this database is refused, in another one not") {
  Limited role{"create table t (id int primary key)", "grant select on t to \"limited Role\""};
  test::Database other;
  role.place.database.query("alter role \"limited Role\" in database " + other.name() + " set track_counts = off");
  CHECK(role.refusal({{"t"}}).kind == "passed");
  role.place.database.query("alter role \"limited Role\" in database " + role.place.database.name() +
                            " set track_counts = off");
  check_refused(role.refusal({{"t"}}), "this session turns track_counts off", "leave it on");
}

TEST_CASE("the fingerprint changes with everything that is said, and with nothing else") {
  Place place{
      "create table t (id int not null primary key, b int not null, c int) partition by range (id);"
      "create table t_1 partition of t (unique (b)) for values from (0) to (10);"
      "create function f() returns trigger language plpgsql as 'begin return new; end'"};
  std::string before = place.fingerprint();
  auto changes = [&](const std::string& sql) {
    place.database.query(sql);
    std::string now = place.fingerprint();
    return std::exchange(before, now) != now;
  };
  CHECK_FALSE(changes("insert into t values (1, 2, 3); analyze t, t_1"));
  CHECK_FALSE(changes("create table other (id int)"));
  CHECK_FALSE(changes("create index on t (c); grant select on t to public"));
  CHECK(changes("alter table t add column d int"));
  CHECK(changes("alter table t alter column c type bigint"));
  CHECK(changes("alter table t rename column c to e"));
  CHECK(changes("create table t_2 partition of t (unique (b)) for values from (10) to (20)"));
  CHECK(changes("create trigger a before update on t for each row execute function f()"));
  CHECK(changes("alter table t drop constraint t_pkey"));
  CHECK(changes("alter table t detach partition t_2"));
  CHECK(changes("alter table t_1 rename to t_3"));
  CHECK(changes("alter table t drop column d"));
}

TEST_CASE("a large number of partitions is examined within a second") {
  Place place{
      "create table t (id int primary key, a text, b text, c text, d int, e int, f int) partition by list (id);"
      "do $$ begin for i in 1 .. 1000 loop execute format('create table t_%s partition of t for values in (%s)', i, "
      "i); "
      "end loop; end $$"};
  opsh::db::Reader reader{test::target(place.database)};
  std::vector<DeclaredName> names{{"t"}};
  auto began = std::chrono::steady_clock::now();
  CHECK(opsh::journal::examine_tables(reader, names).leaves.size() == 1000);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{1});
}
