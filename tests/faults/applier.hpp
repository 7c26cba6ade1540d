#pragma once

#include <signal.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "faults/workshop.hpp"
#include "support/peer.hpp"

namespace faults {

/// Whoever works on the counters of a workshop: opsh, or a stand-in with a defect. Both meet the same faults and the
/// same judge, which looks at the table alone.
class Applier {
 public:
  explicit Applier(const Workshop& on) : workshop(on) {}
  Applier(const Applier&) = delete;
  Applier& operator=(const Applier&) = delete;
  virtual ~Applier() = default;

  /// Begins, or goes on with what is not done.
  virtual opsh::proc::Child go_on(const std::string& conninfo) const = 0;
  opsh::proc::Child go_on() const { return go_on(workshop.conninfo()); }
  /// How often everything was done.
  virtual int rounds() const = 0;
  /// How many batches its ledger knows of.
  virtual int batches_done() const = 0;
  /// As its sessions are called in pg_stat_activity.
  virtual std::string session_name() const = 0;
  /// What is wrong with the way in which it ended; empty when nothing is.
  virtual std::string complaint(const Ending&, bool /*struck*/) const { return {}; }

  /// What the table shows after it has come to a good end.
  Wrong wrong() const { return workshop.wrong(rounds()); }

  /// Ends all its sessions, whatever they are for; whether there were some.
  bool end_sessions() const {
    return workshop.number("select count(*) from (select pg_terminate_backend(pid) from " + sessions() + ") as e") > 0;
  }

  /// Kills the server's half of one of its sessions with -9, and waits until the server has recovered from it.
  bool kill_backend() const {
    auto found = workshop.query("select pid from " + sessions() + " order by xact_start");
    if (found.empty() || ::kill(std::stoi(found[0][0].value()), SIGKILL) != 0) return false;
    // For a moment the server goes on as if nothing were the matter.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return test::eventually([&] { return workshop.answers(); });
  }

  std::string sessions() const {
    return "pg_stat_activity where datname = current_database() and application_name like '" + session_name() + "%'";
  }

  const Workshop& workshop;
  Manner manner;
};

class Opsh : public Applier {
 public:
  using Applier::Applier;
  using Applier::go_on;

  opsh::proc::Child go_on(const std::string& conninfo) const override { return workshop.go_on(conninfo, manner); }
  int rounds() const override { return workshop.runs_done(); }
  int batches_done() const override { return workshop.batches_done(); }
  std::string session_name() const override { return "opsh"; }

  std::string complaint(const Ending& ending, bool struck) const override {
    auto because = [&](const char* words) {
      return std::string{words} + ", status " + std::to_string(ending.status) + ": " + ending.said;
    };
    if (ending.status == 0 || (struck && ending.status == -SIGKILL)) return {};
    if (!struck) return because("nothing was done to it, and it did not end well");
    if (ending.status != 3 && ending.status != 4) return because("this status does not mean a lost server");
    if (ending.status == 4 && !ending.says("opsh resume ") && !ending.says("opsh show "))
      return because("it does not say how to go on");
    return {};
  }
};

/// tests/faults/programs/stand_in.cpp says what its defects are.
class StandIn : public Applier {
 public:
  StandIn(const Workshop& on, std::string defect) : Applier(on), defect_(std::move(defect)) {}
  using Applier::go_on;

  opsh::proc::Child go_on(const std::string& conninfo) const override {
    return workshop.start_program(
        {OPSH_STAND_IN, conninfo, std::to_string(workshop.rows()), std::to_string(workshop.batch()), defect_,
         workshop.folder(), std::to_string(increment)},
        manner);
  }
  int rounds() const override { return has("stand_in_rounds") ? number("count(*) from stand_in_rounds") : 0; }
  int batches_done() const override { return has("stand_in") ? number("count(*) from stand_in") : 0; }
  std::string session_name() const override { return "stand_in"; }

  int increment = 1;

 private:
  bool has(const std::string& table) const {
    return workshop.query("select to_regclass('" + table + "') is not null")[0][0] == "t";
  }
  int number(const std::string& what) const { return workshop.number("select " + what); }

  std::string defect_;
};

}  // namespace faults
