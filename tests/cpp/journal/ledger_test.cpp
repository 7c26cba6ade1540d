#include "journal/ledger.hpp"

#include <fmt/format.h>

#include <thread>

#include "cpp/journal/fixture.hpp"
#include "journal/batch.hpp"
#include "journal/schema.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"

using opsh::Seconds;
using opsh::journal::Batch;
using opsh::journal::Ledger;
using test::failure;

namespace {

std::string state_of(const test::Database& database) {
  return database.value("select concat_ws(' ', state, epoch, message, finished_at is not null) from opsh.run");
}

}  // namespace

TEST_CASE("the schema is made once, however often it is installed") {
  test::Database database;
  Ledger ledger{test::target(database)};
  CHECK(ledger.installed_version() == 0);
  ledger.install("0.1.0");
  ledger.install("0.2.0");
  CHECK(ledger.installed_version() == opsh::journal::schema_version);
  CHECK(database.value("select string_agg(installed_by, ' ') from opsh.version") == "0.1.0");
}

TEST_CASE("two that install the schema at once both find it") {
  for (int round = 0; round < 5; ++round) {
    test::Database database;
    Ledger one{test::target(database)};
    Ledger other{test::target(database)};
    opsh::Error first{"none", ""}, second{"none", ""};
    std::thread thread{[&] { first = failure([&] { one.install("0.1.0"); }); }};
    second = failure([&] { other.install("0.1.0"); });
    thread.join();
    CHECK(first.kind == "passed");
    CHECK(second.kind == "passed");
    CHECK(database.value("select count(*) from opsh.version") == "1");
  }
}

TEST_CASE("a schema that a newer opsh made is refused") {
  test::Database database;
  Ledger ledger{test::target(database)};
  ledger.install("0.1.0");
  database.query("insert into opsh.version values (7, '9.0')");
  CHECK(ledger.installed_version() == 7);
  auto error = failure([&] { ledger.install("0.1.0"); });
  CHECK(error.kind == "ledger.version");
  CHECK(error.message.find('7') != std::string::npos);
}

TEST_CASE("a run records who, what and the session that works on it") {
  test::Run run;
  CHECK(run.claim.epoch == 1);
  auto row = run.database.query(
      "select id, runbook, operator, state, backend_pid, (select backend_start from pg_stat_activity as a where a.pid "
      "= backend_pid) = backend_start from opsh.run")[0];
  CHECK(row[0] == "r1");
  CHECK(row[2] == "anna@desk");
  CHECK(row[3] == "running");
  CHECK(row[4] == std::to_string(run.ledger.writer().backend().pid));
  CHECK(row[5] == "t");
}

TEST_CASE("a step that is recorded already keeps what it has") {
  test::Run run;
  run.ledger.record_step(run.claim, {1, "another", "{\"items\": 5}"}, test::audited(3));
  CHECK(run.database.value("select name || planned from opsh.step") == "step{}");
  run.ledger.finish_step(run.claim, 1, test::audited(3));
  CHECK(run.database.value("select done_at is not null from opsh.step") == "t");
}

TEST_CASE("a run's state says why and whether it is over") {
  test::Run run;
  run.ledger.set_state(run.claim, "stopped", "the operator's wish", false, test::audited(3));
  CHECK(state_of(run.database) == "stopped 1 the operator's wish f");
  run.ledger.set_state(run.claim, "done", "", true, test::audited(3));
  CHECK(state_of(run.database) == "done 1 t");
}

TEST_CASE("whoever takes a run over fences out the one before") {
  test::Run run{"create table t (id int)"};
  // Another session of the same opsh: the claim's own session would be ended.
  Ledger former{test::target(run.database)};
  Ledger later{test::target(run.database)};
  auto claim = later.claim("r1", Seconds{0}, test::audited(9));
  CHECK(claim.epoch == 2);
  CHECK(failure([&] { Batch{former, run.claim, {}}; }).kind == "run.taken_over");
  CHECK(failure([&] { former.set_state(run.claim, "done", "", true, test::audited(3)); }).kind == "run.taken_over");
  CHECK(failure([&] { former.record_step(run.claim, {2, "x", "{}"}, test::audited(3)); }).kind == "run.taken_over");
  CHECK(failure([&] { former.finish_step(run.claim, 1, test::audited(3)); }).kind == "run.taken_over");
  CHECK(state_of(run.database) == "running 2 f");
  // The fence lets go of the session: it can begin again.
  CHECK_FALSE(former.writer().in_transaction());
  Batch batch{later, claim, {}};
}

