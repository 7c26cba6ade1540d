#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "journal/images.hpp"
#include "journal/written.hpp"

namespace opsh::journal {

/// What a batch did to rows, by its net effect.
enum class Change { insert, update, remove };

std::string_view word_of(Change change);

/// A row of opsh.journal, or several, without their rows: changes of one leaf, of one kind, to the same columns.
struct StoredChunk {
  std::vector<int> parts;
  unsigned leaf = 0;
  std::string table;  ///< its name then
  Change change = Change::update;
  bool direct = true;
  std::vector<int> key_numbers;  ///< pg_attribute.attnum
  std::vector<std::string> key_names;
  std::vector<int> numbers;
  std::vector<std::string> names;
  std::vector<unsigned> types;
  std::size_t rows = 0;
};

/// The rows of a chunk.
struct StoredRows {
  std::vector<Key> keys;
  std::vector<std::vector<std::optional<std::string>>> old;    ///< by row and column; empty for inserts
  std::vector<std::vector<std::optional<std::string>>> wrote;  ///< empty for deletes; for inserts see `digests`
  std::vector<std::string> digests;                            ///< of inserts: row_digest()
};

/// A batch in a run's ledger.
struct BatchId {
  std::string run;
  int step = 0;
  int number = 0;
};

/// Whether like rows of opsh.journal become one chunk. A batch with a statement per item has thousands of a few rows.
enum class Grouping { none, alike };

/// The changes of one batch, read from the journal. The rows of a large one are read anew whenever they are asked for.
class StoredChanges {
 public:
  StoredChanges(const Looker& looker, BatchId id, Grouping grouping);

  /// In the order in which the batch wrote, a group where the last of its parts was; so are the rows of each.
  const std::vector<StoredChunk>& chunks() const { return chunks_; }

  /// Whether a chunk has been made of several parts: what the batch did in between is no longer in order.
  bool grouped() const { return grouped_; }

  /// Valid until the next call.
  const StoredRows& rows(std::size_t chunk);

 private:
  StoredRows read(const StoredChunk& chunk) const;

  Looker looker_;
  BatchId id_;
  std::vector<StoredChunk> chunks_;
  bool grouped_ = false;
  std::vector<std::optional<StoredRows>> kept_;
  bool keeps_all_ = true;
};

/// The elements of a one-dimensional array in PostgreSQL's text format.
std::vector<std::optional<std::string>> elements_of(std::string_view array);

/// A row's key as the journal and the conflicts store it.
std::string stored_key(const Key& key);

}  // namespace opsh::journal
