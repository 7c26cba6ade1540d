#include "journal/undo_plan.hpp"

#include <algorithm>

namespace opsh::journal {
namespace {

std::string row_of(const StoredChunk& chunk, const Key& key) {
  return std::to_string(chunk.leaf) + ' ' + key;
}

}  // namespace

UndoPlanner::UndoPlanner(Looker looker, std::size_t most_conflicts)
    : looker_(looker),
      most_conflicts_(most_conflicts),
      leaves_(looker),
      decider_(std::move(looker), leaves_, [this](const auto& chunk, const auto& keys) { return later(chunk, keys); }) {
}

std::vector<Later> UndoPlanner::later(const StoredChunk& chunk, const std::vector<Key>& keys) const {
  std::vector<Later> later;
  later.reserve(keys.size());
  for (const auto& key : keys) {
    auto seen = seen_.find(row_of(chunk, key));
    later.push_back(seen == seen_.end() ? Later::none : seen->second ? Later::left : Later::undone);
  }
  return later;
}

void UndoPlanner::add(const BatchId& batch) {
  StoredChanges changes{looker_, batch, Grouping::alike};
  Decision decision = decider_.suppose(changes);
  for (std::size_t chunk = 0; chunk < changes.chunks().size(); ++chunk)
    count(changes.chunks()[chunk], changes.rows(chunk), decision.current[chunk], decision.left[chunk]);
  plan_.conflict_count += decision.conflicts.size();
  for (auto& conflict : decision.conflicts)
    if (plan_.conflicts.size() < most_conflicts_) plan_.conflicts.push_back(std::move(conflict));
}

void UndoPlanner::count(const StoredChunk& chunk, const StoredRows& rows, const CurrentChunk& current,
                        const std::vector<bool>& left) {
  UndoTable& table = plan_.tables[chunk.table];
  auto left_here = static_cast<std::uint64_t>(std::ranges::count(left, true));
  table.rows[chunk.change] += left.size();
  table.left[chunk.change] += left_here;
  plan_.left += left_here;
  plan_.restored += left.size() - left_here;
  for (std::size_t row = 0; row < left.size(); ++row) seen_.insert_or_assign(row_of(chunk, rows.keys[row]), left[row]);
  if (!current.leaf) {
    table.gone = true;
    return;
  }
  table.triggers = current.leaf->triggers;
  if (!chunk.direct && chunk.change == Change::update) table.indirect.insert(chunk.names.begin(), chunk.names.end());
  if (current.obstacle) return;
  if (chunk.change != Change::insert)
    for (std::size_t place = 0; place < current.columns.size(); ++place)
      if (!current.writable[place]) table.unsettable.insert(chunk.names[place]);
  if (chunk.change == Change::update) return;
  for (const auto& column : current.leaf->leaf.columns)
    if (!column.generated && std::ranges::find(chunk.numbers, column.number) == chunk.numbers.end())
      table.gained.insert(column.name);
}

}  // namespace opsh::journal
