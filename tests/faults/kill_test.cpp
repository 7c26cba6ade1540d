// Promise P2: each batch exactly once, whenever opsh is killed. What is judged is the table, never opsh's own report.

#include <signal.h>

#include <chrono>
#include <random>
#include <thread>

#include "faults/late_ledger.hpp"
#include "faults/workshop.hpp"
#include "support/catch.hpp"

namespace {

using namespace faults;

constexpr int rows = 20000, batch = 100;

void sleep_up_to(std::mt19937& random, int milliseconds) {
  std::uniform_int_distribution<int> delay{0, milliseconds};
  std::this_thread::sleep_for(std::chrono::milliseconds(delay(random)));
}

}  // namespace

TEST_CASE("an apply that is killed over and over and resumed touches each row exactly once") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  std::mt19937 random{20261121};
  const int enough = wanted("OPSH_FAULT_KILLS", 100);
  int kills = 0;
  while (kills < enough || workshop.unfinished()) {
    auto opsh = workshop.go_on(database.conninfo());
    sleep_up_to(random, 300);
    opsh.signal(SIGKILL);
    if (opsh.wait().signal == SIGKILL) ++kills;
    if (workshop.unfinished()) continue;
    // A kill between the last COMMIT and the exit leaves a run that is done: the next start begins another one.
    INFO(kills << " kills, " << workshop.runs_done() << " runs");
    REQUIRE(workshop.wrong(workshop.runs_done()) == Wrong{});
  }
  CHECK(workshop.batches_done() == workshop.runs_done() * workshop.batches());
  WARN(kills << " kills in " << workshop.runs_done() << " runs of " << rows << " rows: 0 lost, 0 doubled");
}

TEST_CASE("the same kills catch an apply that writes its ledger after COMMIT") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  workshop.query("create table late_ledger (position integer not null)");
  std::mt19937 random{20261121};
  int doubled = 0;
  for (int round = 0; doubled == 0 && round < 200; ++round) {
    workshop.query("truncate late_ledger; update counters set n = 0");
    for (bool done = false; !done;) {
      pid_t pid = start_with_late_ledger(database.conninfo(), rows, batch);
      sleep_up_to(random, 60);
      ::kill(pid, SIGKILL);
      done = came_through(pid);
    }
    doubled = workshop.wrong(1).doubled;
  }
  CHECK(doubled > 0);
}
