#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/result.hpp"

namespace opsh::journal {

/// A row's key within its leaf: the texts of its columns, apart by a NUL, which no text holds.
using Key = std::string;

std::vector<std::string_view> fields_of(const Key& key);

enum class Act { insert, update, remove, upsert };

/// How often rows of a table were written. An upsert is one of the first two, and which is not known yet.
struct Counts {
  std::int64_t inserted = 0, updated = 0, deleted = 0, upserted = 0;
  void add(Act act);
};

/// What one statement returned of the rows that it wrote.
struct Returned {
  std::shared_ptr<const db::Result> result;
  int at = 0;                            ///< the column that holds tableoid; the key's columns follow
  std::size_t keys = 0;                  ///< how many they are
  std::vector<std::string> images = {};  ///< the columns after them: how these were when the statement had written
};

/// A row that a statement wrote.
struct WrittenRow {
  unsigned leaf = 0;
  Act act = Act::insert;
  int statement = 0;  ///< from 0
  int row = 0;        ///< of what that statement returned
  Key key;
};

/// What the statements of a batch wrote, row by row, in their order.
class Written {
 public:
  void add(Act act, Returned returned);

  const std::vector<WrittenRow>& rows() const { return rows_; }
  const Returned& returned(int statement) const { return returned_[static_cast<std::size_t>(statement)]; }
  std::size_t statements() const { return returned_.size(); }

  /// Per leaf, also what was taken back to a savepoint: the server counts that as well.
  const std::map<unsigned, Counts>& counts() const { return counts_; }

  struct Mark {
    std::size_t rows = 0, statements = 0;
  };
  Mark mark() const { return {rows_.size(), returned_.size()}; }
  /// Forgets the rows since the mark; their counts stay.
  void take_back(const Mark& mark);

 private:
  std::vector<Returned> returned_;
  std::vector<WrittenRow> rows_;
  std::map<unsigned, Counts> counts_;
};

}  // namespace opsh::journal
