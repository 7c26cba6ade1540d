#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "journal/conflict.hpp"
#include "journal/references.hpp"

namespace opsh::journal {

/// What the undo did, or is about to do, about later batches' changes of a row.
enum class Later { none, undone, left };

/// Tells it of some rows of a chunk, in their order.
using LaterChanges = std::function<std::vector<Later>(const StoredChunk& chunk, const std::vector<Key>& keys)>;

/// Which rows of a batch are put back, and which stay as they are.
struct Decision {
  std::vector<CurrentChunk> current;  ///< by chunk
  Left left;
  std::vector<Conflict> conflicts;
  /// Rows that refer to rows that will be deleted: they go, or let go, before those.
  std::vector<RowId> first;

  std::uint64_t rows_left() const;
};

/// Decides about the batches of a run, the last one first, from what is there now.
class Decider {
 public:
  Decider(Looker looker, CurrentLeaves& leaves, LaterChanges later)
      : looker_(looker), leaves_(leaves), later_(std::move(later)), references_(std::move(looker), leaves) {}

  /// Locks the rows first, in the order of their keys: from then on nobody else changes what was decided about.
  Decision decide_locked(StoredChanges& changes);

  /// Reads only, and counts the batch as undone from then on.
  Decision suppose(StoredChanges& changes);

 private:
  Decision decide(StoredChanges& changes, bool locked);
  void decide_chunk(std::size_t chunk, const StoredChunk& stored, const StoredRows& rows, bool locked,
                    Decision& decision);
  void keep_what_is_referred_to(StoredChanges& changes, Decision& decision);

  Looker looker_;
  CurrentLeaves& leaves_;
  LaterChanges later_;
  References references_;
};

}  // namespace opsh::journal
