#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "journal/batch.hpp"
#include "journal/conflict.hpp"
#include "journal/restoration.hpp"
#include "journal/stored_changes.hpp"

namespace opsh::journal {

/// What the undo of one batch did.
struct Undone {
  std::uint64_t inserts = 0, updates = 0, deletes = 0;  ///< of the run, that were taken back: rows
  std::uint64_t left = 0;                               ///< rows
  std::vector<Conflict> conflicts;
  Restoration::Unrestored unrestored;
};

/// Takes a batch of a run back inside `batch`, which belongs to the run `undo`. Batches of the run that came later are
/// taken back already.
///
/// Rows are locked and decided about before the first write. What was edited since is left and listed; nothing
/// cascades; at the end each row that was put back is what it was, byte for byte. Errors: "undo.changed",
/// "undo.inexact": the batch must be rolled back.
Undone undo_batch(Batch& batch, const BatchId& original, const std::string& undo);

/// Records an item of a schema step that was left as it is, after the ledger's row.
void record_left(Batch& batch, const BatchId& place, const std::string& step, const std::vector<std::string>& key,
                 const std::string& why);

/// Records what was left, after the ledger's row: in opsh.conflict and in opsh.batch.skipped.
void record_conflicts(Batch& batch, const BatchId& place, const Undone& undone);

}  // namespace opsh::journal
