#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "journal/images.hpp"
#include "journal/stored_changes.hpp"
#include "journal/tables.hpp"

namespace opsh::journal {

/// A foreign key that refers to rows of a leaf, its own or one of a partitioned table above it.
struct ForeignKey {
  std::string name;
  unsigned table = 0;  ///< the one that refers
  sql::QualifiedName table_name{"?"};
  bool partitioned = false;
  std::vector<std::string> columns;          ///< of the table that refers
  std::vector<std::string> referenced;       ///< of the leaf, in the same order
  std::vector<std::string> operator_schema;  ///< of the `=` that compares them
};

/// A table of the journal as it is now.
struct CurrentLeaf {
  Leaf leaf;                                   ///< its key is that of the last chunk asked for
  std::map<int, sql::QualifiedName> types;     ///< by number of the column
  std::vector<unsigned> above;                 ///< itself and the partitioned tables that it is a partition of
  std::vector<std::string> partition_columns;  ///< of the tables above: what moves a row, expressions aside
  std::vector<std::string> triggers;           ///< those of users that are enabled
  std::vector<std::vector<int>> unique;        ///< columns of the indexes that tell rows apart, by number, sorted
  std::optional<std::vector<ForeignKey>> references;  ///< once asked for
  std::optional<std::set<std::string>> referring;     ///< once asked for

  /// By number; nothing when the column is dropped.
  std::optional<std::size_t> column(int number) const;
  bool is_below(unsigned table) const;
};

/// Why a whole chunk cannot be taken back, and by which column.
struct Obstacle {
  std::string reason, column;
};

/// Reads them from the catalog, each once.
class CurrentLeaves {
 public:
  explicit CurrentLeaves(Looker looker) : looker_(std::move(looker)) {}

  /// Null when the table is gone.
  CurrentLeaf* find(unsigned oid);

  /// The foreign keys of other tables, and its own, that refer to it.
  const std::vector<ForeignKey>& references(CurrentLeaf& leaf);

  /// Its columns that refer to other rows.
  const std::set<std::string>& referring(CurrentLeaf& leaf);

 private:
  std::optional<CurrentLeaf> read(unsigned oid) const;

  Looker looker_;
  std::map<unsigned, std::optional<CurrentLeaf>> known_;
};

/// A chunk's columns where they are now: a renamed column is followed by its number.
struct CurrentChunk {
  CurrentLeaf* leaf = nullptr;   ///< null when the table is gone
  std::vector<std::size_t> key;  ///< indices into the leaf's columns
  std::vector<std::size_t> columns;
  std::vector<bool> writable;  ///< by column: what puts the row back can set it
  /// Whether one of the columns has one of these names.
  bool touches(const std::vector<std::string>& names) const;

  std::optional<Obstacle> obstacle;  ///< then the rest means nothing
};

CurrentChunk locate(const StoredChunk& chunk, CurrentLeaves& leaves);

}  // namespace opsh::journal
