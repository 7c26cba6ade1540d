#include "journal/undo.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "journal/composer.hpp"
#include "journal/decision.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

constexpr std::size_t most_conflicts_at_once = 1000;

/// What earlier batches of this undo, also before a resume, left of later changes.
class LeftBefore {
 public:
  LeftBefore(Looker looker, std::string undo) : looker_(std::move(looker)), undo_(std::move(undo)) {
    any_ = looker_.ask("select exists (select from opsh.conflict as c where c.run = $1)"_sql, {{undo_, db::oid::text}})
               .field(0, 0) == "t";
  }

  std::vector<Later> operator()(const StoredChunk& chunk, const std::vector<Key>& keys) const {
    std::vector<Later> later(keys.size(), Later::none);
    if (!any_) return later;
    db::ArrayText array;
    for (const auto& key : keys) array.add(stored_key(key));
    db::Result found = looker_.ask(
        "select k.number from rows from (pg_catalog.unnest($3)) with ordinality as k (key, number) "
        "where k.key::pg_catalog.text[] in (select c.key from opsh.conflict as c where (c.run, c.table_name) = ($1, $2))"_sql,
        {{undo_, db::oid::text}, {chunk.table, db::oid::text}, {array.take(), db::oid::text_array}});
    for (int row = 0; row < found.rows(); ++row)
      later[std::stoul(std::string{found.field(row, 0).value()}) - 1] = Later::left;
    return later;
  }

 private:
  Looker looker_;
  std::string undo_;
  bool any_ = false;
};

void count(const StoredChanges& changes, const Decision& decision, Undone& undone) {
  for (std::size_t chunk = 0; chunk < changes.chunks().size(); ++chunk) {
    auto rows = static_cast<std::uint64_t>(std::ranges::count(decision.left[chunk], false));
    switch (changes.chunks()[chunk].change) {
      case Change::insert:
        undone.inserts += rows;
        break;
      case Change::update:
        undone.updates += rows;
        break;
      case Change::remove:
        undone.deletes += rows;
        break;
    }
  }
}

/// Triggers and cascades of the undo write where those of the run wrote: with these keys the proof need not look
/// through the tables.
void watch_rows(Batch& batch, const StoredChanges& changes, const BatchId& original, CurrentLeaves& leaves) {
  std::set<unsigned> watched;
  for (const auto& chunk : changes.chunks()) {
    CurrentLeaf* leaf = leaves.find(chunk.leaf);
    if (!leaf || !watched.insert(chunk.leaf).second) continue;
    db::Parameters parameters{{original.run, db::oid::text},
                              {std::to_string(original.step), db::oid::int4},
                              {std::to_string(original.number), db::oid::int4},
                              {std::to_string(chunk.leaf), db::oid::oid}};
    Composer<sql::ReadSql> sql;
    sql << "select ";
    for (std::size_t part = 1; part <= chunk.key_numbers.size(); ++part) {
      auto place = static_cast<int>(parameters.add(std::to_string(part), db::oid::int4));
      sql.comma(part == 1) << "(k.key::pg_catalog.text[])[" << sql::Parameter{place} << "]";
    }
    sql << " from opsh.journal as j cross join lateral rows from (pg_catalog.unnest(j.keys)) as k (key) "
           "where (j.run, j.step, j.batch) = ($1, $2, $3) and j.leaf = $4";
    batch.watch(leaf->leaf.name, sql.compose(), parameters);
  }
}

Undone take_back(Batch& batch, const Looker& looker, Decider& decider, StoredChanges& changes, CurrentLeaves& leaves) {
  Decision decision = decider.decide_locked(changes);
  Restoration restoration{batch, looker, changes, leaves, decision};
  restoration.run();
  Undone undone;
  count(changes, decision, undone);
  undone.left = decision.rows_left();
  undone.conflicts = std::move(decision.conflicts);
  undone.unrestored = restoration.unrestored();
  return undone;
}

}  // namespace

