// Promise P2: each batch exactly once, whenever opsh is killed. What is judged is the table, never opsh's own report.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "proc/child.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"
#include "support/server.hpp"

namespace {

using namespace std::chrono_literals;

constexpr int counters = 20000, batch = 100;

int wanted_kills() {
  const char* given = std::getenv("OPSH_FAULT_KILLS");
  return given ? std::atoi(given) : 100;
}

/// Applying twice to a row shows: a runbook that only sets a value would hide it.
constexpr const char* runbook = R"lua(
return require("opsh.runbook") {
  title = "Count",
  steps = { {
    name = "count", plan = "select id from counters", key = "id", writes = { "counters" }, batch = 100,
    apply = function(tx)
      return { counted = tx:exec("update counters set n = n + 1 where id = any(:keys)") }
    end,
  } },
}
)lua";

struct Workshop {
  Workshop() {
    database.query("create table counters (id integer primary key, n integer not null default 0)");
    database.query("insert into counters select generate_series(1, " + std::to_string(counters) + ")");
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "count.lua"} << runbook;
  }
  ~Workshop() { std::filesystem::remove_all(folder); }

  /// Rows that were not touched exactly `times` times: lost and doubled.
  std::pair<int, int> wrong(int times) const {
    std::string n = std::to_string(times);
    return {std::stoi(database.value("select coalesce(sum(" + n + " - n), 0) from counters where n < " + n)),
            std::stoi(database.value("select coalesce(sum(n - " + n + "), 0) from counters where n > " + n))};
  }

  test::Database database;
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("opsh-kill-test-" + std::to_string(::getpid()));
};

/// Starts a program again and again and kills it, until it came through to its end.
/// `start` gives the pid of what was started; returns how often it was killed.
template <typename Start>
int kill_until_done(std::mt19937& random, int most_milliseconds, Start start) {
  std::uniform_int_distribution<int> delay{0, most_milliseconds};
  for (int kills = 0;; ++kills) {
    auto [pid, wait] = start();
    std::this_thread::sleep_for(std::chrono::milliseconds(delay(random)));
    ::kill(pid, SIGKILL);
    if (wait() == 0) return kills;
  }
}

/// The broken control: it remembers how far it is after each COMMIT, as scripts do that keep their cursor beside the
/// data. A kill between the two makes the next start do the batch again.
[[noreturn]] void apply_with_late_ledger(const std::string& conninfo) {
  test::Peer session{conninfo};
  for (;;) {
    int position = std::stoi(*session.run("select coalesce(max(position), 0) from late_ledger")[0][0]);
    if (position >= counters) _exit(0);
    std::string first = std::to_string(position + 1), last = std::to_string(position + batch);
    session.run("begin; update counters set n = n + 1 where id between " + first + " and " + last + "; commit");
    session.run("insert into late_ledger values (" + last + ")");
  }
}

}  // namespace

TEST_CASE("an apply that is killed over and over and resumed touches each row exactly once") {
  Workshop workshop;
  std::mt19937 random{20261121};
  int kills = 0, runs = 0;
  while (kills < wanted_kills()) {
    kills += kill_until_done(random, 300, [&] {
      opsh::proc::Command command;
      auto open = workshop.database.query(
          "select to_regclass('opsh.run') is not null and exists (select from pg_catalog.pg_namespace where nspname = "
          "'opsh')");
      std::vector<test::Row> unfinished;
      if (open[0][0] == "t") unfinished = workshop.database.query("select id from opsh.run where state <> 'done'");
      command.argv = {OPSH_PROGRAM, "--db", workshop.database.conninfo(), "--quiet"};
      if (unfinished.empty())
        command.argv.insert(command.argv.end(), {(workshop.folder / "count.lua").string(), "--apply"});
      else
        command.argv.insert(command.argv.end(), {"resume", *unfinished[0][0]});
      command.environment.set["XDG_STATE_HOME"] = (workshop.folder / "state").string();
      command.output = command.errors = opsh::proc::Stream::none;
      auto child = std::make_shared<opsh::proc::Child>(opsh::proc::Child::start(command));
      return std::pair{child->pid(), std::function<int()>{[child] {
                         auto end = child->wait();
                         return end.success() ? 0 : -1;
                       }}};
    });
    // A kill between the last COMMIT and the exit leaves a run that is done: the next start began another one.
    runs = std::stoi(workshop.database.value("select count(*) from opsh.run where state = 'done'"));
    auto [lost, doubled] = workshop.wrong(runs);
    INFO(kills << " kills, " << runs << " runs");
    REQUIRE(lost == 0);
    REQUIRE(doubled == 0);
  }
  CHECK(workshop.database.value("select count(*) from opsh.run") == std::to_string(runs));
  WARN(kills << " kills in " << runs << " runs of " << counters << " rows: 0 lost, 0 doubled");
}

TEST_CASE("the same kills catch an apply that writes its ledger after COMMIT") {
  Workshop workshop;
  workshop.database.query("create table late_ledger (position integer not null)");
  std::mt19937 random{20261121};
  int kills = 0, doubled = 0;
  for (int runs = 1; doubled == 0 && kills < 20 * wanted_kills(); ++runs) {
    workshop.database.query("truncate late_ledger; update counters set n = 0");
    kills += kill_until_done(random, 60, [&] {
      pid_t pid = ::fork();
      if (pid == 0) {
        try {
          apply_with_late_ledger(workshop.database.conninfo());
        } catch (const std::exception&) {
          _exit(1);
        }
      }
      return std::pair{pid, std::function<int()>{[pid] {
                         int status = 0;
                         ::waitpid(pid, &status, 0);
                         return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
                       }}};
    });
    doubled = workshop.wrong(1).second;
  }
  CHECK(doubled > 0);
}
