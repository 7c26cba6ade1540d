#include "journal/decision.hpp"

#include <algorithm>

#include "journal/row_digest.hpp"
#include "journal/row_values.hpp"

namespace opsh::journal {
namespace {

using Value = std::optional<std::string_view>;

std::optional<std::string> copy_of(const Value& value) {
  return value ? std::optional<std::string>{*value} : std::nullopt;
}

/// Reads as `looker` does, and locks the rows in the order of their keys. Who waits for a lock gets the row as it is
/// then.
Looker locking(const Looker& looker, const CurrentChunk& current) {
  auto ask = [&](const sql::ReadSql& sql, const db::Parameters& parameters) {
    Composer<sql::ReadSql> locked;
    locked << sql << " order by ";
    for (std::size_t part = 0; part < current.key.size(); ++part)
      append_column(locked.comma(part == 0), current, current.key[part]);
    locked << " for update of opsh_row";
    return looker.ask(locked.compose(), parameters);
  };
  return {ask, looker.connection};
}

/// Judges one row that no later batch of the run has changed.
class Judge {
 public:
  Judge(const StoredChunk& stored, const StoredRows& rows, const CurrentChunk& current, const Images& images)
      : stored_(stored), rows_(rows), current_(current), images_(images) {}

  /// Appends why the row must be left; nothing when it can be put back.
  void judge(std::size_t row, std::vector<Conflict>& conflicts) const {
    const Key& key = rows_.keys[row];
    const auto* image = images_.find(key);
    if (stored_.change == Change::remove) {
      if (image) conflicts.push_back({stored_.table, key, reason::key_taken});
    } else if (!image) {
      conflicts.push_back({stored_.table, key, reason::deleted});
    } else if (stored_.change == Change::insert) {
      if (row_digest(values_of(*image)) != rows_.digests[row])
        conflicts.push_back({stored_.table, key, reason::edited});
    } else {
      compare(row, *image, conflicts);
    }
  }

 private:
  std::vector<Value> values_of(const Images::Row& image) const {
    std::vector<Value> values;
    for (std::size_t at = 0; at < current_.columns.size(); ++at) values.push_back(images_.value(image, at));
    return values;
  }

  void compare(std::size_t row, const Images::Row& image, std::vector<Conflict>& conflicts) const {
    for (std::size_t at = 0; at < current_.columns.size(); ++at) {
      Value found = images_.value(image, at);
      const auto& wrote = rows_.wrote[row][at];
      if (found == Value{wrote}) continue;
      conflicts.push_back({stored_.table, rows_.keys[row], reason::edited,
                           current_.leaf->leaf.columns[current_.columns[at]].name, rows_.old[row][at], wrote,
                           copy_of(found)});
    }
  }

  const StoredChunk& stored_;
  const StoredRows& rows_;
  const CurrentChunk& current_;
  const Images& images_;
};

}  // namespace

std::uint64_t Decision::rows_left() const {
  std::uint64_t count = 0;
  for (const auto& chunk : left) count += static_cast<std::uint64_t>(std::ranges::count(chunk, true));
  return count;
}

Decision Decider::decide_locked(StoredChanges& changes) {
  return decide(changes, true);
}

Decision Decider::suppose(StoredChanges& changes) {
  Decision decision = decide(changes, false);
  references_.suppose_undone(decision.left);
  return decision;
}

Decision Decider::decide(StoredChanges& changes, bool locked) {
  Decision decision;
  for (std::size_t chunk = 0; chunk < changes.chunks().size(); ++chunk) {
    const StoredChunk& stored = changes.chunks()[chunk];
    decision.current.push_back(locate(stored, leaves_));
    decision.left.emplace_back(stored.rows, false);
    decide_chunk(chunk, stored, changes.rows(chunk), locked, decision);
  }
  keep_what_is_referred_to(changes, decision);
  return decision;
}

void Decider::decide_chunk(std::size_t chunk, const StoredChunk& stored, const StoredRows& rows, bool locked,
                           Decision& decision) {
  const CurrentChunk& current = decision.current[chunk];
  auto& left = decision.left[chunk];
  if (current.obstacle) {
    left.assign(left.size(), true);
    for (const auto& key : rows.keys)
      decision.conflicts.push_back({stored.table, key, current.obstacle->reason, current.obstacle->column});
    return;
  }
  auto later = later_(stored, rows.keys);
  current.leaf->leaf.key = current.key;
  Images images;
  images.read(locked ? locking(looker_, current) : looker_, current.leaf->leaf, rows.keys, current.columns);
  Judge judge{stored, rows, current, images};
  for (std::size_t row = 0; row < rows.keys.size(); ++row) {
    std::size_t before = decision.conflicts.size();
    if (later[row] == Later::none) judge.judge(row, decision.conflicts);
    if (later[row] == Later::left) decision.conflicts.push_back({stored.table, rows.keys[row], reason::later_left});
    left[row] = decision.conflicts.size() > before;
  }
}

/// A row that something will still refer to stays; so does, then, what that row refers to, until nothing changes.
void Decider::keep_what_is_referred_to(StoredChanges& changes, Decision& decision) {
  auto references = references_.find(changes, decision.current, decision.left);
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& reference : references) {
      auto [chunk, row] = reference.parent;
      bool released = reference.child && !decision.left[reference.child->chunk][reference.child->row];
      if (released || decision.left[chunk][row]) continue;
      decision.left[chunk][row] = changed = true;
      Conflict conflict{changes.chunks()[chunk].table, changes.rows(chunk).keys[row], reason::referred_to};
      conflict.found = reference.from;
      decision.conflicts.push_back(std::move(conflict));
    }
  }
  for (const auto& reference : references)
    if (reference.child && changes.chunks()[reference.parent.chunk].change == Change::insert &&
        !decision.left[reference.parent.chunk][reference.parent.row] &&
        !changes.chunks()[reference.child->chunk].direct)
      decision.first.push_back(*reference.child);
}

}  // namespace opsh::journal
