// How far a run's audit log is: written with what an entry announces.

#include "cpp/journal/fixture.hpp"
#include "journal/ledger.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using opsh::Seconds;
using opsh::journal::Ledger;
using test::audited;
using test::failure;

namespace {

std::string head_of(const test::Database& database) {
  return database.value("select entries || ': ' || sha256 from opsh.audit where run = 'r1'");
}

}  // namespace

TEST_CASE("each change of a run's standing takes the head of its audit log with it") {
  test::Run run;
  CHECK(head_of(run.database) == "2: sha256 of entry 2");
  run.ledger.finish_step(run.claim, 1, audited(4));
  CHECK(head_of(run.database) == "4: sha256 of entry 4");
  run.ledger.set_state(run.claim, "stopped", "", true, audited(5));
  CHECK(head_of(run.database) == "5: sha256 of entry 5");
  run.ledger.claim("r1", Seconds{0}, audited(6));
  CHECK(head_of(run.database) == "6: sha256 of entry 6");
}

TEST_CASE("what is rolled back leaves the head as it was") {
  test::Run run;
  Ledger later{test::target(run.database)};
  later.claim("r1", Seconds{0}, audited(3));
  Ledger former{test::target(run.database)};
  CHECK(failure([&] { former.finish_step(run.claim, 1, audited(9)); }).kind == "run.taken_over");
  CHECK(head_of(run.database) == "3: sha256 of entry 3");
}

TEST_CASE("a head never goes back") {
  test::Run run;
  run.ledger.finish_step(run.claim, 1, audited(4));
  run.ledger.set_state(run.claim, "stopped", "", true, audited(3));
  CHECK(head_of(run.database) == "4: sha256 of entry 4");
}

TEST_CASE("of two that open a run's audit log at the same entry only one takes the run over") {
  test::Run run;
  Ledger one{test::target(run.database)};
  Ledger other{test::target(run.database)};
  auto claim = one.claim("r1", Seconds{0}, audited(3));
  CHECK(failure([&] { other.claim("r1", Seconds{0}, audited(3)); }).kind == "run.busy");
  CHECK(run.database.value("select epoch from opsh.run") == std::to_string(claim.epoch));
  CHECK(head_of(run.database) == "3: sha256 of entry 3");
}

TEST_CASE("a run keeps the reason that was given for it") {
  test::Run run;
  CHECK(run.database.value("select reason is null from opsh.run") == "t");
  auto record = test::run_record("r2");
  record.reason = "ticket 17";
  run.ledger.start(record, audited(1));
  CHECK(run.database.value("select reason from opsh.run where id = 'r2'") == "ticket 17");
}

TEST_CASE("what effects did is recorded with their step or batch, and with the head") {
  test::Run run;
  run.ledger.record_effects(run.claim, 1, 0, R"({"state":"done"})", audited(4));
  CHECK(run.database.value("select effects ->> 'state' from opsh.step where number = 1") == "done");
  CHECK(head_of(run.database) == "4: sha256 of entry 4");
  run.ledger.claim("r1", Seconds{0}, audited(5));
  auto error = failure([&] { run.ledger.record_effects(run.claim, 1, 0, "{}", audited(6)); });
  CHECK(error.kind == "run.taken_over");
  CHECK(run.database.value("select effects ->> 'state' from opsh.step where number = 1") == "done");
}
