#include "backup/inventory.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::backup::Contents;
using opsh::backup::Inventory;
using opsh::db::Reader;
using test::failure;

namespace {

using Names = std::optional<std::vector<std::string>>;
using Options = opsh::backup::InventoryOptions;

opsh::db::Target target_of(const test::Database& database) {
  auto made = test::target(database);
  made.judged = false;
  made.lock_within = opsh::Seconds{0.2};
  return made;
}

Contents contents(const test::Database& database, const Names& tables = {}) {
  Reader reader{target_of(database)};
  return Inventory{reader, Options{tables}}.finish();
}

std::string hash_of(const Contents& contents, const std::string& name) {
  for (const auto& table : contents.tables)
    if (table.name == name) return std::to_string(table.rows) + " " + table.hash;
  return "absent";
}

std::string hash_of(const test::Database& database, const std::string& name = "public.t") {
  return hash_of(contents(database), name);
}

std::string why_not(const Contents& contents, const std::string& name) {
  for (const auto& left : contents.not_compared)
    if (left.name == name) return left.why;
  return "compared";
}

std::int64_t objects(const Contents& contents, const std::string& kind) {
  for (const auto& [name, count] : contents.objects)
    if (name == kind) return count;
  return -1;
}

/// A role of its own, which connects as itself.
struct Guest {
  explicit Guest(const test::Database& database) : name("guest_" + database.name()) {
    database.query("create role " + name + " login");
    conninfo = database.conninfo() + " user=" + name;
  }
  ~Guest() { test::query(test::server().conninfo(), "drop role if exists " + name); }

  opsh::Error refused(const Names& tables = {}) const {
    auto made = test::target(conninfo);
    made.judged = false;
    return failure([&] {
      Reader reader{made};
      Inventory{reader, Options{tables}}.finish();
    });
  }
  std::string name, conninfo;
};

}  // namespace

TEST_CASE("the same rows have the same hash, in whatever order, however they were changed before") {
  test::Database one, other;
  one.query("create table t (a int, b text); insert into t select i, 'x' || i from generate_series(1, 1000) as i");
  other.query(
      "create table t (a int, gone int, b text); "
      "insert into t select i, 0, 'x' || i from generate_series(1001, 2, -1) as i; alter table t drop column gone; "
      "update t set a = 1, b = 'x1' where a = 1001");
  CHECK(hash_of(one) == hash_of(other));
}

TEST_CASE("the order of columns does not matter, their names do") {
  test::Database one, other, third;
  one.query("create table t (a int, b int); insert into t values (1, 2)");
  other.query("create table t (b int, a int); insert into t (a, b) values (1, 2)");
  third.query("create table t (a int, b int); insert into t values (2, 1)");
  CHECK(hash_of(one) == hash_of(other));
  CHECK(hash_of(one) != hash_of(third));
}

TEST_CASE("every change of a row changes the hash") {
  test::Database database;
  database.query("create table t (a int, b text, c numeric, d timestamptz, e bytea)");
  std::vector<std::string> seen{hash_of(database)};
  for (const char* statement :
       {"insert into t values (1, 'x', 1.0, '2026-11-21 12:00:00+00', 'a')", "update t set b = null",
        "update t set b = ''", "update t set b = ' '", "update t set c = 1.00", "update t set d = d + interval '1 us'",
        "update t set e = '\\x00'", "insert into t values (1)", "insert into t values (1)",
        "delete from t where b = ' '"}) {
    INFO(statement);
    database.query(statement);
    seen.push_back(hash_of(database));
    CHECK(std::count(seen.begin(), seen.end(), seen.back()) == 1);
  }
}

TEST_CASE("rows that are twice there do not cancel each other") {
  test::Database one, other;
  one.query("create table t (a int); insert into t values (1), (1), (2), (2)");
  other.query("create table t (a int); insert into t values (3), (3), (4), (4)");
  CHECK(hash_of(one) != hash_of(other));
}

TEST_CASE("a user's cast of a table's type to text is not used") {
  test::Database one, other;
  for (const auto* database : {&one, &other})
    database->query(
        "create table t (a int); create function t_text(t) returns text immutable language sql as $$ select 'same' $$; "
        "create cast (t as text) with function t_text(t) as implicit");
  one.query("insert into t values (1)");
  other.query("insert into t values (2)");
  CHECK(hash_of(one) != hash_of(other));
}

