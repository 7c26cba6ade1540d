#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/relation.hpp"
#include "db/writer.hpp"
#include "journal/tables.hpp"
#include "journal/written.hpp"

namespace opsh::journal {

/// Rows of one leaf that a batch changed in the same way: a row of opsh.journal.
struct Chunk {
  const Leaf* leaf = nullptr;
  const char* operation = nullptr;  ///< "insert", "update", "delete"
  int statement = 0;                ///< from 0; `indirect` when a cascade or a trigger did it
  std::vector<std::size_t> columns;
  db::ArrayText keys, before, after;
  std::size_t rows = 0;

  static constexpr int indirect = 1 << 30;
};

/// Gathers the changed rows of a batch into chunks.
class Chunks {
 public:
  using Value = std::optional<std::string_view>;

  /// Values are of `columns` (indices into the leaf's), in their order. `digest` is of the values of all of them.
  void inserted(const Leaf& leaf, int statement, const Key& key, const std::vector<std::size_t>& columns,
                const std::string& digest);
  void updated(const Leaf& leaf, int statement, const Key& key, const std::vector<std::size_t>& columns,
               const std::vector<Value>& before, const std::vector<Value>& after);
  void deleted(const Leaf& leaf, int statement, const Key& key, const std::vector<std::size_t>& columns,
               const std::vector<Value>& before);

  /// Sends them to opsh.journal, in the order of the statements. Returns how many rows changed.
  std::uint64_t store(db::Writer& writer, const std::string& run, int step, int batch);

 private:
  Chunk& open(const Leaf& leaf, const char* operation, int statement, const std::vector<std::size_t>& columns);

  std::vector<Chunk> chunks_;
  /// Those that are not full, by leaf, operation, statement and columns.
  std::map<std::tuple<unsigned, std::string_view, int, std::vector<std::size_t>>, std::size_t> open_;
};

}  // namespace opsh::journal
