#include <fmt/format.h>

#include "cpp/journal/fixture.hpp"
#include "journal/batch.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using opsh::journal::Batch;
using opsh::journal::Outcome;
using test::failure;
using test::write;

namespace {

constexpr const char* family =
    "create table parent (id int primary key);"
    "create table child (id int, parent int references parent deferrable initially deferred)";

void insert_child(Batch& batch, int id, int parent) {
  batch.execute(write("insert into child values ($1, $2)"), {{std::to_string(id), 0}, {std::to_string(parent), 0}});
}

}  // namespace

TEST_CASE("a deferred constraint fails at record and nothing stays") {
  test::Run run{family};
  {
    Batch batch{run.ledger, run.claim, {nullptr, {run.oid("child")}}};
    insert_child(batch, 1, 99);
    CHECK(failure([&] { batch.record(run.place(), 1, {}, "{}"); }).kind == "constraint.foreign_key");
    CHECK(failure([&] { batch.commit(); }).kind == "internal");
  }
  CHECK(run.batches() == "0");
  CHECK(run.database.value("select count(*) from child") == "0");
}

TEST_CASE("a deferred constraint that is satisfied in the end lets the batch pass") {
  test::Run run{family};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("child"), run.oid("parent")}}};
  insert_child(batch, 1, 99);
  batch.execute(write("insert into parent values (99)"), {});
  batch.record(run.place(), 1, {}, "{}");
  CHECK(batch.commit() == Outcome::committed);
}

TEST_CASE("a deferred trigger writes before the ledger's row is written") {
  test::Run run{
      "create table t (id int); create table seen (batches int);"
      "create function note() returns trigger language plpgsql as "
      "$$ begin insert into seen select count(*) from opsh.batch; return null; end $$;"
      "create constraint trigger note after insert on t deferrable initially deferred "
      "for each row execute function note()"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  batch.execute(write("insert into t values (1)"), {});
  batch.record(run.place(), 1, {}, "{}");
  CHECK(batch.writer().query(test::read("select batches from seen")).field(0, 0) == "0");
  CHECK(batch.commit() == Outcome::committed);
  CHECK(run.database.value("select count(*) from seen") == "1");
}

TEST_CASE("checking after each item tells which one a deferred constraint refuses") {
  test::Run run{family};
  run.database.query("insert into parent values (1), (2)");
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("child")}}};
  std::vector<int> failing;
  for (int parent : {1, 99, 2, 98}) {
    batch.savepoint();
    auto error = failure([&] {
      insert_child(batch, parent, parent);
      batch.check_deferred();
    });
    if (error.kind == "passed") {
      batch.writer().release_savepoint();
    } else {
      CHECK(error.kind == "constraint.foreign_key");
      failing.push_back(parent);
      batch.rollback_to_savepoint();
    }
  }
  CHECK(failing == std::vector<int>{99, 98});
}

TEST_CASE("after a check exactly the constraints that are initially deferred are deferred again") {
  test::Run run{
      "create table parent (id int primary key);"
      "create schema app;"
      "create table app.\"Late\" (parent int constraint \"Odd fk\" references parent deferrable initially deferred);"
      "create table late (parent int references parent deferrable initially deferred);"
      "create table prompt (parent int references parent deferrable initially immediate)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("late"), run.oid("app.\"Late\""), run.oid("prompt")}}};
  batch.check_deferred();
  CHECK(failure([&] { batch.execute(write("insert into late values (9)"), {}); }).kind == "passed");
  CHECK(failure([&] { batch.execute(write("insert into app.\"Late\" values (9)"), {}); }).kind == "passed");
  CHECK(failure([&] { batch.execute(write("insert into prompt values (9)"), {}); }).kind == "constraint.foreign_key");
}

TEST_CASE("a constraint that shares its name with one that cannot be deferred does not stop the check") {
  test::Run run{
      "create table parent (id int primary key);"
      "create table one (parent int constraint fk references parent deferrable initially deferred);"
      "create table two (parent int constraint fk references parent);"
      "create table three (parent int references parent deferrable initially deferred)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("three")}}};
  CHECK(failure([&] { batch.check_deferred(); }).kind == "passed");
  CHECK(failure([&] { batch.execute(write("insert into three values (9)"), {}); }).kind == "passed");
  CHECK(failure([&] { batch.check_deferred(); }).kind == "constraint.foreign_key");
}

TEST_CASE("a database without deferred constraints can be checked") {
  test::Run run{"create table t (id int)"};
  // The ledger's own is one.
  run.database.query("alter table opsh.left_out alter constraint left_out_run_step_batch_fkey not deferrable");
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  CHECK(failure([&] { batch.check_deferred(); }).kind == "passed");
}
