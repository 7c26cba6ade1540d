// The server, or its half of the session, ends under an apply.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "faults/late_ledger.hpp"
#include "faults/own_server.hpp"
#include "faults/workshop.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"

namespace {

using namespace faults;

constexpr int rows = 1000, batch = 20;

void sleep_up_to(std::mt19937& random, int milliseconds) {
  std::uniform_int_distribution<int> delay{0, milliseconds};
  std::this_thread::sleep_for(std::chrono::milliseconds(delay(random)));
}

/// Waits until opsh has done another batch, so that what comes next meets it in the middle. False when it had no batch
/// left to do.
bool in_the_middle(const Workshop& workshop, opsh::proc::Child& opsh) {
  int before = workshop.batches_done();
  while (opsh.running())
    if (workshop.batches_done() > before) return true;
  return false;
}

/// The broken control: it keeps its place in a file, and its COMMIT does not wait for the disk.
pid_t start_without_disk(const std::string& conninfo, const std::filesystem::path& file) {
  pid_t pid = ::fork();
  if (pid != 0) return pid;
  try {
    test::Peer session{conninfo};
    session.run("set synchronous_commit = off");
    int position = 0;
    std::ifstream{file} >> position;
    for (; position < rows; position += batch) {
      session.run("begin; update counters set n = n + 1 where id between " + std::to_string(position + 1) + " and " +
                  std::to_string(position + batch) + "; commit");
      std::ofstream{file} << position + batch;
    }
  } catch (const std::exception&) {
    _exit(1);
  }
  _exit(0);
}

}  // namespace

TEST_CASE("an apply whose session is ended over and over and resumed touches each row exactly once") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  std::mt19937 random{20261121};
  const int enough = wanted("OPSH_FAULT_ENDED_SESSIONS", 30);
  int ended = 0;
  while (ended < enough || workshop.unfinished()) {
    auto opsh = workshop.go_on(database.conninfo());
    int now = 0;
    if (ended < enough) {
      sleep_up_to(random, 150);
      now = workshop.number(
          "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity where "
          "application_name = 'opsh') as e");
    }
    ended += now;
    Ending ending = Workshop::end(opsh);
    INFO("after " << ended << " ended sessions, status " << ending.status << "\n" << ending.said);
    REQUIRE(ending.status != 7);
    if (now == 0) REQUIRE(ending.status == 0);
    if (ending.says("Go on with: ")) REQUIRE(ending.status == 4);
    if (!workshop.unfinished()) REQUIRE(workshop.wrong(workshop.runs_done()) == Wrong{});
  }
  CHECK(workshop.batches_done() == workshop.runs_done() * workshop.batches());
  WARN(ended << " ended sessions in " << workshop.runs_done() << " runs: 0 lost, 0 doubled");
}

TEST_CASE("ended sessions catch an apply that writes its ledger after COMMIT") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  workshop.query("create table late_ledger (position integer not null)");
  std::mt19937 random{20261121};
  int doubled = 0;
  for (int round = 0; doubled == 0 && round < 200; ++round) {
    workshop.query("truncate late_ledger; update counters set n = 0");
    for (bool done = false; !done;) {
      pid_t pid = start_with_late_ledger(database.conninfo(), rows, batch);
      sleep_up_to(random, 30);
      workshop.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> "
          "pg_backend_pid()");
      done = came_through(pid);
    }
    doubled = workshop.wrong(1).doubled;
  }
  CHECK(doubled > 0);
}

TEST_CASE("an apply whose backend is killed survives the recovery of the server") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.01};
  auto opsh = workshop.apply();
  REQUIRE(in_the_middle(workshop, opsh));
  int backend = workshop.number("select backend_pid from opsh.run");
  REQUIRE(::kill(backend, SIGKILL) == 0);
  Ending ending = Workshop::end(opsh);
  INFO(ending.said);
  CHECK(ending.status == 4);
  REQUIRE(test::eventually([&] {
    try {
      return workshop.unfinished().has_value();
    } catch (const std::runtime_error&) {
      return false;
    }
  }));
  CHECK(workshop.follow(ending).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
  CHECK(workshop.batches_done() == workshop.batches());
}

TEST_CASE("an apply whose server is restarted at once, over and over, touches each row exactly once") {
  OwnServer server;
  Workshop workshop{server.conninfo(), rows, batch, 0.005};
  std::mt19937 random{20261121};
  const int enough = wanted("OPSH_FAULT_RESTARTS", 8);
  int restarts = 0;
  while (restarts < enough || workshop.unfinished()) {
    auto opsh = workshop.go_on(server.conninfo());
    bool restarted = restarts < enough && in_the_middle(workshop, opsh);
    if (restarted) {
      sleep_up_to(random, 50);
      server.stop();
      sleep_up_to(random, 300);
      server.start();
      ++restarts;
    }
    Ending ending = Workshop::end(opsh);
    INFO("restart " << restarts << ", status " << ending.status << "\n" << ending.said);
    if (ending.status != 0) {
      REQUIRE(restarted);
      REQUIRE(ending.status == 4);
      REQUIRE(ending.says("opsh resume "));
    }
    if (!workshop.unfinished()) REQUIRE(workshop.wrong(workshop.runs_done()) == Wrong{});
  }
  CHECK(workshop.batches_done() == workshop.runs_done() * workshop.batches());
  WARN(restarts << " restarts in " << workshop.runs_done() << " runs: 0 lost, 0 doubled");
}

TEST_CASE("a restart catches an apply that does not wait for the disk") {
  OwnServer server;
  Workshop workshop{server.conninfo(), rows, batch};
  int lost = 0;
  for (int round = 0; lost == 0 && round < 10; ++round) {
    std::filesystem::path file = workshop.folder() / ("position-" + std::to_string(round));
    workshop.query("update counters set n = 0");
    pid_t pid = start_without_disk(server.conninfo(), file);
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    server.stop();
    server.start();
    if (!came_through(pid)) REQUIRE(came_through(start_without_disk(server.conninfo(), file)));
    lost = workshop.wrong(1).lost;
  }
  CHECK(lost > 0);
}
