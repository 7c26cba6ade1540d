// All kinds of faults in one long sequence, on an apply that may not do anything twice.

#include <signal.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "faults/cutter.hpp"
#include "faults/own_server.hpp"
#include "faults/weather.hpp"
#include "support/catch.hpp"

namespace {

using namespace faults;

constexpr int rows = 1000, batch = 20;

/// What can go wrong for an applier that works through a proxy on a server of its own.
class Mishaps {
 public:
  using Kind = bool (Mishaps::*)(opsh::proc::Child&);

  Mishaps(const Applier& applier, OwnServer& server, Cutter& cutter)
      : applier_(applier), server_(server), cutter_(cutter) {
    applier.workshop.query("alter database postgres set deadlock_timeout = '200ms'");
  }

  const std::map<std::string, Kind> recoverable{{"kill -9", &Mishaps::kill},
                                                {"ended sessions", &Mishaps::end_sessions},
                                                {"killed backend", &Mishaps::kill_backend},
                                                {"immediate restart", &Mishaps::restart},
                                                {"cut before COMMIT", &Mishaps::cut_before},
                                                {"cut during COMMIT", &Mishaps::cut_during},
                                                {"swallowed answer", &Mishaps::cut_after},
                                                {"cut anywhere", &Mishaps::cut_anywhere},
                                                {"lock timeout", &Mishaps::lock_out},
                                                {"deadlock", &Mishaps::deadlock}};
  /// Of these the process does not die, and its session keeps its locks until somebody ends it.
  const std::map<std::string, Kind> lingering{{"SIGSTOP, two at once", &Mishaps::stop},
                                              {"black hole, two at once", &Mishaps::black_hole}};

  bool strike(const std::map<std::string, Kind>& kinds, opsh::proc::Child& process) {
    began_ = opsh::Clock::now();
    before_ = last_;
    auto chosen = std::next(kinds.begin(), dice.up_to(static_cast<int>(kinds.size()) - 1));
    last_ = chosen->first;
    bool struck = (this->*chosen->second)(process);
    struck_[chosen->first] += struck;
    return struck;
  }

  std::string summary() const {
    std::string text;
    for (const auto& [name, times] : struck_) text += (text.empty() ? "" : ", ") + name + " " + std::to_string(times);
    return text;
  }
  /// From the start of a process to its first batch: the longest, and what had happened before it.
  std::string longest_start() const {
    auto longest = std::max_element(starts_.begin(), starts_.end());
    if (longest == starts_.end()) return "none";
    return std::to_string(longest->first.count()) + " s, after: " + longest->second;
  }

  Dice dice;
  std::string complaint;  ///< about those that went on beside one that lingers

 private:
  bool reached(opsh::proc::Child& process) {
    if (!in_the_middle(applier_, process)) return false;
    starts_.emplace_back(opsh::Clock::now() - began_, before_);
    dice.sleep_up_to(20);
    return true;
  }

  bool kill(opsh::proc::Child& process) {
    if (!reached(process)) return false;
    process.signal(SIGKILL);
    return process.wait().signal == SIGKILL;
  }
  bool end_sessions(opsh::proc::Child& process) { return reached(process) && applier_.end_sessions(); }
  bool kill_backend(opsh::proc::Child& process) { return reached(process) && applier_.kill_backend(); }
  bool restart(opsh::proc::Child& process) {
    if (!reached(process)) return false;
    server_.stop();
    dice.sleep_up_to(200);
    server_.start();
    return true;
  }

