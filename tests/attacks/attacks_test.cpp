#include <cstdlib>
#include <fstream>
#include <set>

#include "attacks/battle.hpp"
#include "support/catch.hpp"

using attacks::Answer;
using attacks::Attack;
using attacks::Ground;
using attacks::Outcome;
using attacks::Role;

namespace {

/// Errors of the gate and of what stands before it: no server was asked.
bool is_refusal(const Answer& answer) {
  static const std::set<std::string> kinds = {"sql.refused", "sql.syntax", "sql.nul", "sql.too_long"};
  return kinds.contains(answer.kind);
}

/// Whether some statement of the attack is refused in every way: the others may be harmless without it.
bool is_stopped(const Outcome& outcome) {
  const std::size_t ways = outcome.answers.size() / outcome.attack->steps.size();
  for (std::size_t step = 0; step < outcome.attack->steps.size(); ++step) {
    bool refused = true;
    for (std::size_t way = 0; way < ways; ++way) refused &= is_refusal(outcome.answers[step * ways + way]);
    if (refused) return true;
  }
  return false;
}

std::string in_words(const std::vector<std::string>& steps) {
  std::string words;
  for (const auto& step : steps) words += (words.empty() ? "" : " | ") + step;
  return words;
}

/// For people: every outcome in a file, when OPSH_ATTACKS_REPORT names one.
void report(const std::string& who, const std::vector<Outcome>& outcomes) {
  const char* path = std::getenv("OPSH_ATTACKS_REPORT");
  if (path == nullptr) return;
  std::ofstream file{path, std::ios::app};
  for (const Outcome& outcome : outcomes) {
    file << who << '\t' << outcome.attack->family << '\t' << outcome.attack->name << '\t'
         << (outcome.changed.empty() ? "nothing changed" : outcome.changed) << '\t';
    for (const Answer& answer : outcome.answers)
      file << answer.kind
           << (answer.kind == "server" ? " (" + answer.message.substr(0, answer.message.find('\n')) + ")" : "") << ", ";
    file << '\n';
  }
}

void require_nothing_changes(Role role) {
  Ground ground;
  // A reader is stopped by less than the others are, and what passes in which way does not depend on the role.
  const std::size_t leap = role == Role::reader && !attacks::everything() ? 3 : 1;
  std::vector<const Attack*> order;
  for (std::size_t at = 0; at < ground.attacks().size(); at += leap) order.push_back(&ground.attacks()[at]);
  const bool every_way = role == Role::superuser || attacks::everything();
  const auto outcomes = battle(
      ground, role,
      [&](const std::string& conninfo) {
        return attacks::opsh_session(conninfo, every_way ? attacks::Ways::all : attacks::Ways::cursor);
      },
      order, order.size());
  report(std::string{"opsh as "} + name_of(role), outcomes);
  CHECK(ground.attacks().size() >= 150);
  for (const Outcome& outcome : outcomes) {
    const Attack& attack = *outcome.attack;
    INFO(attack.family << ": " << attack.name << ": " << in_words(attack.steps));
    if (!attack.open.empty()) continue;
    CHECK(outcome.changed == "");
    if (attack.may_run.empty() && (role != Role::superuser || attack.may_run_as_superuser.empty()))
      CHECK(is_stopped(outcome));
  }
}

/// Whether the control has to leak `wanted` times. It goes through the table in leaps and stops there, because each
/// leak costs a database; with OPSH_ATTACKS_ALL it goes on to the end, and says how many there are.
void require_leaks_without_the_gate(Role role, std::size_t wanted) {
  Ground ground;
  std::vector<const Attack*> order;
  constexpr std::size_t leap = 7;
  for (std::size_t first = 0; first < leap; ++first) {
    for (std::size_t at = first; at < ground.attacks().size(); at += leap) order.push_back(&ground.attacks()[at]);
  }
  const bool all = attacks::everything();
  const auto outcomes = battle(ground, role, attacks::careless_session, order, all ? order.size() : wanted);
  report(std::string{"control as "} + name_of(role), outcomes);
  std::size_t leaks = 0;
  for (const Outcome& outcome : outcomes) leaks += !outcome.changed.empty();
  if (all)
    WARN("without the gate " << leaks << " of " << outcomes.size() << " attacks as " << name_of(role) << " leak");
  CHECK(leaks >= wanted);
}

}  // namespace

TEST_CASE("no attack as superuser changes anything") {
  require_nothing_changes(Role::superuser);
}

TEST_CASE("no attack as owner of the tables changes anything") {
  require_nothing_changes(Role::owner);
}

TEST_CASE("no attack as a reader changes anything") {
  require_nothing_changes(Role::reader);
}

// The counts are those of a prototype with 82 attacks.
TEST_CASE("a read-only transaction without the gate lets a superuser's attacks through") {
  require_leaks_without_the_gate(Role::superuser, 27);
}

TEST_CASE("a read-only transaction without the gate lets attacks of the owner of the tables through") {
  require_leaks_without_the_gate(Role::owner, 20);
}

TEST_CASE("a read-only transaction without the gate lets a reader's attacks through") {
  require_leaks_without_the_gate(Role::reader, 4);
}
