#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attacks/attackers.hpp"
#include "attacks/ground.hpp"

namespace attacks {

/// What one attack came to.
struct Outcome {
  const Attack* attack = nullptr;
  std::string changed;          ///< what the observer saw change, in words; empty when nothing did
  std::vector<Answer> answers;  ///< of all its statements, in every way
};

using OpenSession = std::function<std::unique_ptr<Session>(const std::string& conninfo)>;

/// Lets the attacks loose on the ground as `role`, in this order, each in a session of its own, and looks after each
/// one; what was changed is restored before the next. It ends early with the attack that is the `enough`th to change
/// something.
std::vector<Outcome> battle(Ground& ground, Role role, const OpenSession& open, const std::vector<const Attack*>& order,
                            std::size_t enough);

/// Whether OPSH_ATTACKS_ALL asks for what a test run has no time for.
bool everything();

}  // namespace attacks