  bool cut(opsh::proc::Child& process, Moment moment, int count) {
    cutter_.arm({moment, count});
    while (!cutter_.happened() && process.running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (cutter_.happened()) return true;
    cutter_.arm({});
    return false;
  }
  bool cut_before(opsh::proc::Child& process) { return cut(process, Moment::unseen, 1 + dice.up_to(11)); }
  bool cut_during(opsh::proc::Child& process) { return cut(process, Moment::underway, 1 + dice.up_to(11)); }
  bool cut_after(opsh::proc::Child& process) { return cut(process, Moment::swallowed, 1 + dice.up_to(11)); }
  bool cut_anywhere(opsh::proc::Child& process) { return cut(process, Moment::after_bytes, 1 + dice.up_to(30000)); }

  /// Another session has a row of some batch that is still to come.
  bool somebody_has_a_row(opsh::proc::Child& process, const std::function<void(test::Peer&, int row)>& then) {
    int row = batch * (applier_.workshop.batches() / 2 + 1 + dice.up_to(applier_.workshop.batches() / 2 - 1));
    test::Peer other{server_.conninfo()};
    other.run("set deadlock_timeout = '1min'; set lock_timeout = '10s'; begin");
    other.run("select from counters where id = " + std::to_string(row) + " for update");
    auto waits = "select count(*) from " + applier_.sessions() + " and wait_event_type = 'Lock'";
    while (applier_.workshop.number(waits) == 0) {
      if (!process.running()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    then(other, row);
    other.run("commit");
    return true;
  }
  bool lock_out(opsh::proc::Child& process) {
    return somebody_has_a_row(process,
                              [](test::Peer&, int) { std::this_thread::sleep_for(std::chrono::milliseconds(700)); });
  }
  bool deadlock(opsh::proc::Child& process) {
    return somebody_has_a_row(process, [](test::Peer& other, int row) {
      other.run("select from counters where id = " + std::to_string(row - batch + 1) + " for update");
    });
  }

  /// Another one does the rest.
  void go_on_beside() {
    auto began = opsh::Clock::now();
    auto process = applier_.go_on(server_.conninfo());
    if (in_the_middle(applier_, process)) starts_.emplace_back(opsh::Clock::now() - began, last_);
    Ending ending = Workshop::end(process);
    if (complaint.empty()) complaint = applier_.complaint(ending, false);
  }
  bool stop(opsh::proc::Child& process) {
    if (!reached(process)) return false;
    process.signal(SIGSTOP);
    go_on_beside();
    process.signal(SIGCONT);
    return true;
  }
  bool black_hole(opsh::proc::Child& process) {
    if (!reached(process)) return false;
    cutter_.swallow();
    go_on_beside();
    cutter_.let_go();
    return true;
  }

  const Applier& applier_;
  OwnServer& server_;
  Cutter& cutter_;
  opsh::Clock::time_point began_;
  std::string last_ = "nothing", before_;
  std::vector<std::pair<opsh::Seconds, std::string>> starts_;
  std::map<std::string, int> struck_;
};

}  // namespace

TEST_CASE("an apply under mixed faults, resumed after each, touches each row exactly once") {
  OwnServer server;
  Cutter cutter{server.conninfo()};
  Workshop workshop{server.conninfo(), rows, batch, 0.005};
  Opsh opsh{workshop};
  opsh.manner.options = {"--statement-timeout=5", "--lock-timeout=0.5"};
  Mishaps mishaps{opsh, server, cutter};
  auto kinds = mishaps.recoverable;
  kinds.insert(mishaps.lingering.begin(), mishaps.lingering.end());
  Damage damage = weather(opsh, cutter.conninfo(), wanted("OPSH_FAULT_MIXED", 24),
                          [&](opsh::proc::Child& process) { return mishaps.strike(kinds, process); });
  INFO("seed " << mishaps.dice.seed() << "\n" << damage << "\n" << mishaps.summary());
  CHECK(damage.none());
  CHECK(mishaps.complaint.empty());
  CHECK(workshop.batches_done() == workshop.runs_done() * workshop.batches());
  figure("mixed, seed ", mishaps.dice.seed(), ": ", damage);
  figure("mixed: ", mishaps.summary());
  figure("from the start of opsh, or of a resume, to its first batch at most ", mishaps.longest_start());
}

TEST_CASE("mixed faults catch an apply that writes its ledger after COMMIT") {
  OwnServer server;
  Cutter cutter{server.conninfo()};
  Workshop workshop{server.conninfo(), rows, batch, 0.002};
  StandIn stand_in{workshop, "late_ledger"};
  Mishaps mishaps{stand_in, server, cutter};
  Damage damage = weather(stand_in, cutter.conninfo(), 100,
                          [&](opsh::proc::Child& process) { return mishaps.strike(mishaps.recoverable, process); });
  INFO("seed " << mishaps.dice.seed() << "\n" << damage << "\n" << mishaps.summary());
  CHECK(damage.wrong.doubled > 0);
}
