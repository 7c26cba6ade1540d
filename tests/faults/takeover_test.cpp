// Two opsh on one run: one carries on, the other is fenced out and writes nothing more.

#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <random>
#include <thread>

#include "faults/workshop.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"

namespace {

using namespace faults;
using namespace std::chrono_literals;

constexpr int rows = 1000, batch = 20;

void wait_for_batches(const Workshop& workshop, int number) {
  REQUIRE(test::eventually([&] { return workshop.batches_done() >= number; }));
}

/// Applies up to some batches and is killed, so that there is something to resume.
void leave_unfinished(const Workshop& workshop) {
  auto opsh = workshop.apply();
  wait_for_batches(workshop, 3);
  opsh.signal(SIGKILL);
  opsh.wait();
}

/// The broken control: it keeps its place in the database, in the batch's transaction, but takes no fence.
[[noreturn]] void apply_without_fence(const std::string& conninfo) {
  try {
    test::Peer session{conninfo};
    int position = std::stoi(*session.run("select coalesce(max(position), 0) from place")[0][0]);
    for (; position < rows; position += batch) {
      session.run("begin; update counters set n = n + 1 where id between " + std::to_string(position + 1) + " and " +
                  std::to_string(position + batch) + "; insert into place values (" + std::to_string(position + batch) +
                  "); commit");
    }
  } catch (const std::exception&) {
    _exit(1);
  }
  _exit(0);
}

}  // namespace

TEST_CASE("of two resumes at once one finishes and the other says that it was fenced out") {
  test::Database database;
  // The pauses keep either of them at work for longer than the second that the other waits.
  Workshop workshop{database.conninfo(), rows, batch, 0.035};
  leave_unfinished(workshop);
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
  workshop.query("create table gate (n integer not null); insert into gate values (0)");
  test::Peer holder{database.conninfo()};
  holder.run("begin; lock table gate");
  auto first = workshop.apply();
  auto waits_for_gate = [&] {
    return workshop.number("select count(*) from pg_locks where not granted and relation = 'gate'::regclass") > 0;
  };
  REQUIRE(test::eventually(waits_for_gate));
  auto second = workshop.resume();
  REQUIRE(test::eventually(
      [&] { return workshop.number("select count(*) from pg_stat_activity where application_name = 'opsh'") > 1; }));
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
  std::mt19937 random{20261121};
  std::uniform_int_distribution<int> delay{0, 60};
  for (int round = 0; round < wanted("OPSH_FAULT_STOPS", 2); ++round) {
    test::Database database;
    Workshop workshop{database.conninfo(), rows / 2, batch, 0.005};
    auto first = workshop.apply();
    wait_for_batches(workshop, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(delay(random)));
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
  workshop.query("create table place (position integer not null)");
  std::vector<pid_t> workers;
  for (int number = 0; number < 2; ++number) {
    pid_t pid = ::fork();
    if (pid == 0) apply_without_fence(database.conninfo());
    workers.push_back(pid);
  }
  for (pid_t pid : workers) ::waitpid(pid, nullptr, 0);
  CHECK(workshop.wrong(1).doubled > 0);
}