TEST_CASE("a run that is not there cannot be claimed or worked on") {
  test::Run run;
  CHECK(failure([&] { run.ledger.claim("r2", Seconds{0}, test::audited(9)); }).kind == "run.unknown");
  CHECK(failure([&] { Batch{run.ledger, {"r2", 1}, {}}; }).kind == "run.unknown");
}

TEST_CASE("claiming a run ends the session that held it idle in a transaction") {
  test::Run run{"create table t (id int)"};
  Batch batch{run.ledger, run.claim, {nullptr, {run.oid("t")}}};
  batch.execute(test::write("insert into t values (1)"), {});
  Ledger later{test::target(run.database)};
  auto claim = later.claim("r1", Seconds{0.1}, test::audited(9));
  CHECK(claim.epoch == 2);
  CHECK(failure([&] { batch.execute(test::write("insert into t values (2)"), {}); }).kind == "connection.lost");
  CHECK(run.database.value("select count(*) from t") == "0");
  CHECK(run.database.value("select backend_pid from opsh.run") == std::to_string(later.writer().backend().pid));
}

TEST_CASE("claiming a run waits for a session that ends by itself") {
  test::Database database;
  auto former = std::make_unique<Ledger>(test::target(database));
  former->install("0.1.0");
  former->start(test::run_record(), test::audited(1));
  std::thread ending{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    former.reset();
  }};
  Ledger later{test::target(database)};
  CHECK(later.claim("r1", Seconds{20}, test::audited(9)).epoch == 2);
  ending.join();
}

TEST_CASE("a session with the recorded pid but another start is not ended") {
  test::Run run;
  test::Peer peer{run.database.conninfo()};
  run.database.query(fmt::format("update opsh.run set backend_pid = {}, backend_start = '2020-01-01'", peer.pid()));
  Ledger later{test::target(run.database)};
  CHECK(later.claim("r1", Seconds{0}, test::audited(9)).epoch == 2);
  CHECK(peer.run("select 1")[0][0] == "1");
}

TEST_CASE("a token is committed exactly when its batch is") {
  test::Run run{"create table t (id int)"};
  std::string kept, dropped;
  {
    Batch batch{run.ledger, run.claim, {}};
    kept = batch.token();
    batch.record(run.place(), 1, {}, "{}");
    CHECK(batch.commit() == opsh::journal::Outcome::committed);
  }
  {
    Batch batch{run.ledger, run.claim, {}};
    dropped = batch.token();
    batch.record(run.place(2), 1, {}, "{}");
  }
  CHECK(kept != dropped);
  CHECK(run.ledger.committed("r1", kept));
  CHECK_FALSE(run.ledger.committed("r1", dropped));
}

TEST_CASE("whether a token is committed is not answered before the transaction at the fence is over") {
  test::Run run;
  Ledger other{test::target(run.database)};
  for (bool commits : {true, false}) {
    Batch batch{run.ledger, run.claim, {}};
    batch.record(run.place(commits ? 1 : 2), 1, {}, "{}");
    bool answer = !commits;
    std::atomic<bool> answered = false;
    std::jthread asking{[&] {
      answer = other.committed("r1", batch.token());
      answered = true;
    }};
    bool waits = test::eventually([&] {
      return run.database.value(
                 fmt::format("select coalesce(wait_event_type = 'Lock', false) from pg_stat_activity where pid = {}",
                             other.writer().backend().pid)) == "t";
    });
    CHECK(waits);
    CHECK_FALSE(answered);
    if (commits)
      batch.commit();
    else
      batch.rollback();
    asking.join();
    CHECK(answer == commits);
  }
}