Undone undo_batch(Batch& batch, const BatchId& original, const std::string& undo) {
  Looker looker{[&](const auto& sql, const auto& parameters) { return batch.writer().query(sql, parameters); },
                batch.writer().connection()};
  CurrentLeaves leaves{looker};
  Decider decider{looker, leaves, LeftBefore{looker, undo}};
  StoredChanges changes{looker, original, Grouping::alike};
  watch_rows(batch, changes, original, leaves);
  if (!changes.grouped()) return take_back(batch, looker, decider, changes, leaves);
  batch.savepoint();
  try {
    Undone undone = take_back(batch, looker, decider, changes, leaves);
    batch.release_savepoint();
    return undone;
  } catch (const Error& error) {
    if (!Restoration::is_about_rows(error)) throw;
    batch.rollback_to_savepoint();
  }
  // Values of a unique column that moved from table to table, a trigger of the application's: only the order of the
  // statements leads back, or the row is left.
  StoredChanges in_order{looker, original, Grouping::none};
  return take_back(batch, looker, decider, in_order, leaves);
}

void record_conflicts(Batch& batch, const BatchId& place, const Undone& undone) {
  auto optional = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional{text}; };
  for (std::size_t begin = 0; begin < undone.conflicts.size(); begin += most_conflicts_at_once) {
    std::array<db::ArrayText, 7> columns;
    std::size_t end = std::min(undone.conflicts.size(), begin + most_conflicts_at_once);
    for (std::size_t at = begin; at < end; ++at) {
      const Conflict& conflict = undone.conflicts[at];
      const std::optional<std::string> values[] = {
          conflict.table, stored_key(conflict.key), conflict.reason, optional(conflict.column),
          conflict.old,   conflict.wrote,           conflict.found};
      for (std::size_t column = 0; column < columns.size(); ++column)
        columns[column].add(values[column] ? std::optional<std::string_view>{*values[column]} : std::nullopt);
    }
    db::Parameters parameters{{place.run, db::oid::text},
                              {std::to_string(place.step), db::oid::int4},
                              {std::to_string(place.number), db::oid::int4}};
    for (auto& column : columns) parameters.add(column.take(), db::oid::text_array);
    batch.writer().execute(
        "insert into opsh.conflict (run, step, batch, table_name, key, reason, column_name, old, wrote, found) "
        "select $1, $2, $3, c.table_name, c.key::pg_catalog.text[], c.reason, c.column_name, c.old, c.wrote, c.found "
        "from rows from (pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6), pg_catalog.unnest($7), "
        "pg_catalog.unnest($8), pg_catalog.unnest($9), pg_catalog.unnest($10)) "
        "as c (table_name, key, reason, column_name, old, wrote, found)"_sql,
        parameters);
  }
  if (undone.left > 0)
    batch.writer().execute("update opsh.batch set skipped = $4 where (run, step, number) = ($1, $2, $3)"_sql,
                           {{place.run, db::oid::text},
                            {std::to_string(place.step), db::oid::int4},
                            {std::to_string(place.number), db::oid::int4},
                            {std::to_string(undone.left), db::oid::int4}});
}

void record_left(Batch& batch, const BatchId& place, const std::string& step, const std::vector<std::string>& key,
                 const std::string& why) {
  db::ArrayText fields;
  for (const auto& field : key) fields.add(field);
  batch.writer().execute(
      "with counted as (update opsh.batch set skipped = skipped + 1 where (run, step, number) = ($1, $2, $3)) "
      "insert into opsh.conflict (run, step, batch, table_name, key, reason) values ($1, $2, $3, $4, $5, $6)"_sql,
      {{place.run, db::oid::text},
       {std::to_string(place.step), db::oid::int4},
       {std::to_string(place.number), db::oid::int4},
       {step, db::oid::text},
       {fields.take(), db::oid::text_array},
       {why, db::oid::text}});
}

}  // namespace opsh::journal
