#include "journal/proof.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/error.hpp"

namespace opsh::journal {
namespace {

// 20 + 32 ms per million rows in memory (journal.md).
constexpr std::int64_t most_rows_to_scan = 5'000'000;
constexpr std::size_t most_keys_shown = 5;

/// What the server counts beyond what the statements returned.
struct Surplus {
  std::int64_t written = 0, deleted = 0;
  std::int64_t inserted = 0;  ///< of those written at most so many were new rows
  bool updates = false;       ///< rows were updated at all, which can give them other keys
  bool none() const { return written == 0 && deleted == 0; }
};

std::string shown(const TableCount& table) {
  return table.name.empty() ? fmt::format("a table that is gone (oid {})", table.oid)
                            : sql::QualifiedName{table.schema, table.name}.text();
}

std::string shown(const std::vector<Key>& keys) {
  std::string text;
  for (std::size_t at = 0; at < std::min(keys.size(), most_keys_shown); ++at) {
    std::string key = keys[at];
    std::ranges::replace(key, '\0', ',');
    text += (at ? "; " : "") + key;
  }
  if (keys.size() > most_keys_shown) text += fmt::format("; and {} more", keys.size() - most_keys_shown);
  return text;
}

Surplus surplus_of(const TableCount& table, const Counts& returned) {
  const Counts& counted = table.counts;
  Surplus surplus{counted.inserted + counted.updated - returned.inserted - returned.updated - returned.upserted,
                  counted.deleted - returned.deleted,
                  // Upserts may have been all of them.
                  std::max<std::int64_t>(counted.inserted - returned.inserted - returned.upserted, 0),
                  counted.updated > 0};
  if (surplus.written < 0 || surplus.deleted < 0 || counted.inserted < returned.inserted ||
      counted.updated < returned.updated)
    throw Error{"proof.counters",
                fmt::format("the server counted fewer rows written in {} than the statements returned", shown(table)),
                "something turned its statistics off (track_counts): without them nothing can be proved"};
  return surplus;
}

/// Removes from `keys` those that are in `known`.
template <typename Known>
void subtract(std::vector<Key>& keys, const Known& known) {
  std::erase_if(keys, [&](const Key& key) { return known.contains(key); });
}

class LeafSearch {
 public:
  LeafSearch(const Evidence& evidence, const OwnTransaction& own, const Leaf& leaf)
      : evidence_(evidence), own_(own), leaf_(leaf) {
    for (const auto& row : evidence.written.rows())
      if (row.leaf == leaf.oid) written_.insert(row.key);
  }

  /// The rows that this transaction wrote and no statement returned, among those given or in the whole table.
  std::vector<Key> find(const Surplus& surplus, const std::vector<Key>* among) const {
    std::vector<Key> found;
    if (surplus.written > 0) found = own_rows(evidence_.batch, own_, leaf_, among);
    subtract(found, written_);
    auto gone = this->gone(surplus, among, found);
    found.insert(found.end(), gone.begin(), gone.end());
    return found;
  }

  /// The same among the rows of a watch; nothing when there must be others.
  std::optional<std::vector<Key>> find_all(const Surplus& surplus, const Watch& watch) const {
    auto among = watched(watch);
    auto found = find({surplus.written}, &among);
    auto gone = this->gone(surplus, &among, found);
    // As many as the server counted: then no other row changed.
    if (static_cast<std::int64_t>(found.size()) != surplus.written ||
        static_cast<std::int64_t>(gone.size()) != surplus.deleted)
      return std::nullopt;
    // Unless an update has given a row another key: the one that it had is gone without a count.
    auto known = static_cast<std::int64_t>(seen_rows(evidence_.witness, leaf_, found).size());
    if (surplus.updates && surplus.written - known > surplus.inserted) return std::nullopt;
    found.insert(found.end(), gone.begin(), gone.end());
    return found;
  }

 private:
  std::vector<Key> watched(const Watch& watch) const {
    // The witness still sees what is deleted by now, the batch what was inserted.
    auto keys = keys_in(evidence_.witness.ask(watch.sql, watch.parameters), leaf_.key.size());
    auto now = keys_in(evidence_.batch.ask(watch.sql, watch.parameters), leaf_.key.size());
    keys.insert(keys.end(), now.begin(), now.end());
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
  }

  /// Rows that were deleted, or have another key now. The witness sees them marked, the batch not at all, and the
  /// witness still: another transaction's deletion would be over for both by then, or for none.
  std::vector<Key> gone(const Surplus& surplus, const std::vector<Key>* among, const std::vector<Key>& found) const {
    if (surplus.deleted == 0 && !surplus.updates) return {};
    auto marked = marked_rows(evidence_.witness, leaf_, among);
    subtract(marked, written_);
    subtract(marked, std::unordered_set<Key>{found.begin(), found.end()});
    auto seen = seen_rows(evidence_.batch, leaf_, marked);
    subtract(marked, std::unordered_set<Key>{seen.begin(), seen.end()});
    return marked_rows(evidence_.witness, leaf_, &marked);
  }

