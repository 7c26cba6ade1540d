// Every call that talks to the server, and every one that writes a file, fails once: what comes of it is complete or
// can be resumed, and is never wrong. programs/nth_failure.c is what lets them fail.

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "faults/weather.hpp"
#include "support/catch.hpp"

#ifdef __SANITIZE_ADDRESS__
TEST_CASE("the n-th failure is not tested with sanitizers") {
  faults::figure("not tested: AddressSanitizer wants to be the first library of a process: nothing can be preloaded");
}
#else

namespace {

using namespace faults;

constexpr int rows = 200, batch = 10;

using Hire = std::function<std::unique_ptr<Applier>(const Workshop&)>;

std::unique_ptr<Applier> hire_opsh(const Workshop& workshop) {
  return std::make_unique<Opsh>(workshop);
}

/// What came of a run whose n-th call failed.
struct Trial {
  int calls = 0;
  std::string failed;  ///< the name of the call; empty when there were not so many
  Wrong wrong;
  std::string complaint;
};

void read_report(const std::filesystem::path& file, Trial& trial) {
  std::array<char, 60> name{};
  std::ifstream report{file, std::ios::binary};
  report.read(reinterpret_cast<char*>(&trial.calls), sizeof trial.calls).read(name.data(), name.size());
  trial.failed = name.data();
}

/// What is wrong with the way in which opsh ended; it is told apart from a stand-in by having a complaint at all.
std::string judge_first(const Applier& applier, const Ending& ending, const std::set<int>& expected) {
  std::string how = "status " + std::to_string(ending.status) + ": " + ending.said;
  if (applier.session_name() != "opsh" || ending.status == 0) return {};
  if (!expected.contains(ending.status)) return "not a status that it may end with, " + how;
  if (ending.status == 4 && !ending.says("opsh resume ")) return "it does not say how to go on, " + how;
  if (ending.status == 4 || applier.workshop.batches_done() > 0) return {};
  return applier.workshop.wrong(0) == Wrong{} ? "" : "it has written something and its ledger nothing, " + how;
}

Trial attempt(const Hire& hire, const std::string& kind, int nth, const std::set<int>& expected) {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  auto applier = hire(workshop);
  std::filesystem::path report = workshop.folder() / "report";
  applier->manner.environment = {{"LD_PRELOAD", OPSH_NTH_FAILURE},
                                 {"NTH_OF", kind},
                                 {"NTH", std::to_string(nth)},
                                 {"NTH_FOLDER", workshop.folder().string()},
                                 {"NTH_REPORT", report.string()}};
  Ending ending = Workshop::end(applier->go_on());
  Trial trial;
  read_report(report, trial);
  trial.complaint = judge_first(*applier, ending, trial.failed.empty() ? std::set<int>{} : expected);
  applier->manner.environment.clear();
  if (applier->rounds() == 0) {
    Ending second = Workshop::end(applier->go_on());
    if (second.status != 0) trial.complaint += "\nit cannot be finished: " + second.said;
  }
  trial.wrong = workshop.wrong(1);
  return trial;
}

/// Many of them, evenly spread; the seed says where they begin.
struct Trials {
  int calls = 0;
  std::map<std::string, int> failed;
  Wrong wrong;
  std::string complaints;
};

std::ostream& operator<<(std::ostream& out, const Trials& trials) {
  int all = 0;
  for (const auto& [name, times] : trials.failed) all += times;
  out << all << " of " << trials.calls << " calls failed once: " << trials.wrong << " (";
  for (const auto& [name, times] : trials.failed)
    out << (name == trials.failed.begin()->first ? "" : ", ") << name << " " << times;
  return out << ")" << trials.complaints;
}

Trials attempt_many(const Hire& hire, const std::string& kind, int most, const std::set<int>& expected) {
  Trials trials;
  trials.calls = attempt(hire, kind, 0, expected).calls;
  if (most == 0 || most > trials.calls) most = trials.calls;
  int offset = most == trials.calls ? 0 : Dice{}.up_to(trials.calls / most - 1);
  for (int at = 0; at < most; ++at) {
    int nth = static_cast<int>(static_cast<long long>(at) * trials.calls / most) + offset + 1;
    Trial trial = attempt(hire, kind, nth, expected);
    if (!trial.failed.empty()) ++trials.failed[trial.failed];
    trials.wrong.lost += trial.wrong.lost;
    trials.wrong.doubled += trial.wrong.doubled;
    if (!trial.complaint.empty() || !(trial.wrong == Wrong{}))
      trials.complaints += "\ncall " + std::to_string(nth) + ", " + trial.failed + ": " + trial.complaint;
  }
  return trials;
}

}  // namespace

TEST_CASE("an apply that loses its connection at any call is complete or can be resumed") {
  Trials trials = attempt_many(hire_opsh, "network", wanted("OPSH_FAULT_NTH", 12), {3, 4});
  INFO(trials);
  CHECK(trials.calls > 500);
  CHECK(trials.wrong == Wrong{});
  CHECK(trials.complaints.empty());
  figure("libpq: ", trials);
}

TEST_CASE("an apply that finds its disk full at any write is complete or can be resumed") {
  Trials trials = attempt_many(hire_opsh, "files", wanted("OPSH_FAULT_NTH", 12), {1, 4, 5});
  INFO(trials);
  CHECK(trials.calls >= 4);
  CHECK(trials.wrong == Wrong{});
  CHECK(trials.complaints.empty());
  figure("files: ", trials);
}

TEST_CASE("the n-th lost connection catches an apply that writes its ledger after COMMIT") {
  auto hire = [](const Workshop& workshop) { return std::make_unique<StandIn>(workshop, "late_ledger"); };
  CHECK(attempt_many(hire, "network", 12, {}).wrong.doubled > 0);
}

TEST_CASE("the n-th full disk catches an apply that writes its place into a file after COMMIT") {
  auto hire = [](const Workshop& workshop) { return std::make_unique<StandIn>(workshop, "place_in_file"); };
  CHECK(attempt_many(hire, "files", 6, {}).wrong.doubled > 0);
}
#endif
