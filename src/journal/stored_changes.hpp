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

/// One row of opsh.journal without its rows: changes of one leaf, of one kind, to the same columns.
struct StoredChunk {
  int part = 0;
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

/// The changes of one batch, read from the journal. The rows of a large one are read anew whenever they are asked for.
class StoredChanges {
 public:
  StoredChanges(const Looker& looker, BatchId id);

  /// In the order in which the batch wrote.
  const std::vector<StoredChunk>& chunks() const { return chunks_; }

  /// Valid until the next call.
  const StoredRows& rows(std::size_t chunk);

 private:
  StoredRows read(const StoredChunk& chunk) const;

  Looker looker_;
  BatchId id_;
  std::vector<StoredChunk> chunks_;
  std::vector<std::optional<StoredRows>> kept_;
  bool keeps_all_ = true;
};

/// The elements of a one-dimensional array in PostgreSQL's text format.
std::vector<std::optional<std::string>> elements_of(std::string_view array);

/// A row's key as the journal and the conflicts store it.
std::string stored_key(const Key& key);

}  // namespace opsh::journal
