#pragma once

#include "cpp/journal/random_schema.hpp"

namespace test::random {

/// A statement, or rows that are handed over instead of one.
struct Work {
  std::string sql;
  bool upsert = false;
  std::string table = {};
  std::vector<std::string> columns = {};
  std::vector<std::vector<Text>> rows = {};
};

class WorkMaker {
 public:
  WorkMaker(Dice& dice, const Schema& schema) : dice_(dice), schema_(schema) {}

  Work make() {
    const Table& table = pick_table();
    switch (dice_.below(12)) {
      case 0:
      case 1:
        return {in_order({insert(table), returning()})};
      case 2:
      case 3:
        return {in_order({insert(table), on_conflict(table), returning()}), true};
      case 4:
        return {in_order({insert(table), " on conflict do nothing", returning()})};
      case 5:
        return rows_in(table);
      case 6:
      case 7:
        return {in_order({delete_from(table), returning()})};
      case 8:
        return {in_order({joined_update(table), returning()})};
      default:
        return {in_order({update(table), returning()})};
    }
  }

  /// A row that may or may not fit.
  std::string insert_into(const Table& table) { return insert(table) + " on conflict do nothing"; }

  /// A query for `writes`: some of the rows, or all.
  std::string watch(const Table& table) {
    return "select " + table.key_list() + " from " + table.sql() + " as x where " +
           (dice_.chance(40) ? "true" : some(table));
  }

  std::string update(const Table& table) {
    return in_order({"update ", target(table), " as x set ", assignments(table), " where ", some(table)});
  }

  std::string delete_from(const Table& table) {
    if (dice_.chance(15))
      return in_order({"delete from ", target(table), " as x using totals as o where o.k = 'all' and ", some(table)});
    return in_order({"delete from ", target(table), " as x where ", some(table)});
  }

  const Table& pick_table() {
    // The tables that triggers write to are written to directly only now and then.
    for (;;) {
      std::size_t at = dice_.below(schema_.tables.size());
      if (schema_.undeclared == at || (at < 2 && !dice_.chance(20))) continue;
      return schema_.tables[at];
    }
  }

 private:
  std::string returning() {
    return dice_.chance(15) ? dice_.pick({" returning *", " returning 1 as one", " returning x.* -- all"}) : "";
  }

  /// The table itself, one that is below it, or only it.
  std::string target(const Table& table) {
    if (table.plain || dice_.chance(60)) return table.sql();
    if (table.leaves.size() == 2 && dice_.chance(50)) return "only " + table.sql();
    return dice_.pick(table.leaves).sql();
  }

  std::vector<const Column*> written_columns(const Table& table) {
    std::vector<const Column*> columns;
    for (const auto& column : table.columns)
      if (!column.generated && (table.is_key(column) || dice_.chance(75))) columns.push_back(&column);
    std::erase_if(columns, [&](const Column* column) { return column->always && dice_.chance(60); });
    for (std::size_t at = columns.size(); at > 1; --at) std::swap(columns[at - 1], columns[dice_.below(at)]);
    return columns;
  }

  static std::string list(const std::vector<const Column*>& columns) {
    std::string names;
    for (const auto* column : columns) names += (names.empty() ? "" : ", ") + column->sql();
    return names;
  }

  Text value(const Column& column) { return column.type.value(dice_, column.not_null ? 0 : 15); }

  std::string insert(const Table& table) {
    auto columns = written_columns(table);
    std::string into =
        table.plain || table.leaves.size() == 4 || dice_.chance(60) ? table.sql() : table.leaves[1].sql();
    if (columns.empty()) return "insert into " + into + " as x default values";
    std::string text = "insert into " + into + " as x (" + list(columns) + ") overriding system value ";
    if (dice_.chance(15)) return text + select_of(table, columns);
    text += "values ";
    for (std::size_t rows = 1 + dice_.below(dice_.chance(70) ? 2 : 5), row = 0; row < rows; ++row) {
      text += row ? ", (" : "(";
      for (std::size_t at = 0; at < columns.size(); ++at)
        text += (at ? ", " : "") + (table.is_key(*columns[at]) || !dice_.chance(8) || columns[at]->not_null
                                        ? columns[at]->type.literal(value(*columns[at]))
                                        : "default");
      text += ")";
    }
    return text;
  }

