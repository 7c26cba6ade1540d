// The server, or its half of the session, ends under an apply.

#include <signal.h>

#include "faults/own_server.hpp"
#include "faults/weather.hpp"
#include "support/catch.hpp"

namespace {

using namespace faults;

constexpr int rows = 1000, batch = 20;

Damage end_sessions(const Applier& applier, int enough) {
  Dice dice;
  return weather(applier, applier.workshop.conninfo(), enough, [&](opsh::proc::Child&) {
    dice.sleep_up_to(150);
    return applier.end_sessions();
  });
}

Damage kill_backends(const Applier& applier, int enough) {
  Dice dice;
  return weather(applier, applier.workshop.conninfo(), enough, [&](opsh::proc::Child& process) {
    if (!in_the_middle(applier, process)) return false;
    dice.sleep_up_to(20);
    return applier.kill_backend();
  });
}

Damage restart_often(const Applier& applier, OwnServer& server, int enough) {
  Dice dice;
  return weather(applier, server.conninfo(), enough, [&](opsh::proc::Child& process) {
    if (!in_the_middle(applier, process)) return false;
    dice.sleep_up_to(50);
    server.stop();
    dice.sleep_up_to(300);
    server.start();
    return true;
  });
}

}  // namespace

TEST_CASE("an apply whose sessions are ended over and over and resumed touches each row exactly once") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  Opsh opsh{workshop};
  Damage damage = end_sessions(opsh, wanted("OPSH_FAULT_ENDED_SESSIONS", 10));
  INFO(damage);
  CHECK(damage.none());
  CHECK(workshop.batches_done() == damage.rounds * workshop.batches());
  figure("pg_terminate_backend: ", damage);
}

TEST_CASE("ended sessions catch an apply that writes its ledger after COMMIT") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  StandIn stand_in{workshop, "late_ledger"};
  CHECK(end_sessions(stand_in, 100).wrong.doubled > 0);
}

TEST_CASE("an apply whose backend is killed survives the recovery of the server") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  Opsh opsh{workshop};
  Damage damage = kill_backends(opsh, wanted("OPSH_FAULT_BACKEND_KILLS", 2));
  INFO(damage);
  CHECK(damage.none());
  CHECK(workshop.batches_done() == damage.rounds * workshop.batches());
  figure("kill -9 of the backend: ", damage);
}

TEST_CASE("a killed backend catches an apply that writes its ledger after COMMIT") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  StandIn stand_in{workshop, "late_ledger"};
  CHECK(kill_backends(stand_in, 30).wrong.doubled > 0);
}

TEST_CASE("an apply whose server is restarted at once, over and over, touches each row exactly once") {
  OwnServer server;
  Workshop workshop{server.conninfo(), rows, batch, 0.005};
  Opsh opsh{workshop};
  Damage damage = restart_often(opsh, server, wanted("OPSH_FAULT_RESTARTS", 3));
  INFO(damage);
  CHECK(damage.none());
  CHECK(workshop.batches_done() == damage.rounds * workshop.batches());
  figure("immediate restart: ", damage);
}

TEST_CASE("a restart catches an apply that does not wait for the disk") {
  // What nobody waits for comes to the disk late.
  OwnServer server{{"wal_writer_delay=10s"}};
  Workshop workshop{server.conninfo(), rows, batch, 0.002};
  StandIn stand_in{workshop, "no_disk"};
  Dice dice;
  Damage damage = weather(stand_in, server.conninfo(), 20, [&](opsh::proc::Child& process) {
    dice.sleep_up_to(80);
    if (!process.running()) return false;
    server.stop();
    server.start();
    return true;
  });
  CHECK(damage.wrong != Wrong{});
}
