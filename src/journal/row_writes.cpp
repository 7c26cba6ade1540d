#include "journal/row_writes.hpp"

#include "journal/row_values.hpp"

namespace opsh::journal {
namespace {

using Sql = Composer<sql::WriteSql>;
using Values = RowValues<sql::WriteSql>;

bool all_of_them(std::size_t) {
  return true;
}

}  // namespace

std::uint64_t RowWrites::insert(std::span<const RowId> rows) {
  const CurrentChunk& current = decision_.current[rows.front().chunk];
  const auto& columns = current.leaf->leaf.columns;
  db::Parameters parameters;
  Values values{batch_.writer().connection(), *current.leaf, parameters};
  Sql sql;
  sql << "insert into " << current.leaf->leaf.name << " as opsh_row (";
  for (std::size_t place = 0; place < current.columns.size(); ++place) {
    if (!current.writable[place]) continue;
    sql.comma(values.size() == 0) << sql::Identifier{columns[current.columns[place]].name};
    values.add("n" + std::to_string(place), current.columns[place], old_values(rows, place));
  }
  sql << ") overriding system value select ";
  for (std::size_t at = 0; at < values.size(); ++at) values.append_value(sql.comma(at == 0), at);
  sql << " from ";
  values.append_from(sql);
  return write(sql::StatementKind::insert, current, {}, sql.compose(), parameters);
}

std::uint64_t RowWrites::remove(std::span<const RowId> rows) {
  const CurrentChunk& current = decision_.current[rows.front().chunk];
  db::Parameters parameters;
  Values values{batch_.writer().connection(), *current.leaf, parameters};
  add_keys(values, current, keys_of(rows), all_of_them);
  Sql sql;
  sql << "delete from only " << current.leaf->leaf.name << " as opsh_row using ";
  values.append_from(sql);
  sql << " where ";
  append_key_match(sql, current, values);
  return write(sql::StatementKind::delete_, current, {}, sql.compose(), parameters);
}

std::uint64_t RowWrites::update(std::span<const RowId> rows, const std::vector<std::size_t>& places,
                                const std::vector<std::size_t>& compared, const Expected& expected) {
  const CurrentChunk& current = decision_.current[rows.front().chunk];
  const auto& columns = current.leaf->leaf.columns;
  db::Parameters parameters;
  Values values{batch_.writer().connection(), *current.leaf, parameters};
  add_keys(values, current, keys_of(rows), all_of_them);
  Sql sql;
  sql << "update only " << current.leaf->leaf.name << " as opsh_row set ";
  std::vector<std::string> assigned;
  for (std::size_t place : places) {
    const Column& column = columns[current.columns[place]];
    sql.comma(assigned.empty()) << sql::Identifier{column.name} << " = ";
    values.add("n" + std::to_string(place), current.columns[place], old_values(rows, place));
    values.append_value(sql, values.size() - 1);
    assigned.push_back(column.name);
  }
  // concat() calls the type's output function, where a cast to text may be somebody's own; num_nulls() because a row of
  // NULLs is null and yet no NULL.
  Sql condition;
  for (std::size_t place : compared) {
    db::ArrayText texts;
    for (RowId row : rows) texts.add(expected(row, place));
    values.add_texts("e" + std::to_string(place), std::move(texts));
    sql::Identifier name{columns[current.columns[place]].name};
    condition << " and case when pg_catalog.num_nulls(opsh_row." << name << ") = 0 then pg_catalog.concat(opsh_row."
              << name << ") end collate \"C\" is not distinct from ";
    values.append_value(condition, values.size() - 1);
    condition << " collate \"C\"";
  }
  sql << " from ";
  values.append_from(sql);
  sql << " where ";
  append_key_match(sql, current, values);
  sql::WriteSql where = condition.compose();
  sql << where;
  return write(sql::StatementKind::update, current, std::move(assigned), sql.compose(), parameters);
}

std::vector<Key> RowWrites::keys_of(std::span<const RowId> rows) {
  std::vector<Key> keys;
  keys.reserve(rows.size());
  for (RowId id : rows) keys.push_back(changes_.rows(id.chunk).keys[id.row]);
  return keys;
}

db::ArrayText RowWrites::old_values(std::span<const RowId> rows, std::size_t place) {
  db::ArrayText values;
  for (RowId id : rows) {
    const auto& old = changes_.rows(id.chunk).old[id.row][place];
    values.add(old ? std::optional<std::string_view>{*old} : std::nullopt);
  }
  return values;
}

std::uint64_t RowWrites::write(sql::StatementKind kind, const CurrentChunk& current, std::vector<std::string> assigned,
                               const sql::WriteSql& sql, const db::Parameters& parameters) {
  sql::Operation operation;
  operation.kind = kind;
  operation.schema = current.leaf->leaf.name.schema();
  operation.name = current.leaf->leaf.name.name();
  operation.alias = "opsh_row";
  operation.assigned = std::move(assigned);
  return batch_.write(operation, sql, parameters).result->affected();
}

}  // namespace opsh::journal
