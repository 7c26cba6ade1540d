#include "journal/stored_changes.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "db/borrowed.hpp"
#include "db/relation.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

// A usual batch is read once; one as large as a table (atomic) must not fill the memory.
constexpr std::size_t most_rows_kept = 100'000;
// As in a part of the journal: more keys than that turn into scans of whole tables.
constexpr std::size_t most_rows_grouped = 10'000;

template <typename Number>
std::vector<Number> numbers_of(std::string_view array) {
  std::vector<Number> numbers;
  for (const auto& element : elements_of(array)) numbers.push_back(static_cast<Number>(std::stoll(element.value())));
  return numbers;
}

std::vector<std::string> texts_of(std::string_view array) {
  std::vector<std::string> texts;
  for (auto& element : elements_of(array)) texts.push_back(std::move(element).value());
  return texts;
}

Key key_of(std::string_view array) {
  Key key;
  bool first = true;
  for (const auto& element : elements_of(array)) {
    if (!first) key += '\0';
    first = false;
    key += element.value_or("");
  }
  return key;
}

Change change_of(std::string_view word) {
  if (word == "insert") return Change::insert;
  return word == "delete" ? Change::remove : Change::update;
}

bool alike(const StoredChunk& one, const StoredChunk& other) {
  auto shape = [](const StoredChunk& chunk) {
    return std::tie(chunk.leaf, chunk.table, chunk.change, chunk.direct, chunk.key_numbers, chunk.key_names,
                    chunk.numbers, chunk.names, chunk.types);
  };
  return shape(one) == shape(other);
}

/// Puts each chunk to the like ones before it; what is at a later place comes later.
std::vector<StoredChunk> grouped(std::vector<StoredChunk> chunks) {
  std::vector<StoredChunk> groups;
  for (auto& chunk : chunks) {
    auto known = std::ranges::find_if(
        groups, [&](const auto& group) { return alike(group, chunk) && group.rows + chunk.rows <= most_rows_grouped; });
    if (known == groups.end()) {
      groups.push_back(std::move(chunk));
      continue;
    }
    known->parts.push_back(chunk.parts.front());
    known->rows += chunk.rows;
    std::rotate(known, known + 1, groups.end());
  }
  return groups;
}

db::Parameters parameters_of(const BatchId& id) {
  return {
      {id.run, db::oid::text}, {std::to_string(id.step), db::oid::int4}, {std::to_string(id.number), db::oid::int4}};
}

}  // namespace

std::string_view word_of(Change change) {
  switch (change) {
    case Change::insert:
      return "insert";
    case Change::remove:
      return "delete";
    case Change::update:
      break;
  }
  return "update";
}

std::vector<std::optional<std::string>> elements_of(std::string_view array) {
  std::vector<std::optional<std::string>> elements;
  db::walk_array(array, [&](db::ArrayStep step, std::string_view value) {
    if (step == db::ArrayStep::value) elements.emplace_back(value);
    if (step == db::ArrayStep::null) elements.emplace_back();
  });
  return elements;
}

std::string stored_key(const Key& key) {
  db::ArrayText array;
  for (auto field : fields_of(key)) array.add(field);
  return array.take();
}

StoredChanges::StoredChanges(const Looker& looker, BatchId id, Grouping grouping)
    : looker_(looker), id_(std::move(id)) {
  db::Result found = looker_.ask(
      "select j.part, j.leaf, j.table_name, j.operation, j.direct, j.key_numbers, j.key_names, j.numbers, j.names, "
      "j.types, pg_catalog.cardinality(j.keys) from opsh.journal as j "
      "where (j.run, j.step, j.batch) = ($1, $2, $3) order by j.part"_sql,
      parameters_of(id_));
  std::size_t all = 0;
  for (int row = 0; row < found.rows(); ++row) {
    auto text = [&](int column) { return found.field(row, column).value(); };
    auto number = [&](int column) { return std::stoul(std::string{text(column)}); };
    chunks_.push_back({{static_cast<int>(number(0))},
                       static_cast<unsigned>(number(1)),
                       std::string{text(2)},
                       change_of(text(3)),
                       text(4) == "t",
                       numbers_of<int>(text(5)),
                       texts_of(text(6)),
                       numbers_of<int>(text(7)),
                       texts_of(text(8)),
                       numbers_of<unsigned>(text(9)),
                       number(10)});
    all += chunks_.back().rows;
  }
  if (grouping == Grouping::alike) {
    std::size_t parts = chunks_.size();
    chunks_ = journal::grouped(std::move(chunks_));
    grouped_ = chunks_.size() < parts;
  }
  keeps_all_ = all <= most_rows_kept;
  kept_.resize(chunks_.size());
}

const StoredRows& StoredChanges::rows(std::size_t chunk) {
  auto& kept = kept_.at(chunk);
  if (!kept) {
    if (!keeps_all_)
      for (auto& other : kept_) other.reset();
    kept = read(chunks_[chunk]);
  }
  return *kept;
}

StoredRows StoredChanges::read(const StoredChunk& chunk) const {
  db::Parameters parameters = parameters_of(id_);
  db::ArrayText parts;
  for (int part : chunk.parts) parts.add(std::to_string(part));
  parameters.add(parts.take());
  db::Result found = looker_.ask(
      "select r.key, r.old, r.new from opsh.journal as j cross join lateral rows from "
      "(pg_catalog.unnest(j.keys), pg_catalog.unnest(j.old), pg_catalog.unnest(j.new)) with ordinality "
      "as r (key, old, new, number) where (j.run, j.step, j.batch) = ($1, $2, $3) "
      "and j.part = any ($4::pg_catalog.int4[]) order by j.part, r.number"_sql,
      parameters);
  StoredRows rows;
  auto count = static_cast<std::size_t>(found.rows());
  rows.keys.reserve(count);
  for (int row = 0; row < found.rows(); ++row) {
    rows.keys.push_back(key_of(found.field(row, 0).value()));
    if (chunk.change != Change::insert) rows.old.push_back(elements_of(found.field(row, 1).value()));
    if (chunk.change == Change::update) rows.wrote.push_back(elements_of(found.field(row, 2).value()));
    if (chunk.change == Change::insert) rows.digests.emplace_back(found.field(row, 2).value());
  }
  return rows;
}

}  // namespace opsh::journal
