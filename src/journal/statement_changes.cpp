#include "journal/statement_changes.hpp"

#include <algorithm>

#include "journal/leaf_changes.hpp"

namespace opsh::journal {
namespace {

constexpr std::size_t most_keys = 1000;

using Value = std::optional<std::string>;

/// A row at some moment: values of the columns that are looked at; nothing when it is not there.
using State = std::optional<std::vector<Value>>;

std::vector<std::pair<std::string, std::string>> named(const Leaf& leaf, const Key& key) {
  std::vector<std::pair<std::string, std::string>> parts;
  std::size_t part = 0;
  for (auto field : fields_of(key)) parts.emplace_back(leaf.columns[leaf.key[part++]].name, field);
  return parts;
}

State state_in(const Images& images, const Key& key, std::size_t columns) {
  const auto* row = images.find(key);
  if (!row) return std::nullopt;
  std::vector<Value> values;
  for (std::size_t place = 0; place < columns; ++place) values.emplace_back(images.value(*row, place));
  return values;
}

/// What a statement made of a row, as far as it returned it.
void replay(const WrittenRow& row, const Written& written, const Leaf& leaf, const std::vector<std::size_t>& columns,
            State& state) {
  if (row.act == Act::remove) return state.reset();
  const Returned& returned = written.returned(row.statement);
  if (!state) state.emplace(columns.size());
  for (std::size_t at = 0; at < columns.size(); ++at) {
    auto found = std::ranges::find(returned.images, leaf.columns[columns[at]].name);
    if (found == returned.images.end()) continue;
    auto place = static_cast<int>(found - returned.images.begin());
    (*state)[at] = returned.result->field(row.row, returned.at + 1 + static_cast<int>(returned.keys) + place);
  }
}

RowChange change_of(const Leaf& leaf, const Key& key, const std::vector<std::size_t>& columns, const State& before,
                    const State& after) {
  RowChange change{leaf.name.text(), named(leaf, key), "update", true, {}};
  if (!before) change.operation = "insert";
  if (!after) change.operation = "delete";
  for (std::size_t at = 0; at < columns.size(); ++at) {
    Value was = before ? (*before)[at] : std::nullopt, is = after ? (*after)[at] : std::nullopt;
    if (before && after && was == is) continue;
    change.cells.push_back({leaf.columns[columns[at]].name, std::move(was), std::move(is)});
  }
  return change;
}

/// The columns of a leaf that a statement can have changed.
std::vector<std::size_t> columns_of(const Leaf& leaf, Act act, const Returned& returned) {
  auto columns = stored_columns(leaf);
  if (act == Act::update)
    std::erase_if(columns, [&](std::size_t column) {
      return std::ranges::find(returned.images, leaf.columns[column].name) == returned.images.end();
    });
  return columns;
}

/// Rows of one leaf that the last statement returned.
class LeafRows {
 public:
  LeafRows(const Leaf& leaf, const Written& written, Act act)
      : leaf_(leaf),
        written_(written),
        columns_(columns_of(leaf, act, written.returned(static_cast<int>(written.statements()) - 1))) {}

  void add(const WrittenRow& row) { rows_.push_back(&row); }

  void read(const Looker& witness) {
    std::vector<Key> keys;
    for (const auto* row : rows_) keys.push_back(row->key);
    images_.read(witness, leaf_, keys, columns_);
    for (const auto* row : rows_) earlier_[row->key];
    for (const auto& row : written_.rows()) {
      if (row.statement == rows_.front()->statement) break;
      if (row.leaf != leaf_.oid) continue;
      if (auto known = earlier_.find(row.key); known != earlier_.end()) known->second.push_back(&row);
    }
  }

  RowChange change(const WrittenRow& row) const {
    State state = state_in(images_, row.key, columns_.size());
    const auto& earlier = earlier_.at(row.key);
    for (const auto* before : earlier) replay(*before, written_, leaf_, columns_, state);
    if (!state && (row.act == Act::update || row.act == Act::remove)) throw hidden_row(leaf_, row.key);
    State after = state;
    replay(row, written_, leaf_, columns_, after);
    return change_of(leaf_, row.key, columns_, state, after);
  }

 private:
  const Leaf& leaf_;
  const Written& written_;
  std::vector<std::size_t> columns_;
  std::vector<const WrittenRow*> rows_;
  std::map<Key, std::vector<const WrittenRow*>> earlier_;
  Images images_;
};

}  // namespace

void add_returned_rows(const Tables& tables, const Written& written, const Looker& witness, std::size_t most,
                       StatementChanges& changes) {
  const int statement = static_cast<int>(written.statements()) - 1;
  const auto& rows = written.rows();
  auto begin = std::ranges::partition_point(rows, [&](const WrittenRow& row) { return row.statement < statement; });
  changes.direct = static_cast<std::uint64_t>(rows.end() - begin);
  auto known = [&](const WrittenRow& row) {
    const Leaf* leaf = tables.leaf(row.leaf);
    if (leaf) return leaf;
    throw Error{"transaction.tables_changed", "a partition has appeared since the table was looked at", "run it again"};
  };
  std::map<unsigned, LeafRows> leaves;
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min<std::size_t>(most, changes.direct));
  for (auto row = begin; row != end; ++row)
    leaves.try_emplace(row->leaf, *known(*row), written, row->act).first->second.add(*row);
  for (auto& [oid, leaf] : leaves) leaf.read(witness);
  for (auto row = begin; row != end; ++row) changes.rows.push_back(leaves.at(row->leaf).change(*row));
  for (auto row = begin; row != rows.end() && changes.keys.size() < most_keys; ++row)
    changes.keys.push_back(named(*known(*row), row->key));
}

void add_indirect_rows(const Leaf& leaf, const std::vector<Key>& keys, const Looker& batch, const Looker& witness,
                       std::size_t most, StatementChanges& changes) {
  if (keys.empty()) return;
  changes.indirect[leaf.name.text()] += keys.size();
  const std::size_t room = std::min(keys.size(), most - std::min(most, changes.rows.size()));
  if (room == 0) return;
  const std::vector<Key> shown{keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(room)};
  const auto columns = stored_columns(leaf);
  Images before, after;
  before.read(witness, leaf, shown, columns);
  after.read(batch, leaf, shown, columns);
  for (const auto& key : shown) {
    RowChange change =
        change_of(leaf, key, columns, state_in(before, key, columns.size()), state_in(after, key, columns.size()));
    change.direct = false;
    changes.rows.push_back(std::move(change));
  }
}

}  // namespace opsh::journal
