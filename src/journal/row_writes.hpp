#pragma once

#include <functional>
#include <span>
#include <vector>

#include "journal/batch.hpp"
#include "journal/decision.hpp"

namespace opsh::journal {

/// The statements that put rows back, each over rows of chunks that are alike: of one leaf, one kind of change and the
/// same columns. Each returns how many rows the server wrote.
class RowWrites {
 public:
  RowWrites(Batch& batch, StoredChanges& changes, const Decision& decision)
      : batch_(batch), changes_(changes), decision_(decision) {}

  /// Inserts the rows as they were.
  std::uint64_t insert(std::span<const RowId> rows);

  std::uint64_t remove(std::span<const RowId> rows);

  using Expected = std::function<const std::optional<std::string>&(RowId row, std::size_t place)>;

  /// Sets the columns at `places` to what they were, in rows whose columns `compared` have the expected text, byte for
  /// byte.
  std::uint64_t update(std::span<const RowId> rows, const std::vector<std::size_t>& places,
                       const std::vector<std::size_t>& compared, const Expected& expected);

 private:
  std::vector<Key> keys_of(std::span<const RowId> rows);
  db::ArrayText old_values(std::span<const RowId> rows, std::size_t place);
  std::uint64_t write(sql::StatementKind kind, const CurrentChunk& current, std::vector<std::string> assigned,
                      const sql::WriteSql& sql, const db::Parameters& parameters);

  Batch& batch_;
  StoredChanges& changes_;
  const Decision& decision_;
};

}  // namespace opsh::journal
