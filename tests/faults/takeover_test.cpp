// Two opsh on one run: one carries on, the other is fenced out and writes nothing more.

#include <signal.h>

#include <chrono>
#include <thread>

#include "faults/weather.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"

namespace {

using namespace faults;
using namespace std::chrono_literals;

constexpr int rows = 1000, batch = 20;

void wait_for_batches(const Workshop& workshop, int number) {
  REQUIRE(test::eventually([&] { return workshop.batches_done() >= number; }));
}

}  // namespace

TEST_CASE("of two resumes at once one finishes and the other says that it was fenced out") {
  test::Database database;
  // The pauses keep either of them at work for longer than the second that the other waits.
  Workshop workshop{database.conninfo(), rows, batch, 0.035};
  leave_unfinished(Opsh{workshop}, 3);
  auto first = workshop.resume();
  auto second = workshop.resume();
  Ending endings[] = {Workshop::end(first), Workshop::end(second)};
  bool first_won = endings[0].status == 0;
  const Ending& won = endings[first_won ? 0 : 1];
  const Ending& lost = endings[first_won ? 1 : 0];
  INFO("won: " << won.said << "\nlost: " << lost.said);
  CHECK(won.status == 0);
  CHECK(lost.status == 4);
  CHECK(lost.says("another opsh has taken over run "));
  CHECK(workshop.wrong(1) == Wrong{});
  CHECK(workshop.batches_done() == workshop.batches());
}

TEST_CASE("a resume takes the run from an opsh that is still at work, which says so and writes nothing more") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.035};
  auto first = workshop.apply();
  wait_for_batches(workshop, 3);
  auto second = workshop.resume();
  Ending fenced = Workshop::end(first), finished = Workshop::end(second);
  INFO("first: " << fenced.said << "\nsecond: " << finished.said);
  CHECK(fenced.status == 4);
  CHECK(fenced.says("another opsh has taken over run "));
  CHECK(finished.status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
  CHECK(workshop.batches_done() == workshop.batches());
}

TEST_CASE("a resume that waited for the other opsh goes on with the step that this one planned meanwhile") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.035};
  // A plan that finds only what is left to do is another one after some batches.
  workshop.write_runbook(
      "{ name = 'gate', plan = 'select 1 as id', key = 'id', writes = { 'gate' }, "
      "apply = function(tx) tx:exec('update gate set n = n + 1') end }, "
      "{ name = 'count', after = 'gate', plan = 'select id from counters where n = 0', key = 'id', "
      "writes = { 'counters' }, batch = 20, "
      "apply = function(tx) tx:exec('update counters set n = n + 1 where id = any(:keys)') end }");
  workshop.query("create table gate (id integer primary key, n integer not null); insert into gate values (1, 0)");
  test::Peer holder{database.conninfo()};
  holder.run("begin; lock table gate");
  auto first = workshop.apply();
  auto waits_for_gate = [&] {
    return workshop.number("select count(*) from pg_locks where not granted and relation = 'gate'::regclass") > 0;
  };
  REQUIRE(test::eventually(waits_for_gate));
  auto second = workshop.resume();
  REQUIRE(test::eventually([&] {
    return workshop.number("select count(*) from pg_stat_activity where application_name like 'opsh%'") > 1;
  }));
  std::this_thread::sleep_for(200ms);
  holder.run("commit");
  Ending fenced = Workshop::end(first), finished = Workshop::end(second);
  INFO("first: " << fenced.said << "\nsecond: " << finished.said);
  CHECK(fenced.status == 4);
  CHECK(finished.status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
  CHECK(workshop.number("select n from gate") == 1);
}

TEST_CASE("an opsh that was stopped by a signal while another took its run writes nothing when it wakes up") {
  Dice dice;
  for (int round = 0; round < wanted("OPSH_FAULT_STOPS", 2); ++round) {
    test::Database database;
    Workshop workshop{database.conninfo(), rows / 2, batch, 0.005};
    auto first = workshop.apply();
    wait_for_batches(workshop, 2);
    dice.sleep_up_to(60);
    first.signal(SIGSTOP);
    if (!workshop.unfinished()) continue;
    Ending finished = Workshop::end(workshop.resume());
    CHECK(finished.status == 0);
    CHECK(workshop.wrong(1) == Wrong{});
    first.signal(SIGCONT);
    Ending woken = Workshop::end(first);
    INFO("round " << round << "\nwoken: " << woken.said << "\nfinished: " << finished.said);
    CHECK(woken.status == 4);
    CHECK(woken.says("another opsh has taken over run "));
    CHECK(workshop.wrong(1) == Wrong{});
    CHECK(workshop.batches_done() == workshop.batches());
    CHECK(workshop.runs_done() == 1);
  }
}

TEST_CASE("two at once catch an apply that takes no fence") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  StandIn stand_in{workshop, "no_fence"};
  auto first = stand_in.go_on();
  auto second = stand_in.go_on();
  Workshop::end(first);
  Workshop::end(second);
  CHECK(workshop.wrong(1).doubled > 0);
}

TEST_CASE("a stopped process that wakes up catches an apply that takes no fence") {
  test::Database database;
  Workshop workshop{database.conninfo(), 4 * rows, batch};
  StandIn stand_in{workshop, "no_fence"};
  auto first = stand_in.go_on();
  // In the middle of a batch its locks would keep the other one waiting.
  auto stopped_between_batches = [&] {
    first.signal(SIGSTOP);
    if (workshop.number("select count(*) from " + stand_in.sessions() + " and state = 'idle'") == 1) return true;
    first.signal(SIGCONT);
    return false;
  };
  REQUIRE(test::eventually([&] { return workshop.batches_touched() >= 2 && stopped_between_batches(); }));
  CHECK(Workshop::end(stand_in.go_on()).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
  first.signal(SIGCONT);
  Workshop::end(first);
  CHECK(workshop.wrong(1).doubled > 0);
}