TEST_CASE("settings of the role, and of the target, do not change the hash") {
  test::Database database;
  database.query(
      "create schema app; create table app.named (id int); "
      "create table t (a timestamptz, b interval, c float8, d bytea, e regclass, f money); "
      "insert into t values ('2026-11-21 12:00:00+00', '1 day 2 hours', 0.1 + 0.2, '\\x00ff', 'app.named', 12.5)");
  const std::string before = hash_of(database);
  database.query(
      "do $$ begin execute format('alter database %I set search_path = app, public', current_database()); "
      "execute format('alter database %I set datestyle = german', current_database()); "
      "execute format('alter database %I set extra_float_digits = -10', current_database()); end $$");
  auto made = target_of(database);
  made.time_zone = "Asia/Tokyo";
  Reader reader{made};
  CHECK(hash_of(Inventory{reader}.finish(), "public.t") == before);
}

TEST_CASE("tables of all shapes are compared, each where its rows are") {
  test::Database database;
  database.query(
      "create schema \"Odd\"\"Name\"; create table \"Odd\"\"Name\".\"a.b\" (\"x y\" int); create table bare (); "
      "insert into bare default values; "
      "create table part (id int) partition by range (id); create table part_1 partition of part for values from (0) "
      "to "
      "(10); create table part_2 partition of part for values from (10) to (20); insert into part values (1), (11); "
      "create table parent (id int); create table child () inherits (parent); insert into parent values (1); "
      "insert into child values (2), (3); create unlogged table u (id int); insert into u values (1); "
      "create temporary table temp (id int)");
  auto found = contents(database);
  std::vector<std::string> names;
  for (const auto& table : found.tables) names.push_back(table.name + " " + std::to_string(table.rows));
  CHECK(names == std::vector<std::string>{"\"Odd\"\"Name\".\"a.b\" 0", "public.bare 1", "public.child 2",
                                          "public.parent 1", "public.part_1 1", "public.part_2 1", "public.u 1"});
}

TEST_CASE("names are those of the server's own quoting") {
  test::Database database;
  database.query("create table cache (id int); create table \"user\" (id int); create table \"Odd\" (id int)");
  std::vector<std::string> names;
  for (const auto& table : contents(database).tables) names.push_back(table.name);
  CHECK(names == std::vector<std::string>{"public.\"Odd\"", "public.cache", "public.\"user\""});
}

TEST_CASE("what is not compared is named with the reason") {
  test::Database database;
  database.query(
      "create table t (id int); create materialized view mv as select * from t; create extension postgres_fdw; "
      "create server s foreign data wrapper postgres_fdw; create foreign table f (id int) server s; "
      "create table member (id int); alter extension postgres_fdw add table member");
  auto found = contents(database);
  CHECK(why_not(found, "public.mv") == "materialized view: a restore makes it anew");
  CHECK(why_not(found, "public.f") == "foreign table: its rows are on another server");
  CHECK(why_not(found, "public.member") == "belongs to extension postgres_fdw");
  CHECK(why_not(found, "public.t") == "compared");
}

TEST_CASE("only the named tables, what is below them and their sequences are looked at") {
  test::Database database;
  database.query(
      "create table a (id serial); create table b (id int generated always as identity); create sequence s; "
      "create table part (id int) partition by range (id); create table part_1 partition of part default");
  Reader reader{target_of(database)};
  Inventory inventory{reader, Options{Names{{"a", "PUBLIC.part"}}}};
  CHECK(inventory.chosen() == std::vector<std::string>{"public.part", "public.a", "public.part_1"});
  auto found = inventory.finish();
  CHECK(found.tables.size() == 2);
  REQUIRE(found.sequences.size() == 1);
  CHECK(found.sequences[0].name == "public.a_id_seq");
  CHECK(found.objects.empty());
  CHECK_FALSE(found.large_objects);
}

TEST_CASE("a name that is no table is refused") {
  test::Database database;
  database.query("create view v as select 1; create table t (id int)");
  for (auto [name, message] :
       {std::pair{"nosuch", "there is no table nosuch"}, std::pair{"v", "v is a view, which has no rows of its own"},
        std::pair{"pg_class", "there is no table pg_class"}}) {
    auto error = failure([&] { contents(database, Names{{"t", name}}); });
    CHECK(error.kind == "usage.table");
    CHECK(error.message == message);
  }
}

TEST_CASE("a sequence that moves meanwhile has both values") {
  test::Database database;
  database.query("create sequence s; create sequence still start 7; select nextval('s')");
  Reader reader{target_of(database)};
  Inventory inventory{reader};
  database.query("select nextval('s')");
  auto found = inventory.finish();
  REQUIRE(found.sequences.size() == 2);
  CHECK(found.sequences[0].before.last_value == "1");
  REQUIRE(found.sequences[0].after);
  CHECK(found.sequences[0].after->last_value == "2");
  CHECK(found.sequences[1].before.last_value == "7");
  CHECK_FALSE(found.sequences[1].before.is_called);
  CHECK_FALSE(found.sequences[1].after);
}

