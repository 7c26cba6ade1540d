#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "journal/current_leaf.hpp"

namespace opsh::journal {

/// A row of a batch: the place of its chunk, and its place in that.
struct RowId {
  std::size_t chunk = 0, row = 0;
};

/// For each chunk and row, whether the undo leaves it as it is.
using Left = std::vector<std::vector<bool>>;

/// A row refers to one that is about to be deleted, or to have another value where it is referred to.
struct Reference {
  RowId parent;
  std::optional<RowId> child;  ///< a row that the same batch takes back, and with it the reference; else a stranger's
  std::string from;            ///< the table that refers and its constraint
};

/// Finds what refers to rows that an undo is about to delete, or in what it is about to change: whatever the ON DELETE
/// and ON UPDATE, nothing may be left behind or taken along.
class References {
 public:
  References(Looker looker, CurrentLeaves& leaves) : looker_(std::move(looker)), leaves_(leaves) {}

  /// Those to rows of `changes` that are not left; several by strangers to one row may be given as one.
  std::vector<Reference> find(StoredChanges& changes, const std::vector<CurrentChunk>& current, const Left& left);

  /// From here on the batch counts as undone, though it is not: for a plan, which looks at the next one too.
  void suppose_undone(const Left& left);

 private:
  /// A row that stops referring when its batch is undone.
  struct Place {
    RowId row;
    bool supposed_undone = false;
    std::shared_ptr<const std::vector<std::string>> columns;  ///< those that change back; null: the row goes
    bool releases(const ForeignKey& key) const;
  };

  void locate_rows(StoredChanges& changes, const std::vector<CurrentChunk>& current, const Left& left);
  void find_in(std::size_t chunk, const StoredRows& rows, const CurrentChunk& current, const ForeignKey& key,
               const Left& left, std::vector<Reference>& found);

  Looker looker_;
  CurrentLeaves& leaves_;
  std::unordered_map<std::string, Place> places_;  ///< by tableoid and ctid
};

}  // namespace opsh::journal
