#include "journal/restoration.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace opsh::journal {
namespace {

using sql::operator""_sql;

std::string shown(const Key& key) {
  std::string text = key;
  std::ranges::replace(text, '\0', ',');
  return text;
}

bool differs(std::optional<std::string_view> found, const std::optional<std::string>& wanted) {
  return found != (wanted ? std::optional<std::string_view>{*wanted} : std::nullopt);
}

std::vector<std::size_t> all_places(const CurrentChunk& current, bool writable_only) {
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place < current.columns.size(); ++place)
    if (!writable_only || current.writable[place]) places.push_back(place);
  return places;
}

}  // namespace

Restoration::Restoration(Batch& batch, Looker looker, StoredChanges& changes, CurrentLeaves& leaves, Decision& decision)
    : batch_(batch),
      looker_(std::move(looker)),
      changes_(changes),
      leaves_(leaves),
      decision_(decision),
      writes_(batch, changes, decision),
      order_(changes, leaves) {}

bool Restoration::is_about_rows(const Error& error) {
  return error.kind.starts_with("constraint") || error.kind.starts_with("data") || error.kind == "sql.error" ||
         error.kind == "undo.inexact";
}

void Restoration::run() {
  // For foreign keys in a circle.
  batch_.writer().execute("set constraints all deferred"_sql);
  put_back_first();
  take_back_direct();
  bool indirect = std::ranges::any_of(changes_.chunks(), [](const auto& chunk) { return !chunk.direct; });
  if (indirect || short_) put_back(remaining());
  batch_.writer().execute("set constraints all immediate"_sql);
  auto left = remaining();
  if (!left.empty()) {
    put_back(std::move(left));
    left = remaining();
  }
  if (left.empty()) return;
  const auto& [id, places, found] = left.front();
  const CurrentLeaf& leaf = *decision_.current[id.chunk].leaf;
  std::string column =
      places.empty()
          ? ""
          : fmt::format(", column {}", leaf.leaf.columns[decision_.current[id.chunk].columns[places.front()]].name);
  throw Error{"undo.inexact",
              fmt::format("the row {} of {}{} is not what it was, although it was put back",
                          shown(changes_.rows(id.chunk).keys[id.row]), leaf.leaf.name.text(), column),
              "a trigger changes it again; nothing of this batch was kept"};
}

/// Where a trigger or a cascade of the run made a row refer to one that it had inserted, that lets go first.
void Restoration::put_back_first() {
  std::vector<Remaining> first;
  for (RowId id : decision_.first) {
    Remaining& row = first.emplace_back(Remaining{id, {}, {}});
    if (change(id.chunk) != Change::update) continue;
    row.places = all_places(decision_.current[id.chunk], false);
    row.found = changes_.rows(id.chunk).wrote[id.row];
  }
  put_back(std::move(first));
}

void Restoration::take_back_direct() {
  std::vector<std::size_t> chunks;
  for (std::size_t chunk = changes_.chunks().size(); chunk-- > 0;)
    if (changes_.chunks()[chunk].direct) chunks.push_back(chunk);
  if (changes_.grouped()) std::ranges::stable_sort(chunks, {}, [&](std::size_t chunk) { return turn(chunk); });
  std::vector<RowId> rows;
  for (std::size_t chunk : chunks)
    for (RowId id : rows_of(chunk)) rows.push_back(id);
  for (const auto& statement : order_.statements_of(rows)) {
    const std::size_t chunk = statement.front().chunk;
    const CurrentChunk& current = decision_.current[chunk];
    switch (change(chunk)) {
      case Change::insert:
        attempt(statement, [&](auto some) { return writes_.remove(some); });
        break;
      case Change::remove:
        attempt(statement, [&](auto some) { return writes_.insert(some); });
        break;
      case Change::update:
        if (all_places(current, true).empty()) break;
        attempt_update(statement, [&](auto some) {
          // The rows are locked and were compared: nothing but triggers and cascades can have changed them.
          auto compared = disturbed_ ? all_places(current, false) : std::vector<std::size_t>{};
          return writes_.update(
              some, all_places(current, true), compared, [&](RowId id, std::size_t place) -> const auto& {
                return changes_.rows(id.chunk).wrote[id.row][place];
              });
        });
        break;
    }
    disturbed_ = disturbed_ || reaches_others(chunk);
  }
}

