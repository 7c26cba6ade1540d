#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "journal/images.hpp"
#include "journal/tables.hpp"
#include "journal/written.hpp"

namespace opsh::journal {

/// What became of one row: as it was right before a statement, and as it is right after it.
struct RowChange {
  struct Cell {
    std::string column;
    std::optional<std::string> before, after;
  };

  std::string table;  ///< the one that holds the row
  std::vector<std::pair<std::string, std::string>> key;
  const char* operation = "update";  ///< "insert", "update", "delete"
  bool direct = true;                ///< false: a cascade or a trigger did it
  std::vector<Cell> cells;           ///< of an update those that differ, else all that can be written
};

/// What the last statement of a batch did, for a person to look at. What is kept is decided by Capture::changes().
struct StatementChanges {
  std::vector<RowChange> rows;  ///< the first ones; those of the statement come before those of cascades
  std::vector<std::vector<std::pair<std::string, std::string>>> keys;  ///< of the statement's own rows, the first ones
  std::uint64_t direct = 0;                                            ///< rows that it returned
  std::map<std::string, std::uint64_t> indirect;  ///< by table, rows that cascades and triggers changed
};

/// Adds at most `most` rows that the last statement returned. What an earlier statement of the batch returned of a row
/// is what it was before; else what the witness sees. Errors: "proof.hidden".
void add_returned_rows(const Tables& tables, const Written& written, const Looker& witness, std::size_t most,
                       StatementChanges& changes);

/// Adds rows of a leaf that no statement returned, as long as there are no more than `most` in all; counts all.
void add_indirect_rows(const Leaf& leaf, const std::vector<Key>& keys, const Looker& batch, const Looker& witness,
                       std::size_t most, StatementChanges& changes);

}  // namespace opsh::journal
