#pragma once

#include <map>
#include <vector>

#include "journal/references.hpp"

namespace opsh::journal {

/// In which order foreign keys let rows come and go.
class RowOrder {
 public:
  RowOrder(const StoredChanges& changes, CurrentLeaves& leaves);

  /// Lower where rows are referred to, higher where they refer.
  int rank(std::size_t chunk) const { return ranks_.at(changes_.chunks()[chunk].leaf); }

  /// Splits rows, in their order, into those of one statement each: a chunk has a statement of its own, but rows that
  /// refer to rows of their own table come and go together.
  std::vector<std::vector<RowId>> statements_of(const std::vector<RowId>& rows);

 private:
  bool shares_statement(std::size_t chunk, std::size_t other);

  const StoredChanges& changes_;
  CurrentLeaves& leaves_;
  std::map<unsigned, int> ranks_;  ///< by leaf
};

}  // namespace opsh::journal