/// Whether to take rows of a chunk back may change other rows.
bool Restoration::reaches_others(std::size_t chunk) {
  const CurrentChunk& current = decision_.current[chunk];
  if (!current.leaf->triggers.empty()) return true;
  if (change(chunk) == Change::remove) return false;
  const auto& references = leaves_.references(*current.leaf);
  return std::ranges::any_of(
      references, [&](const auto& key) { return change(chunk) == Change::insert || current.touches(key.referenced); });
}

std::uint64_t Restoration::attempt(std::span<const RowId> rows, const Statement& statement) {
  batch_.savepoint();
  try {
    std::uint64_t written = statement(rows);
    batch_.release_savepoint();
    short_ |= written != rows.size();
    return written;
  } catch (const Error& error) {
    if (!is_about_rows(error)) throw;
    batch_.rollback_to_savepoint();
    if (changes_.grouped()) throw;
    if (rows.size() == 1) {
      leave(rows.front(), error);
      return 0;
    }
  }
  // The last one first: when values of a unique column moved on from row to row, only that way leads back.
  auto half = rows.size() / 2;
  std::uint64_t written = attempt(rows.subspan(half), statement);
  return written + attempt(rows.first(half), statement);
}

/// An update, and what became of it.
void Restoration::attempt_update(std::span<const RowId> rows, const Statement& statement) {
  std::uint64_t written = attempt(rows, statement);
  auto left = static_cast<std::uint64_t>(std::ranges::count_if(rows, [&](RowId id) { return is_left(id); }));
  // A row that the statement did not write was not overruled in it.
  if (written + left == rows.size()) note_overruled(rows);
}

void Restoration::leave(RowId id, const Error& error) {
  decision_.left[id.chunk][id.row] = true;
  Conflict conflict{changes_.chunks()[id.chunk].table, changes_.rows(id.chunk).keys[id.row], reason::refused};
  conflict.found = error.message;
  decision_.conflicts.push_back(std::move(conflict));
}

/// What differs directly after it was set was overruled; what differs only later was changed by something else, and
/// can be put back.
void Restoration::note_overruled(std::span<const RowId> rows) {
  const std::size_t chunk = rows.front().chunk;
  const CurrentChunk& current = decision_.current[chunk];
  if (current.leaf->triggers.empty()) return;
  std::vector<Key> keys;
  for (RowId id : rows)
    if (!is_left(id)) keys.push_back(changes_.rows(chunk).keys[id.row]);
  current.leaf->leaf.key = current.key;
  Images images;
  images.read(looker_, current.leaf->leaf, keys, current.columns);
  const StoredRows& stored = changes_.rows(chunk);
  for (RowId id : rows) {
    const auto* row = is_left(id) ? nullptr : images.find(stored.keys[id.row]);
    if (!row) continue;
    for (std::size_t place = 0; place < current.columns.size(); ++place)
      if (current.writable[place] && differs(images.value(*row, place), stored.old[id.row][place]))
        overruled_.emplace(chunk, id.row, place);
  }
}

std::vector<Restoration::Remaining> Restoration::remaining() {
  std::vector<Remaining> found;
  unrestored_.clear();
  for (std::size_t chunk = 0; chunk < changes_.chunks().size(); ++chunk) find_remaining(chunk, found);
  return found;
}

void Restoration::find_remaining(std::size_t chunk, std::vector<Remaining>& remaining) {
  auto rows = rows_of(chunk);
  if (rows.empty()) return;
  const CurrentChunk& current = decision_.current[chunk];
  const StoredRows& stored = changes_.rows(chunk);
  std::vector<Key> keys, strange;
  for (RowId id : rows) keys.push_back(stored.keys[id.row]);
  current.leaf->leaf.key = current.key;
  Images images;
  bool compares = change(chunk) != Change::insert;
  images.read(looker_, current.leaf->leaf, keys, compares ? current.columns : std::vector<std::size_t>{});
  for (RowId id : rows) {
    const Key& key = stored.keys[id.row];
    const auto* row = images.find(key);
    if (!row && change(chunk) == Change::update)
      throw Error{
          "undo.inexact",
          fmt::format("the row {} of {} has gone while it was put back", shown(key), current.leaf->leaf.name.text()),
          "a trigger deletes it; nothing of this batch was kept"};
    if (!row || !compares) {
      if (row || compares) remaining.push_back({id, {}, {}});
      continue;
    }
    auto places = differing(id, images, *row);
    if (places.empty()) continue;
    Remaining& left = remaining.emplace_back(Remaining{id, std::move(places), {}});
    bool as_written = change(chunk) == Change::update;
    for (std::size_t place = 0; place < current.columns.size(); ++place) {
      auto value = images.value(*row, place);
      left.found.push_back(value ? std::optional<std::string>{*value} : std::nullopt);
      as_written = as_written && !differs(value, stored.wrote[id.row][place]);
    }
    if (!as_written) strange.push_back(key);
  }
  require_own(chunk, strange);
}

