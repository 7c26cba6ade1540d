// Other sessions are in the way: deadlocks, locks that do not come, serialization failures. The batch is tried again,
// all of it or nothing. The control goes on after the error, to a COMMIT that the server answers with ROLLBACK.

#include <thread>

#include "faults/applier.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"

namespace {

using namespace faults;

constexpr int rows = 200, batch = 20;
// Rows of the third batch.
constexpr const char* early_row = "select from counters where id = 41 for update";
constexpr const char* late_row = "select from counters where id = 60 for update";

void wait_for_its_wait(const Applier& applier) {
  REQUIRE(test::eventually([&] {
    return applier.workshop.number("select count(*) from " + applier.sessions() + " and wait_event_type = 'Lock'") > 0;
  }));
}

/// Somebody holds a row of the third batch and then wants another one, which the batch has by then. The batch is
/// chosen to fail, because it looks for the deadlock first.
Ending work_in_deadlock(const Applier& applier, const test::Database& database) {
  database.query("alter database " + database.name() + " set deadlock_timeout = '300ms'");
  test::Peer other{database.conninfo()};
  other.run("set deadlock_timeout = '1min'; begin");
  other.run(late_row);
  auto process = applier.go_on();
  wait_for_its_wait(applier);
  other.run(early_row);
  other.run("commit");
  return Workshop::end(process);
}

/// Somebody holds a row of the third batch for longer than the batch waits for it.
Ending work_locked_out(const Applier& applier, const test::Database& database) {
  database.query("alter database " + database.name() + " set lock_timeout = '100ms'");
  test::Peer other{database.conninfo()};
  other.run("begin");
  other.run(late_row);
  auto process = applier.go_on();
  wait_for_its_wait(applier);
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  other.run("commit");
  return Workshop::end(process);
}

/// Every third update fails as it does in a transaction that cannot be serialized.
Ending work_unserializable(const Applier& applier, const test::Database& database) {
  database.query(
      "create sequence updates; create function hiccup() returns trigger language plpgsql as $$ begin if "
      "nextval('updates') % 3 = 0 then raise sqlstate '40001' using message = 'could not serialize access'; end if; "
      "return null; end $$; create trigger hiccup after update on counters execute function hiccup()");
  return Workshop::end(applier.go_on());
}

using Work = Ending (*)(const Applier&, const test::Database&);

void require_exactly_once(Work work) {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Opsh opsh{workshop};
  opsh.manner.options = {"--lock-timeout=0.1"};
  if (work == work_in_deadlock) opsh.manner.options.clear();
  Ending ending = work(opsh, database);
  INFO(ending.said);
  CHECK(ending.status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
}

void require_caught(Work work) {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Ending ending = work(StandIn{workshop, "goes_on"}, database);
  INFO(ending.said);
  CHECK(ending.status == 0);
  CHECK(workshop.wrong(1).lost > 0);
}

}  // namespace

TEST_CASE("a batch that is chosen to end a deadlock is done again, once") {
  require_exactly_once(work_in_deadlock);
}

TEST_CASE("a deadlock catches an apply that goes on after an error") {
  require_caught(work_in_deadlock);
}

TEST_CASE("a batch that did not get its locks in time is done again, once") {
  require_exactly_once(work_locked_out);
}

TEST_CASE("a lock timeout catches an apply that goes on after an error") {
  require_caught(work_locked_out);
}

TEST_CASE("a batch that could not be serialized is done again, once") {
  require_exactly_once(work_unserializable);
}

TEST_CASE("a serialization failure catches an apply that goes on after an error") {
  require_caught(work_unserializable);
}
