// What the journal does not take, and what it says then.
#include "cpp/journal/examined.hpp"
#include "cpp/journal/fixture.hpp"
#include "support/peer.hpp"

using opsh::journal::DeclaredName;
using test::check_refused;
using test::examine;
using test::Examined;
using test::holds;

TEST_CASE("a name that is no table, or none that is there, is told so") {
  Examined place{"create table t (id int primary key)"};
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
  Examined place{
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
  Examined place{
      "create unlogged table u (id int primary key); create table p (id int primary key) partition by list (id);"
      "create unlogged table p_1 partition of p for values in (1)"};
  check_refused(place.refusal("u"), "public.u is unlogged", "alter table public.u set logged");
  check_refused(place.refusal("p"), "public.p_1 (below p) is unlogged", "alter table public.p_1 set logged");
}

TEST_CASE("a table with a DO INSTEAD rule is refused, one with an ALSO rule or a disabled one is not") {
  Examined place{
      "create table t (id int primary key); create table log (id int);"
      "create rule also as on insert to t do also insert into log values (new.id)"};
  CHECK(place.refusal("t").kind == "passed");
  place.database.query("create rule \"No\" as on delete to t do instead nothing");
  check_refused(place.refusal("t"), "public.t has the rule \"No\"", "journal = false");
  place.database.query("alter table t disable rule \"No\"");
  CHECK(place.refusal("t").kind == "passed");
}

TEST_CASE("temporary tables are not seen, neither by their name nor below a table") {
  Examined place{"create table t (id int primary key)"};
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

  Examined place;
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
  Examined place{"create table t (id int primary key)"};
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
