#pragma once

#include <chrono>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "faults/applier.hpp"
#include "support/peer.hpp"

namespace faults {

/// What the tests draw their moments from; OPSH_FAULT_SEED gives another course of events.
class Dice {
 public:
  int seed() const { return seed_; }
  /// From 0 to `most`.
  int up_to(int most) { return std::uniform_int_distribution{0, most}(engine_); }
  void sleep_up_to(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(up_to(milliseconds))); }

 private:
  int seed_ = wanted("OPSH_FAULT_SEED", 20261121);
  std::mt19937 engine_{static_cast<std::mt19937::result_type>(seed_)};
};

/// What faults have done to the work of an applier.
struct Damage {
  int faults = 0;
  int rounds = 0;      ///< how often everything was done
  int unresolved = 0;  ///< could not be finished
  Wrong wrong = {};
  std::string complaint = {};  ///< about how a process ended

  bool none() const { return unresolved == 0 && wrong == Wrong{} && complaint.empty(); }
};

inline std::ostream& operator<<(std::ostream& out, const Damage& damage) {
  return out << damage.faults << " faults in " << damage.rounds << " runs: " << damage.wrong << ", "
             << damage.unresolved << " unresolved" << (damage.complaint.empty() ? "" : "\n") << damage.complaint;
}

/// A line for the summary of tools/test --faults.
template <class... Parts>
void figure(const Parts&... parts) {
  std::ostringstream line;
  (line << ... << parts);
  std::cout << "== " + line.str() + "\n" << std::flush;
}

/// Waits until another batch is done, so that what comes next meets the process in the middle. False when it had none
/// left to do.
inline bool in_the_middle(const Applier& applier, opsh::proc::Child& process) {
  int before = applier.batches_done();
  while (process.running()) {
    if (applier.batches_done() > before) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

/// Lets an applier touch so many batches and kills it, so that there is something to go on with.
inline void leave_unfinished(const Applier& applier, int batches) {
  auto process = applier.go_on();
  while (process.running() && applier.workshop.batches_touched() < batches)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  process.signal(SIGKILL);
  if (process.wait().signal != SIGKILL) throw std::runtime_error{"it came to its end before it could be killed"};
}

/// Lets an applier work, over and over, and `strike(process)` do harm to each process; it returns whether it did. Ends
/// when there was enough of that and everything is done, or at the first complaint, or as soon as the table is wrong.
template <class Strike>
Damage weather(const Applier& applier, const std::string& conninfo, int enough, Strike&& strike) {
  Damage damage;
  for (bool done = false; !done || damage.faults < enough;) {
    auto process = applier.go_on(conninfo);
    bool struck = damage.faults < enough && strike(process);
    damage.faults += struck;
    Ending ending = Workshop::end(process);
    done = ending.status == 0;
    damage.complaint = applier.complaint(ending, struck);
    damage.unresolved = !struck && !done;
    if (damage.unresolved || !damage.complaint.empty()) break;
    if (!done) continue;
    damage.rounds = applier.rounds();
    damage.wrong = applier.wrong();
    if (!(damage.wrong == Wrong{})) break;
  }
  return damage;
}

}  // namespace faults
