#include "attacks/battle.hpp"

#include <cstdlib>

namespace attacks {
namespace {

void add(std::string& to, const std::string& what) {
  if (what.empty()) return;
  if (!to.empty()) to += "; ";
  to += what;
}

/// `last` is what was seen before, and then what was seen after.
Outcome attacked(Ground& ground, const Attack& attack, Role role, const OpenSession& open, Observed& last) {
  Outcome outcome;
  outcome.attack = &attack;
  auto session = open(ground.conninfo(role));
  const std::string settings = session->settings();
  for (const auto& step : attack.steps) {
    for (auto& answer : session->send(ground.filled(step))) outcome.answers.push_back(std::move(answer));
  }
  if (const std::string held = ground.held(); !held.empty()) add(outcome.changed, "held: " + held);
  session->leave();
  const Observed seen = ground.look();
  add(outcome.changed, differences(last, seen));
  // What else leaves a trace only in the log takes long to see.
  if (outcome.changed.empty()) add(outcome.changed, ground.logged());
  last = seen;
  if (session->settings() != settings) add(outcome.changed, "settings of the session");
  return outcome;
}

}  // namespace

std::vector<Outcome> battle(Ground& ground, Role role, const OpenSession& open, const std::vector<const Attack*>& order,
                            std::size_t enough) {
  std::vector<Outcome> outcomes;
  Observed last;
  bool clean = false;
  std::size_t leaks = 0;
  for (const Attack* attack : order) {
    if (!clean || attack->alone) {
      ground.restore(attack);
      last = ground.look();
    }
    outcomes.push_back(attacked(ground, *attack, role, open, last));
    const bool leaked = !outcomes.back().changed.empty();
    clean = !attack->alone && !leaked;
    leaks += leaked;
    if (leaks >= enough) break;
  }
  return outcomes;
}

bool everything() {
  return std::getenv("OPSH_ATTACKS_ALL") != nullptr;
}

}  // namespace attacks
