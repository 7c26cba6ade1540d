#include <thread>

#include "cpp/journal/journaled.hpp"

using opsh::Seconds;
using test::audited;
using test::failure;
using test::Journaled;

namespace {

/// A run that is done, with two rows in its journal.
struct Done : Journaled {
  Done() : Journaled("create table t (id int primary key, n int); insert into t values (1, 0), (2, 0)", {{"t"}}) {
    commit({"update t set n = 1"});
    ledger.set_state(claim, "done", "", true, audited(3));
  }

  opsh::journal::RunRecord undo() const {
    auto record = test::run_record("undo");
    record.undo_of = "r1";
    return record;
  }
  std::string left() const { return database.value("select count(*) from opsh.change"); }
};

}  // namespace

TEST_CASE("pruning a run drops its journal and says when, and keeps the rest of the ledger") {
  Done run;
  CHECK(run.ledger.prune("r1", Seconds{0}, audited(4)) == 2);
  CHECK(run.left() == "0");
  CHECK(run.database.value("select pruned_at >= finished_at from opsh.run") == "t");
  CHECK(run.database.value("select entries from opsh.audit") == "4");
  CHECK(run.batches() == "1");
}

TEST_CASE("pruning refuses a run that is not finished for so long, goes on, or is pruned") {
  Done run;
  CHECK(failure([&] { run.ledger.prune("r1", Seconds{60}, audited(4)); }).kind == "run.busy");
  run.database.query("update opsh.run set state = 'running', finished_at = null");
  CHECK(failure([&] { run.ledger.prune("r1", Seconds{0}, audited(4)); }).kind == "run.busy");
  CHECK(failure([&] { run.ledger.prune("other", Seconds{0}, audited(4)); }).kind == "run.unknown");
  CHECK(run.left() == "2");
  CHECK(run.database.value("select entries from opsh.audit") == "3");
  run.database.query("update opsh.run set state = 'done', finished_at = now()");
  run.ledger.prune("r1", Seconds{0}, audited(4));
  CHECK(failure([&] { run.ledger.prune("r1", Seconds{0}, audited(5)); }).kind == "run.busy");
}

TEST_CASE("an undo that began in the meantime keeps its original's journal") {
  Done run;
  opsh::journal::Ledger other{test::target(run.database)};
  auto claim = other.start(run.undo(), audited(1));
  CHECK(failure([&] { run.ledger.prune("r1", Seconds{0}, audited(4)); }).kind == "run.busy");
  CHECK(run.left() == "2");
  other.set_state(claim, "done", "", true, audited(2));
  CHECK(run.ledger.prune("r1", Seconds{0}, audited(4)) == 2);
}

TEST_CASE("an undo cannot begin once the journal is dropped, whatever it had read before") {
  Done run;
  run.ledger.prune("r1", Seconds{0}, audited(4));
  CHECK(failure([&] { run.ledger.start(run.undo(), audited(1)); }).kind == "run.busy");
  CHECK(run.database.value("select count(*) from opsh.run") == "1");
}

TEST_CASE("pruning waits for who holds the run's row, and goes by what is there then") {
  Done run;
  // An undo on its way holds the row until its COMMIT.
  std::thread undo{[&] {
    run.database.query(
        "begin; insert into opsh.run (id, runbook, title, sources, params, target, operator, version, state, "
        "backend_pid, backend_start) select 'u', runbook, title, sources, params, target, operator, version, "
        "'running', "
        "1, now() from opsh.run; update opsh.run set undone_by = 'u' where id = 'r1'; select pg_sleep(0.4); commit");
  }};
  while (run.database.value("select count(*) from pg_stat_activity where query like 'begin; insert into opsh.run%' "
                            "and wait_event = 'PgSleep'") != "1")
    std::this_thread::yield();
  CHECK(failure([&] { run.ledger.prune("r1", Seconds{0}, audited(4)); }).kind == "run.busy");
  undo.join();
  CHECK(run.left() == "2");
}
