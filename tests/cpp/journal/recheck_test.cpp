#include <fmt/format.h>

#include <thread>

#include "cpp/journal/fixture.hpp"
#include "db/reader.hpp"
#include "db/relation.hpp"
#include "journal/batch.hpp"
#include "plan/items.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"

using opsh::db::Parameters;
using opsh::journal::Batch;
using opsh::plan::Items;
using test::failure;

namespace {

/// The items that a query gives, with the types that the server says.
Items items_of(const test::Database& database, const std::string& sql, std::size_t keys) {
  opsh::db::Reader reader{test::target(database)};
  auto rows = reader.query(test::read(sql));
  std::vector<opsh::plan::Column> columns;
  std::vector<std::size_t> key;
  for (int at = 0; at < rows.columns(); ++at) {
    const auto& type = reader.connection().type(rows.type(at));
    columns.push_back({std::string{rows.name(at)}, type.oid, type.array, type.name});
    if (key.size() < keys) key.push_back(static_cast<std::size_t>(at));
  }
  Items items{columns, key};
  for (int row = 0; row < rows.rows(); ++row) {
    std::vector<opsh::plan::Field> fields;
    for (int at = 0; at < rows.columns(); ++at) fields.push_back(rows.field(row, at));
    items.append(fields);
  }
  return items;
}

/// As the host makes it: `:items` in the author's recheck is the items as a relation.
opsh::sql::WriteSql recheck_sql(const std::string& author, const Items& items, Parameters& parameters) {
  auto found = opsh::sql::parse_template(author);
  return opsh::sql::gate_write(found.render(
      std::vector<std::string>(found.placeholders().size(), opsh::db::relation(items.relation(), parameters))));
}

std::vector<std::size_t> recheck(Batch& batch, const std::string& author, const Items& items) {
  Parameters parameters;
  auto sql = recheck_sql(author, items, parameters);
  return batch.recheck(sql, parameters, items);
}

using Rows = std::vector<std::size_t>;

}  // namespace

TEST_CASE("an item that no longer qualifies is left out") {
  test::Run run{
      "create table t (id int primary key, open bool); insert into t select i, true from generate_series(1, 5) i"};
  auto items = items_of(run.database, "select id, open from t order by id", 1);
  run.database.query("update t set open = false where id = 2; delete from t where id = 4");
  Batch batch{run.ledger, run.claim, {}};
  CHECK(recheck(batch,
                "select t.id from t join :items as i on i.id = t.id where t.open order by t.id for no key update of t; "
                "-- locks",
                items) == Rows{0, 2, 4});
}

TEST_CASE("an item that another session changes while we wait for its lock is left out") {
  test::Run run{
      "create table t (id int primary key, open bool); insert into t select i, true from generate_series(1, 3) i"};
  auto items = items_of(run.database, "select id, open from t order by id", 1);
  test::Peer peer{run.database.conninfo()};
  // The plan's rows join a second table: EvalPlanQual looks again only at the row that was waited for.
  run.database.query("create table public.closed (id int)");
  peer.run("begin; update t set open = true where id = 2; insert into public.closed values (2)");
  Batch batch{run.ledger, run.claim, {}};
  int pid = batch.writer().backend().pid;
  std::jthread other{[&] {
    test::eventually([&] {
      return run.database.value(fmt::format(
                 "select coalesce(wait_event_type = 'Lock', false) from pg_stat_activity where pid = {}", pid)) == "t";
    });
    peer.run("commit");
  }};
  auto rows = recheck(batch,
                      "select t.id from t join :items as i on i.id = t.id "
                      "where t.open and not exists (select from closed as c where c.id = t.id) "
                      "order by t.id for no key update of t",
                      items);
  other.join();
  CHECK(rows == Rows{0, 2});
}

TEST_CASE("what recheck has locked nobody else can change before the batch ends") {
  test::Run run{"create table t (id int primary key); insert into t values (1)"};
  auto items = items_of(run.database, "select id from t", 1);
  Batch batch{run.ledger, run.claim, {}};
  recheck(batch, "select id from t for no key update", items);
  CHECK_THROWS(run.database.query("set lock_timeout = '50ms'; update t set id = 2"));
}

TEST_CASE("numeric keys are the same item whatever their zeros") {
  test::Run run{"create table t (id numeric); insert into t values (1.00), (2.50), (3)"};
  auto items = items_of(run.database, "select * from (values (1.0), (2.5), (3.000), (4)) as v(id)", 1);
  Batch batch{run.ledger, run.claim, {}};
  CHECK(recheck(batch, "select id from t for update", items) == Rows{0, 1, 2});
}

TEST_CASE("text, time and composite keys are compared by the server") {
  test::Run run{
      "create table t (code text, at timestamptz, n bigint);"
      "insert into t values ('a\"b', '2026-03-29 01:30:00.123456+00', 9007199254740993), "
      "('c,d\\', '2026-03-29 01:30:00+00', 1), ('', 'infinity', 2), ('NULL', '-infinity', 3)"};
  auto items = items_of(run.database, "select code, at, n from t order by n desc", 3);
  run.database.query("update t set at = at + interval '1 microsecond' where n = 1");
  Batch batch{run.ledger, run.claim, {}};
  CHECK(recheck(batch, "select n, at, code from t for update", items) == Rows{0, 1, 2});
}

TEST_CASE("a recheck that does not return the key is refused") {
  test::Run run{"create table t (id int, part int); insert into t values (1, 1)"};
  auto items = items_of(run.database, "select id, part from t", 2);
  Batch batch{run.ledger, run.claim, {}};
  auto error = failure([&] { recheck(batch, "select id from t for update", items); });
  CHECK(error.kind == "recheck.key");
  CHECK(error.message.find("part") != std::string::npos);
}

TEST_CASE("a recheck that changes rows is refused before it does") {
  test::Run run{"create table t (id int); insert into t values (1)"};
  auto items = items_of(run.database, "select id from t", 1);
  Batch batch{run.ledger, run.claim, {}};
  CHECK(failure([&] { recheck(batch, "update t set id = 2 returning id", items); }).kind == "recheck.writes");
}

TEST_CASE("every row that a recheck finds is locked, also those that no item needs") {
  test::Run run{"create table t (id int, part int primary key); insert into t values (1, 1), (1, 2), (1, 3)"};
  auto items = items_of(run.database, "select 1 as id", 1);
  Batch batch{run.ledger, run.claim, {}};
  CHECK(recheck(batch, "select id from t for update", items) == Rows{0});
  for (const char* part : {"1", "2", "3"})
    CHECK_THROWS(
        run.database.query("set lock_timeout = '50ms'; update t set id = 5 where part = " + std::string{part}));
}

TEST_CASE("an error in a recheck shows the author's place") {
  test::Run run{"create table t (id int)"};
  auto items = items_of(run.database, "select 1 as id", 1);
  Batch batch{run.ledger, run.claim, {}};
  CHECK(failure([&] { recheck(batch, "select idd from t for update", items); }).excerpt ==
        "line 1: select idd from t for update\n               ^");
}

TEST_CASE("a recheck with parameters of its own keeps them apart from the keys") {
  test::Run run{"create table t (id int, kind text); insert into t values (1, 'a'), (2, 'b'), (3, 'a')"};
  auto items = items_of(run.database, "select id from t order by id", 1);
  Batch batch{run.ledger, run.claim, {}};
  CHECK(batch.recheck(test::write("select id from t where kind = $1 for update"), {{"a", 0}}, items) == Rows{0, 2});
}
