// Promise P2: each batch exactly once, whenever opsh is killed. What is judged is the table, never opsh's own report.

#include <signal.h>

#include "faults/weather.hpp"
#include "support/catch.hpp"

namespace {

using namespace faults;

constexpr int rows = 20000, batch = 100;

Damage kill_often(const Applier& applier, int enough, int within) {
  Dice dice;
  return weather(applier, applier.workshop.conninfo(), enough, [&](opsh::proc::Child& process) {
    dice.sleep_up_to(within);
    process.signal(SIGKILL);
    return process.wait().signal == SIGKILL;
  });
}

}  // namespace

TEST_CASE("an apply that is killed over and over and resumed touches each row exactly once") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Opsh opsh{workshop};
  Damage damage = kill_often(opsh, wanted("OPSH_FAULT_KILLS", 30), 300);
  INFO(damage);
  CHECK(damage.none());
  CHECK(workshop.batches_done() == damage.rounds * workshop.batches());
  figure("kill -9: ", damage);
}

TEST_CASE("kills catch an apply that writes its ledger after COMMIT") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows / 10, batch};
  StandIn stand_in{workshop, "late_ledger"};
  CHECK(kill_often(stand_in, 100, 60).wrong.doubled > 0);
}