/// The places of the columns that are not what they were and could be.
std::vector<std::size_t> Restoration::differing(RowId id, const Images& images, const Images::Row& row) {
  const CurrentChunk& current = decision_.current[id.chunk];
  const auto& old = changes_.rows(id.chunk).old[id.row];
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place < current.columns.size(); ++place) {
    if (!differs(images.value(row, place), old[place])) continue;
    if (current.writable[place] && !overruled_.contains({id.chunk, id.row, place}))
      places.push_back(place);
    else
      ++unrestored_[{current.leaf->leaf.name.text(), current.leaf->leaf.columns[current.columns[place]].name}];
  }
  return places;
}

/// Rows that hold neither what the run wrote nor what was before it: only this transaction, by a trigger, may have
/// changed them, since they are locked.
void Restoration::require_own(std::size_t chunk, const std::vector<Key>& keys) {
  if (keys.empty()) return;
  const Leaf& leaf = decision_.current[chunk].leaf->leaf;
  auto own = own_rows(looker_, OwnTransaction::of(looker_), leaf, &keys);
  if (own.size() == keys.size()) return;
  std::ranges::sort(own);
  auto stranger = std::ranges::find_if(keys, [&](const Key& key) { return !std::ranges::binary_search(own, key); });
  throw Error{"undo.changed",
              fmt::format("the row {} of {} was changed by somebody else while it was locked", shown(*stranger),
                          leaf.name.text()),
              "nothing of this batch was kept; look at what else works on this table"};
}

/// When foreign keys want a chunk to be taken back: rows are re-inserted, those referred to before those that refer;
/// then columns are set; then rows are deleted, the other way round.
std::pair<int, int> Restoration::turn(std::size_t chunk) const {
  switch (change(chunk)) {
    case Change::remove:
      return {0, order_.rank(chunk)};
    case Change::update:
      return {1, 0};
    case Change::insert:
      break;
  }
  return {2, -order_.rank(chunk)};
}

void Restoration::put_back(std::vector<Remaining> remaining) {
  disturbed_ = disturbed_ || !remaining.empty();
  auto deletes = [&](const Remaining& row) { return change(row.id.chunk) == Change::insert; };
  auto order = [&](const Remaining& row) {
    // A row that is there again has only columns to be set.
    return deletes(row) || row.found.empty() ? turn(row.id.chunk) : std::pair{1, 0};
  };
  std::ranges::stable_sort(remaining, {}, order);
  for (std::size_t begin = 0, end = 0; begin < remaining.size(); begin = end) {
    while (end < remaining.size() && order(remaining[end]) == order(remaining[begin])) ++end;
    std::vector<RowId> rows;
    std::map<std::pair<std::size_t, std::size_t>, const Remaining*> by_row;
    for (std::size_t at = begin; at < end; ++at) {
      rows.push_back(remaining[at].id);
      by_row.emplace(std::pair{remaining[at].id.chunk, remaining[at].id.row}, &remaining[at]);
    }
    bool deleting = deletes(remaining[begin]), inserting = !deleting && remaining[begin].found.empty();
    for (const auto& statement : order_.statements_of(rows)) {
      if (deleting) {
        attempt(statement, [&](auto some) { return writes_.remove(some); });
        continue;
      }
      if (inserting) {
        attempt(statement, [&](auto some) { return writes_.insert(some); });
        continue;
      }
      const CurrentChunk& current = decision_.current[statement.front().chunk];
      std::set<std::size_t> wanted;
      for (RowId id : statement)
        for (std::size_t place : by_row.at({id.chunk, id.row})->places)
          if (current.writable[place]) wanted.insert(place);
      const std::vector<std::size_t> places{wanted.begin(), wanted.end()};
      if (places.empty()) continue;
      attempt_update(statement, [&](auto some) {
        return writes_.update(
            some, places, places, [&](RowId id, std::size_t place) -> const auto& {
              return by_row.at({id.chunk, id.row})->found[place];
            });
      });
    }
  }
}

std::vector<RowId> Restoration::rows_of(std::size_t chunk) const {
  std::vector<RowId> rows;
  for (std::size_t row = 0; row < decision_.left[chunk].size(); ++row)
    if (!decision_.left[chunk][row]) rows.push_back({chunk, row});
  return rows;
}

}  // namespace opsh::journal
