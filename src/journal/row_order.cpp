#include "journal/row_order.hpp"

#include <algorithm>

namespace opsh::journal {

RowOrder::RowOrder(const StoredChanges& changes, CurrentLeaves& leaves) : changes_(changes), leaves_(leaves) {
  for (const auto& chunk : changes_.chunks()) ranks_.emplace(chunk.leaf, 0);
  // Foreign keys in a circle have no order; deferrable ones need none.
  for (std::size_t round = 0; round < ranks_.size(); ++round)
    for (const auto& parent : ranks_) {
      CurrentLeaf* leaf = leaves_.find(parent.first);
      if (!leaf) continue;
      for (const auto& key : leaves_.references(*leaf))
        for (auto& child : ranks_) {
          const CurrentLeaf* other = leaves_.find(child.first);
          if (other && other != leaf && other->is_below(key.table))
            child.second = std::max(child.second, parent.second + 1);
        }
    }
}

std::vector<std::vector<RowId>> RowOrder::statements_of(const std::vector<RowId>& rows) {
  std::vector<std::vector<RowId>> statements;
  for (RowId id : rows) {
    if (statements.empty() || !shares_statement(statements.back().back().chunk, id.chunk)) statements.emplace_back();
    statements.back().push_back(id);
  }
  return statements;
}

bool RowOrder::shares_statement(std::size_t chunk, std::size_t other) {
  if (chunk == other) return true;
  const StoredChunk &one = changes_.chunks()[chunk], &two = changes_.chunks()[other];
  if (one.leaf != two.leaf || one.change != two.change || one.change == Change::update || one.numbers != two.numbers)
    return false;
  CurrentLeaf* leaf = leaves_.find(one.leaf);
  return leaf &&
         std::ranges::any_of(leaves_.references(*leaf), [&](const auto& key) { return leaf->is_below(key.table); });
}

}  // namespace opsh::journal