  const Evidence& evidence_;
  const OwnTransaction& own_;
  const Leaf& leaf_;
  std::unordered_set<Key> written_;
};

const Watch* watch_of(const Evidence& evidence, const Leaf& leaf) {
  for (const auto& watch : evidence.watches)
    for (const auto& table : evidence.tables.declared)
      if (table.oid == watch.table && std::ranges::find(table.leaves, leaf.oid) != table.leaves.end()) return &watch;
  return nullptr;
}

void require_small(const Leaf& leaf, const Watch* watch) {
  if (leaf.estimated_rows <= most_rows_to_scan) return;
  throw Error{"proof.too_large",
              watch ? fmt::format("the query for {} in writes does not find all rows that changed there, and the table "
                                  "is too large to look through",
                                  leaf.name.text())
                    : fmt::format("a trigger or a cascade changed rows of {}, which is too large to look through",
                                  leaf.name.text()),
              fmt::format("say in writes which rows: {} = \"select its key ...\"", leaf.name.name())};
}

std::vector<Key> declared_rows(const Evidence& evidence, const OwnTransaction& own, const Leaf& leaf,
                               const Surplus& surplus) {
  LeafSearch search{evidence, own, leaf};
  const Watch* watch = watch_of(evidence, leaf);
  if (watch)
    if (auto found = search.find_all(surplus, *watch)) return std::move(*found);
  require_small(leaf, watch);
  return search.find(surplus, nullptr);
}

/// Counts of rows that were taken back (a savepoint, an EXCEPTION block) pass; rows that changed do not.
void refuse_undeclared(const Evidence& evidence, const OwnTransaction& own, const TableCount& table,
                       const Surplus& surplus) {
  auto undeclared = [&](const std::string& rows) {
    return Error{"proof.undeclared",
                 fmt::format("the batch changed {}, which the step does not declare: {}", shown(table), rows),
                 fmt::format("a trigger, a cascade or a function wrote there: add {} to the step's writes",
                             table.name.empty() ? "it" : shown(table))};
  };
  auto counts = fmt::format("{} rows written, {} deleted", surplus.written, surplus.deleted);
  if (table.name.empty()) throw undeclared(counts);
  std::vector<Key> rows;
  try {
    Tables tables = evidence.examine(shown(table));
    const Leaf* leaf = tables.leaf(table.oid);
    if (!leaf || leaf->estimated_rows > most_rows_to_scan) throw undeclared(counts);
    rows = LeafSearch{evidence, own, *leaf}.find(surplus, nullptr);
  } catch (const Error& error) {
    if (error.kind != "refused.journal") throw;
    throw undeclared(counts);
  }
  if (!rows.empty()) throw undeclared(shown(rows));
}

}  // namespace

Indirect explain(const Evidence& evidence, const std::vector<TableCount>& counted) {
  Indirect indirect;
  auto left = evidence.written.counts();
  std::optional<OwnTransaction> own;
  for (const auto& table : counted) {
    if (!table.lock.empty())
      throw Error{"proof.lock", fmt::format("the batch took {} on {}", table.lock, shown(table)),
                  "a trigger or a function did DDL, TRUNCATE or LOCK TABLE there: its rows cannot be proved or undone"};
    Counts returned;
    if (auto known = left.find(table.oid); known != left.end()) {
      returned = known->second;
      left.erase(known);
    }
    Surplus surplus = surplus_of(table, returned);
    if (surplus.none()) continue;
    if (!own) own = OwnTransaction::of(evidence.batch);
    if (const Leaf* leaf = evidence.tables.leaf(table.oid))
      indirect.rows[table.oid] = declared_rows(evidence, *own, *leaf, surplus);
    else
      refuse_undeclared(evidence, *own, table, surplus);
  }
  // A table without a lock: a savepoint that was taken back has released it, and with it went all that was written
  // there. Rows that count all the same were never counted.
  for (const auto& row : evidence.written.rows()) {
    auto uncounted = left.find(row.leaf);
    if (uncounted == left.end()) continue;
    TableCount none;
    none.oid = row.leaf;
    if (const Leaf* leaf = evidence.tables.leaf(row.leaf))
      none.schema = leaf->name.schema(), none.name = leaf->name.name();
    surplus_of(none, uncounted->second);
  }
  return indirect;
}

}  // namespace opsh::journal
