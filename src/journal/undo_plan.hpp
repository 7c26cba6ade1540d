#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "journal/conflict.hpp"
#include "journal/decision.hpp"

namespace opsh::journal {

/// What an undo finds in one table.
struct UndoTable {
  bool gone = false;
  std::map<Change, std::uint64_t> rows, left;  ///< by what the run did; a row counts once for each batch
  std::vector<std::string> triggers;
  std::set<std::string> indirect;    ///< columns that cascades and triggers of the run changed
  std::set<std::string> unsettable;  ///< changed columns that no statement can set back
  std::set<std::string> gained;      ///< columns that it has now and had not then: a re-inserted row gets their default
};

/// What an undo of a run would do, as things are now.
struct UndoPlan {
  std::map<std::string, UndoTable> tables;  ///< by the name that the run knew
  std::vector<Conflict> conflicts;          ///< the first of them
  std::uint64_t conflict_count = 0;
  std::uint64_t restored = 0, left = 0;  ///< changes, of all tables
};

/// Reads the journal of a run and compares it with what is there. Locks nothing: it may look different when the undo
/// comes. Of a row that several batches changed, the newest change decides.
class UndoPlanner {
 public:
  /// Keeps at most so many conflicts.
  UndoPlanner(Looker looker, std::size_t most_conflicts);

  /// The batches, the newest one first.
  void add(const BatchId& batch);

  const UndoPlan& plan() const { return plan_; }

 private:
  std::vector<Later> later(const StoredChunk& chunk, const std::vector<Key>& keys) const;
  void count(const StoredChunk& chunk, const StoredRows& rows, const CurrentChunk& current,
             const std::vector<bool>& left);

  Looker looker_;
  std::size_t most_conflicts_;
  CurrentLeaves leaves_;
  Decider decider_;
  std::unordered_map<std::string, bool> seen_;  ///< by leaf and key: whether it is left
  UndoPlan plan_;
};

}  // namespace opsh::journal