  /// Rows like those that are there, with another part of the key.
  std::string select_of(const Table& table, const std::vector<const Column*>& columns) {
    std::string values;
    for (const auto* column : columns)
      values += (values.empty() ? "" : ", ") +
                (table.is_key(*column) ? column->type.literal(value(*column)) : "y." + column->sql());
    return "select " + values + " from " + table.sql() + " as y limit 1";
  }

  std::string on_conflict(const Table& table) {
    std::string assigned;
    for (const auto& column : table.columns)
      if (settable(table, column) && dice_.chance(40))
        assigned += (assigned.empty() ? "" : ", ") + column.sql() + " = " +
                    dice_.pick({"excluded.", "excluded.", "x."}) + column.sql();
    if (assigned.empty()) return " on conflict do nothing";
    return " on conflict (" + table.key_list() + ") do update set " + assigned +
           (dice_.chance(20) && has_stamp(table) ? " where x.stamp is distinct from 2" : "");
  }

  static bool settable(const Table& table, const Column& column) {
    return !table.is_key(column) && !column.generated && !column.always;
  }
  static bool has_stamp(const Table& table) {
    return std::ranges::find(table.columns, "stamp", &Column::name) != table.columns.end();
  }

  std::string assignments(const Table& table) {
    std::string text;
    while (text.empty())
      for (const auto& column : table.columns) {
        if (!settable(table, column) || !dice_.chance(column.name == "code" ? 20 : 35)) continue;
        std::string to =
            dice_.chance(12)  ? "x." + column.sql()
            : dice_.chance(6) ? std::string{"default"}
            : dice_.chance(2)
                ? "(1 / (0 * pg_catalog.length((x.*)::pg_catalog.text)))::pg_catalog.text::" + column.type.plain()
                : column.type.literal(value(column));
        if (column.name == "stamp" && dice_.chance(40)) to = "x.stamp + 1";
        if (column.name == "code" && dice_.chance(60)) to = "x.code + 9";
        text += (text.empty() ? "" : ", ") + column.sql() + " = " + to;
      }
    return text;
  }

  std::string joined_update(const Table& table) {
    const Table& other = pick_table();
    return in_order({"update ", target(table), " as x set ", assignments(table), " from ", other.sql(), " as o where ",
                     some(table), dice_.chance(50) ? "" : " and pg_catalog.length((o.*)::pg_catalog.text) > 0"});
  }

  /// Some of the rows, the same whenever it is asked.
  std::string some(const Table& table) {
    if (dice_.chance(12)) return "true";
    if (dice_.chance(10) && has_stamp(table)) return "x.stamp < 3";
    if (dice_.chance(30)) {
      std::string text;
      for (const auto& column : table.columns)
        if (table.is_key(column))
          text += (text.empty() ? "x." : " and x.") + column.sql() + " = " +
                  column.type.literal(dice_.pick(column.type.texts));
      return text;
    }
    auto parts = std::to_string(2 + dice_.below(5));
    return "pg_catalog.abs(pg_catalog.hashtext(row(" + table.key_list("x.") + ")::pg_catalog.text)) % " + parts +
           " = " + std::to_string(dice_.below(2));
  }

  Work rows_in(const Table& table) {
    Work work;
    work.table = table.name;
    auto columns = written_columns(table);
    if (columns.empty()) columns.push_back(&table.columns.front());
    for (const auto* column : columns) work.columns.push_back(column->name);
    for (std::size_t rows = 1 + dice_.below(3); rows > 0; --rows) {
      auto& row = work.rows.emplace_back();
      for (const auto* column : columns) row.push_back(value(*column));
    }
    work.sql = "rows into " + table.sql() + " (" + list(columns) + ")";
    return work;
  }

  Dice& dice_;
  const Schema& schema_;
};

}  // namespace test::random
