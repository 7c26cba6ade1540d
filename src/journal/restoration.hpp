#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "journal/batch.hpp"
#include "journal/decision.hpp"
#include "journal/row_order.hpp"
#include "journal/row_writes.hpp"

namespace opsh::journal {

/// Puts back the rows of one batch that were decided about, and proves that each is what it was.
///
/// First what its statements changed, the last one first; then, where that is not so yet, what cascades and triggers
/// had changed: to put back a total before its parts lets the trigger count twice. Of grouped changes the order of the
/// statements is lost; they go in the one that foreign keys want, which does nearly always.
class Restoration {
 public:
  /// Adds to `decision` the rows that the server refuses to put back.
  Restoration(Batch& batch, Looker looker, StoredChanges& changes, CurrentLeaves& leaves, Decision& decision);

  /// Errors: "undo.changed" when somebody else changed a locked row; "undo.inexact", with table, key and column, when a
  /// row is not what it was although everything was put back. Of grouped changes a row that the server refuses is
  /// not left: its error is thrown, and the changes may come back in their order.
  void run();

  /// Errors that some rows cause and others do not: the order in which they are put back may be why.
  static bool is_about_rows(const Error& error);

  /// Rows by table and column that could not be set: a trigger overrules it, or the server computes it.
  using Unrestored = std::map<std::pair<std::string, std::string>, std::uint64_t>;
  const Unrestored& unrestored() const { return unrestored_; }

 private:
  /// A row that is not what it was, with the columns that differ (by place in the chunk) and what is there.
  struct Remaining {
    RowId id;
    std::vector<std::size_t> places;
    std::vector<std::optional<std::string>> found;  ///< of all columns; empty: there is no row
  };

  void take_back_direct();
  std::pair<int, int> turn(std::size_t chunk) const;
  bool reaches_others(std::size_t chunk);
  std::vector<Remaining> remaining();
  void find_remaining(std::size_t chunk, std::vector<Remaining>& remaining);
  std::vector<std::size_t> differing(RowId id, const Images& images, const Images::Row& row);
  void require_own(std::size_t chunk, const std::vector<Key>& keys);
  void put_back(std::vector<Remaining> remaining);
  void put_back_first();

  /// Runs a statement over rows of like chunks. Those that the server refuses are left, and the others tried without
  /// them. Returns how many rows were written.
  using Statement = std::function<std::uint64_t(std::span<const RowId>)>;
  std::uint64_t attempt(std::span<const RowId> rows, const Statement& statement);
  void attempt_update(std::span<const RowId> rows, const Statement& statement);
  void leave(RowId id, const Error& error);
  void note_overruled(std::span<const RowId> rows);

  std::vector<RowId> rows_of(std::size_t chunk) const;
  bool is_left(RowId id) const { return decision_.left[id.chunk][id.row]; }
  Change change(std::size_t chunk) const { return changes_.chunks()[chunk].change; }

  Batch& batch_;
  Looker looker_;
  StoredChanges& changes_;
  CurrentLeaves& leaves_;
  Decision& decision_;
  RowWrites writes_;
  RowOrder order_;
  /// Row and column that differed directly after they were set: chunk, row, place.
  std::set<std::tuple<std::size_t, std::size_t, std::size_t>> overruled_;
  Unrestored unrestored_;
  bool disturbed_ = false;  ///< a trigger or a cascade may have changed rows since they were compared
  bool short_ = false;      ///< a statement found fewer rows than it was given
};

}  // namespace opsh::journal
