#include "journal/chunks.hpp"

#include <algorithm>

#include "db/copy.hpp"

namespace opsh::journal {
namespace {

// As many as a batch has items: undo then takes back a statement's rows with one statement.
constexpr std::size_t most_rows = 10000;

std::string array_of(const std::vector<Chunks::Value>& values) {
  db::ArrayText array;
  for (const auto& value : values) array.add(value);
  return array.take();
}

std::string key_array(const Key& key) {
  db::ArrayText array;
  for (auto field : fields_of(key)) array.add(field);
  return array.take();
}

template <typename Indices, typename Text>
std::string array_over(const Leaf& leaf, const Indices& columns, Text&& text) {
  db::ArrayText array;
  for (std::size_t column : columns) array.add(text(leaf.columns[column]));
  return array.take();
}

std::string number_of(const Column& column) {
  return std::to_string(column.number);
}

std::string name_of(const Column& column) {
  return column.name;
}

std::string type_of(const Column& column) {
  return std::to_string(column.type);
}

}  // namespace

Chunk& Chunks::open(const Leaf& leaf, const char* operation, int statement, const std::vector<std::size_t>& columns) {
  auto [known, made] = open_.try_emplace({leaf.oid, operation, statement, columns}, chunks_.size());
  if (!made && chunks_[known->second].rows == most_rows) {
    known->second = chunks_.size();
    made = true;
  }
  if (made) {
    Chunk& chunk = chunks_.emplace_back();
    chunk.leaf = &leaf;
    chunk.operation = operation;
    chunk.statement = statement;
    chunk.columns = columns;
  }
  Chunk& chunk = chunks_[known->second];
  ++chunk.rows;
  return chunk;
}

void Chunks::inserted(const Leaf& leaf, int statement, const Key& key, const std::vector<std::size_t>& columns,
                      const std::string& digest) {
  Chunk& chunk = open(leaf, "insert", statement, columns);
  chunk.keys.add(key_array(key));
  chunk.after.add(digest);
}

void Chunks::updated(const Leaf& leaf, int statement, const Key& key, const std::vector<std::size_t>& columns,
                     const std::vector<Value>& before, const std::vector<Value>& after) {
  Chunk& chunk = open(leaf, "update", statement, columns);
  chunk.keys.add(key_array(key));
  chunk.before.add(array_of(before));
  chunk.after.add(array_of(after));
}

void Chunks::deleted(const Leaf& leaf, int statement, const Key& key, const std::vector<std::size_t>& columns,
                     const std::vector<Value>& before) {
  Chunk& chunk = open(leaf, "delete", statement, columns);
  chunk.keys.add(key_array(key));
  chunk.before.add(array_of(before));
}

std::uint64_t Chunks::store(db::Writer& writer, const std::string& run, int step, int batch) {
  if (chunks_.empty()) return 0;
  std::ranges::stable_sort(chunks_, {}, &Chunk::statement);
  std::vector<sql::Identifier> columns;
  for (const char* name : {"run", "step", "batch", "part", "leaf", "table_name", "operation", "direct", "key_numbers",
                           "key_names", "numbers", "names", "types", "keys", "old", "new"})
    columns.emplace_back(name);
  db::CopyIn copy{writer, sql::QualifiedName{"opsh", "journal"}, columns};
  std::uint64_t rows = 0;
  int part = 0;
  for (auto& chunk : chunks_) {
    const Leaf& leaf = *chunk.leaf;
    bool is_insert = chunk.operation == std::string_view{"insert"},
         is_delete = chunk.operation == std::string_view{"delete"};
    std::vector<std::optional<std::string>> fields = {
        run,
        std::to_string(step),
        std::to_string(batch),
        std::to_string(++part),
        std::to_string(leaf.oid),
        leaf.name.text(),
        chunk.operation,
        chunk.statement == Chunk::indirect ? "f" : "t",
        array_over(leaf, leaf.key, number_of),
        array_over(leaf, leaf.key, name_of),
        array_over(leaf, chunk.columns, number_of),
        array_over(leaf, chunk.columns, name_of),
        array_over(leaf, chunk.columns, type_of),
        chunk.keys.take(),
        is_insert ? std::nullopt : std::optional{chunk.before.take()},
        is_delete ? std::nullopt : std::optional{chunk.after.take()},
    };
    copy.row(std::vector<std::optional<std::string_view>>{fields.begin(), fields.end()});
    rows += chunk.rows;
  }
  copy.finish();
  return rows;
}

}  // namespace opsh::journal