TEST_CASE("large objects are hashed with their numbers and every byte") {
  test::Database database;
  auto hash = [&] {
    auto found = contents(database).large_objects;
    return std::to_string(found->count) + " " + found->hash;
  };
  CHECK(hash() == "0 0");
  database.query("select lo_from_bytea(4711, decode(repeat('ab', 1048576), 'hex'))");
  const std::string one = hash();
  CHECK(one.substr(0, 2) == "1 ");
  database.query("select lo_put(4711, 1048576, '\\x01')");
  const std::string longer = hash();
  CHECK(longer != one);
  database.query("select lo_put(4711, 1048576, '\\x02')");
  CHECK(hash() != longer);
  database.query("select lo_unlink(4711); select lo_from_bytea(4712, decode(repeat('ab', 1048576), 'hex'))");
  CHECK(hash() != one);
}

TEST_CASE("objects are counted without those of extensions and of opsh") {
  test::Database database;
  database.query(
      "create table t (id int primary key, n int check (n > 0)); create index on t (n); create view v as select 1; "
      "create type mood as enum ('a'); create function f() returns int language sql as 'select 1'; "
      "create extension pg_trgm; create schema opsh; create table opsh.run (id int primary key)");
  auto found = contents(database);
  CHECK(objects(found, "tables") == 1);
  CHECK(objects(found, "indexes") == 2);
  CHECK(objects(found, "constraints") == 2);
  CHECK(objects(found, "views") == 1);
  CHECK(objects(found, "types") == 1);
  CHECK(objects(found, "functions") == 1);
  CHECK(objects(found, "extensions") == 1);
  CHECK(objects(found, "schemas") == 0);
}

TEST_CASE("roles that own, are granted something, or stand in a policy are named") {
  test::Database database;
  Guest guest{database};
  database.query("create table t (id int); create policy p on t to " + guest.name + " using (true)");
  auto roles = contents(database).roles;
  CHECK(roles == std::vector<std::string>{guest.name, "opsh"});
  database.query("drop table t");
}

TEST_CASE("tables that the role may not read are named, and it is not a smaller backup") {
  test::Database database;
  Guest guest{database};
  database.query("create table a (id int); create table b (id int); create sequence s; grant select on a to " +
                 guest.name);
  auto error = guest.refused();
  CHECK(error.kind == "permission.tables");
  CHECK(error.message == "role " + guest.name + " may not read public.b, public.s");
  CHECK(guest.refused(Names{{"a"}}).kind == "passed");
  database.query("revoke all on a from " + guest.name);
}

TEST_CASE("row security is an error, never a filter") {
  test::Database database;
  Guest guest{database};
  database.query(
      "create table t (id int); insert into t values (1), (2); alter table t enable row level security; "
      "create policy p on t using (id = 1); grant select on t to " +
      guest.name);
  auto error = guest.refused();
  CHECK(error.kind == "permission.row_security");
  CHECK(error.message == "row security hides rows of public.t from role " + guest.name);
  database.query("drop table t");
}

TEST_CASE("a table that somebody is changing is named, not waited for without end") {
  test::Database database;
  database.query("create table t (id int)");
  Reader holder{target_of(database)};
  holder.query(opsh::sql::ReadSql{opsh::sql::HostSql{"lock table t in access exclusive mode"}});
  auto error = failure([&] { contents(database); });
  CHECK(error.kind == "backup.locked");
  CHECK(error.message == "public.t is locked by another session that changes its definition");
}

TEST_CASE("a table that was changed right after the snapshot is named") {
  test::Database database;
  database.query("create table t (id int, n int)");
  Reader reader{target_of(database)};
  database.query("alter table t drop column n");
  auto error = failure([&] { Inventory{reader}.finish(); });
  CHECK(error.kind == "backup.locked");
  CHECK(error.message == "public.t was changed while opsh looked at it");
}

TEST_CASE("nobody truncates a table between the inventory and the end of its session") {
  test::Database database;
  database.query("create table t (id int); insert into t values (1)");
  Reader reader{target_of(database)};
  Inventory inventory{reader};
  CHECK_THROWS_WITH(database.query("set lock_timeout = '100ms'; truncate t"), test::ContainsSubstring("lock timeout"));
  CHECK(hash_of(inventory.finish(), "public.t").substr(0, 2) == "1 ");
}

TEST_CASE("a table that takes longer than the statement timeout is named") {
  test::Database database;
  database.query("create table t as select i from generate_series(1, 2000000) as i");
  auto made = target_of(database);
  made.statement_within = opsh::Seconds{0.05};
  auto error = failure([&] {
    Reader reader{made};
    Inventory{reader}.finish();
  });
  CHECK(error.kind == "backup.timeout");
  CHECK(error.message.find("public.t could not be read") == 0);
}
