#include "journal/references.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "journal/row_values.hpp"

namespace opsh::journal {
namespace {

using Sql = Composer<sql::ReadSql>;

std::string place_of(std::string_view table, std::string_view ctid) {
  return fmt::format("{} {}", table, ctid);
}

/// The key behind the first two columns of a result.
Key key_behind(const db::Result& result, int row) {
  Key key;
  for (int column = 2; column < result.columns(); ++column) {
    if (column > 2) key += '\0';
    key += result.field(row, column).value_or("");
  }
  return key;
}

void append_keys(Sql& sql, const CurrentChunk& current) {
  for (std::size_t column : current.key) {
    sql << ", ";
    append_column(sql, current, column);
  }
}

std::unordered_map<std::string_view, std::size_t> numbered(const std::vector<Key>& keys) {
  std::unordered_map<std::string_view, std::size_t> numbers;
  for (std::size_t row = 0; row < keys.size(); ++row) numbers.emplace(keys[row], row);
  return numbers;
}

}  // namespace

bool References::Place::releases(const ForeignKey& key) const {
  return !columns || std::ranges::any_of(key.columns, [&](const auto& name) {
    return std::ranges::find(*columns, name) != columns->end();
  });
}

std::vector<Reference> References::find(StoredChanges& changes, const std::vector<CurrentChunk>& current,
                                        const Left& left) {
  std::vector<Reference> found;
  std::erase_if(places_, [](const auto& place) { return !place.second.supposed_undone; });
  locate_rows(changes, current, left);
  for (std::size_t chunk = 0; chunk < current.size(); ++chunk) {
    if (changes.chunks()[chunk].change == Change::remove || current[chunk].obstacle) continue;
    for (const auto& key : leaves_.references(*current[chunk].leaf))
      if (changes.chunks()[chunk].change == Change::insert || current[chunk].touches(key.referenced))
        find_in(chunk, changes.rows(chunk), current[chunk], key, left, found);
  }
  return found;
}

/// Where the rows are that refer to others and will not any more.
void References::locate_rows(StoredChanges& changes, const std::vector<CurrentChunk>& current, const Left& left) {
  for (std::size_t chunk = 0; chunk < current.size(); ++chunk) {
    const CurrentChunk& here = current[chunk];
    const StoredChunk& stored = changes.chunks()[chunk];
    if (here.obstacle || stored.change == Change::remove) continue;
    const auto& referring = leaves_.referring(*here.leaf);
    std::shared_ptr<std::vector<std::string>> columns;
    if (stored.change == Change::update) {
      columns = std::make_shared<std::vector<std::string>>();
      for (std::size_t column : here.columns) columns->push_back(here.leaf->leaf.columns[column].name);
      std::erase_if(*columns, [&](const auto& name) { return !referring.contains(name); });
    }
    if (referring.empty() || (columns && columns->empty())) continue;
    const StoredRows& rows = changes.rows(chunk);
    db::Parameters parameters;
    RowValues<sql::ReadSql> values{looker_.connection, *here.leaf, parameters};
    add_keys(values, here, rows.keys, [&](std::size_t row) { return !left[chunk][row]; });
    Sql sql;
    sql << "select opsh_row.tableoid, opsh_row.ctid";
    append_keys(sql, here);
    sql << " from ";
    append_keyed_rows(sql, here, values);
    db::Result result = looker_.ask(sql.compose(), parameters);
    auto numbers = numbered(rows.keys);
    for (int row = 0; row < result.rows(); ++row) {
      auto known = numbers.find(key_behind(result, row));
      if (known == numbers.end()) continue;
      places_.insert_or_assign(place_of(result.field(row, 0).value(), result.field(row, 1).value()),
                               Place{{chunk, known->second}, false, columns});
    }
  }
}

void References::find_in(std::size_t chunk, const StoredRows& rows, const CurrentChunk& current, const ForeignKey& key,
                         const Left& left, std::vector<Reference>& found) {
  db::Parameters parameters;
  RowValues<sql::ReadSql> values{looker_.connection, *current.leaf, parameters};
  add_keys(values, current, rows.keys, [&](std::size_t row) { return !left[chunk][row]; });
  // With more than all that will let go of a row, one of them is a stranger's.
  sql::Parameter most{static_cast<int>(parameters.add(std::to_string(places_.size() + 1), db::oid::int8))};
  Sql sql;
  sql << "select opsh_other.tableoid, opsh_other.ctid";
  append_keys(sql, current);
  sql << " from ";
  append_keyed_rows(sql, current, values);
  sql << " cross join lateral (select opsh_referring.tableoid, opsh_referring.ctid from ";
  // Heirs of a table have no part in its foreign keys; partitions have.
  if (!key.partitioned) sql << "only ";
  sql << key.table_name << " as opsh_referring where ";
  for (std::size_t at = 0; at < key.columns.size(); ++at) {
    if (at > 0) sql << " and ";
    sql << "opsh_referring." << sql::Identifier{key.columns[at]} << " operator("
        << sql::Identifier{key.operator_schema[at]} << ".=) opsh_row." << sql::Identifier{key.referenced[at]};
  }
  sql << " limit " << most << ") as opsh_other";
  db::Result result = looker_.ask(sql.compose(), parameters);
  auto numbers = numbered(rows.keys);
  for (int row = 0; row < result.rows(); ++row) {
    auto parent = numbers.find(key_behind(result, row));
    if (parent == numbers.end()) continue;
    auto place = places_.find(place_of(result.field(row, 0).value(), result.field(row, 1).value()));
    bool released = place != places_.end() && place->second.releases(key);
    if (released && place->second.supposed_undone) continue;
    found.push_back({{chunk, parent->second},
                     released ? std::optional{place->second.row} : std::nullopt,
                     fmt::format("{} ({})", key.table_name.text(), sql::Identifier{key.name}.text())});
  }
}

void References::suppose_undone(const Left& left) {
  std::erase_if(places_, [&](const auto& entry) {
    const Place& place = entry.second;
    return !place.supposed_undone && left[place.row.chunk][place.row.row];
  });
  for (auto& entry : places_) entry.second.supposed_undone = true;
}

}  // namespace opsh::journal
