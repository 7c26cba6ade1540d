#pragma once

#include <map>
#include <string>

#include "support/peer.hpp"

namespace attacks {

/// What an observer saw, by name.
using Observed = std::map<std::string, std::string>;

/// What differs, each with both values; empty when nothing does.
std::string differences(const Observed& before, const Observed& after);

/// Looks at a database and its server, over a session of its own. It asks catalogs and tables only in ways that run
/// nothing that a user of the database wrote, and shares no code with opsh.
class Observer {
 public:
  explicit Observer(const std::string& conninfo);

  /// The versions of all rows of all tables and catalogs, sequences, transaction ids, slots, prepared transactions,
  /// advisory locks, configuration, statistics, checkpoints.
  Observed look();

  /// What kinds of records the server has logged between the last two looks, other than those of reading. Takes up to a
  /// second when there are any.
  std::string logged();

  /// What other sessions in this database hold beyond what reading takes: locks, a transaction id, a snapshot for
  /// others. Empty when they hold nothing.
  std::string held();

 private:
  test::Peer session_;
  std::string position_, position_before_;  ///< in the log, at the last look and the one before it
};

}  // namespace attacks
