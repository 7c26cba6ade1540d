#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "db/connection.hpp"
#include "journal/tables.hpp"
#include "journal/written.hpp"

namespace opsh::journal {

/// A session that reads: the batch's own, or the witness.
struct Looker {
  std::function<db::Result(const sql::ReadSql&, const db::Parameters&)> ask;
  db::Connection& connection;
};

/// Rows of one leaf by their keys, as plain columns in text.
class Images {
 public:
  using Row = std::pair<const db::Result*, int>;

  /// Reads the columns (indices into the leaf's) of the rows with these keys; ONLY the leaf, none of its heirs. Keys
  /// are compared by their bytes here, whatever the server's collation finds equal.
  void read(const Looker& looker, const Leaf& leaf, std::span<const Key> keys, std::span<const std::size_t> columns);

  const Row* find(const Key& key) const;
  /// A column, by its place among those that were read.
  std::optional<std::string_view> value(const Row& row, std::size_t place) const {
    return row.first->field(row.second, static_cast<int>(keys_ + place));
  }
  std::size_t size() const { return rows_.size(); }

 private:
  std::size_t keys_ = 0;
  std::vector<std::unique_ptr<db::Result>> results_;
  std::unordered_map<Key, Row> rows_;
};

/// The least and the greatest of keys that are integers: batches go in the order of their keys, and a range of an index
/// is read faster than key by key, or than the whole table. Nothing for other types.
std::optional<std::pair<std::int64_t, std::int64_t>> integer_range(unsigned type, std::span<const Key> keys);

/// The keys that a query gives: its first `columns` columns.
std::vector<Key> keys_in(const db::Result& result, std::size_t columns);

/// The transaction that a session is in, to tell its rows from those of others.
struct OwnTransaction {
  std::string id, age;
  static OwnTransaction of(const Looker& looker);
};

/// The keys of a leaf's rows that this transaction has written, among those given or, without, in the whole table.
std::vector<Key> own_rows(const Looker& looker, const OwnTransaction& own, const Leaf& leaf,
                          const std::vector<Key>* among);

/// The keys of a leaf's committed rows that some transaction has locked, changed or deleted, among those given or,
/// without, in the whole table.
std::vector<Key> marked_rows(const Looker& looker, const Leaf& leaf, const std::vector<Key>* among);

/// Those of `keys` that the session sees.
std::vector<Key> seen_rows(const Looker& looker, const Leaf& leaf, const std::vector<Key>& keys);

}  // namespace opsh::journal
