#pragma once

#include <fmt/format.h>

#include <algorithm>

#include "cpp/journal/random_values.hpp"

namespace test::random {

struct Column {
  std::string name;
  Type type;
  bool not_null = false;
  bool generated = false;  ///< computed by the server
  bool always = false;     ///< GENERATED ALWAYS AS IDENTITY
  std::string sql() const { return quoted(name, '"'); }
};

/// A table that holds rows.
struct Leaf {
  std::string name;
  std::vector<std::string> extra = {};  ///< columns that the table above it has not
  std::string sql() const { return quoted(name, '"'); }
};

struct Table {
  std::string name;
  std::vector<Column> columns = {};
  std::vector<std::string> key = {};
  std::vector<Leaf> leaves = {};
  bool plain = true;  ///< it is its only leaf

  std::string sql() const { return quoted(name, '"'); }
  bool is_key(const Column& column) const { return std::ranges::find(key, column.name) != key.end(); }
  std::string key_list(const std::string& of = "") const {
    std::string list;
    for (const auto& part : key) list += (list.empty() ? "" : ", ") + of + quoted(part, '"');
    return list;
  }
  std::vector<std::string> stored(const Leaf& leaf) const {
    std::vector<std::string> names;
    for (const auto& column : columns)
      if (!column.generated) names.push_back(column.name);
    names.insert(names.end(), leaf.extra.begin(), leaf.extra.end());
    return names;
  }
};

struct Schema {
  std::string sql;
  std::vector<Table> tables;              ///< totals and log are the first two
  std::optional<std::size_t> undeclared;  ///< a table that triggers write to and the step does not declare
};

class SchemaMaker {
 public:
  explicit SchemaMaker(Dice& dice) : dice_(dice) {}

  Schema make() {
    schema_.sql = type_definitions;
    add_totals_and_log();
    std::size_t count = 1 + dice_.below(3);
    for (std::size_t number = 0; number < count; ++number) add_table(number);
    for (std::size_t at = 2; at < schema_.tables.size(); ++at) add_triggers(schema_.tables[at]);
    if (dice_.chance(25)) schema_.undeclared = dice_.below(2);
    return std::move(schema_);
  }

 private:
  void add_totals_and_log() {
    schema_.sql +=
        "create table totals (k text primary key, n integer, note text);\n"
        "insert into totals values ('all', 0), ('other', 5);\n"
        "create table log (id bigint generated always as identity primary key, what text);\n"
        "insert into log (what) values ('one'), ('two');\n";
    Type word{"text", {"all", "other", "third", ""}}, number{"integer", {"1", "2"}};
    schema_.tables.push_back({"totals", {{"k", word, true}, {"n", number}, {"note", word}}, {"k"}, {{"totals"}}});
    Type id{"bigint", {"1", "2", "77"}};
    schema_.tables.push_back({"log", {{"id", id, true, false, true}, {"what", word}}, {"id"}, {{"log"}}});
  }

  void add_table(std::size_t number) {
    Table table{dice_.pick({"t", "odd \"name\"", "Größe", "select", "it's"}) + std::to_string(number)};
    bool partitioned = dice_.chance(25), inherited = !partitioned && dice_.chance(20);
    table.plain = !partitioned && !inherited;
    for (std::size_t at = dice_.chance(65) ? 1 : 2; at > 0; --at) {
      Column column{dice_.pick({"k", "Key", "k \"q\"", "order"}) + std::to_string(at), dice_.pick(key_types()), true};
      table.key.push_back(column.name);
      table.columns.push_back(column);
    }
    if (partitioned) {
      table.columns.push_back({"part", {"text", {"a", "b", "c", "d"}}, true});
      table.columns.push_back({"lot", {"integer", {"1", "5", "12"}}, true});
      table.key.insert(table.key.end(), {"part", "lot"});
    }
    std::string references = add_reference(table);
    table.columns.push_back({"stamp", {"integer", {"0", "1", "2", "3"}}});
    table.columns.push_back({"code", {"integer", {"1", "2", "3", "4", "5", "6", "7", "8", "9"}}});
    for (std::size_t at = 1 + dice_.below(5); at > 0; --at)
      table.columns.push_back({dice_.pick({"c", "C c", "from"}) + std::to_string(at), dice_.pick(column_types())});
    // The key is not always in front, nor in the order of the columns.
    for (std::size_t at = table.columns.size(); at > 1 && dice_.chance(70); --at)
      std::swap(table.columns[at - 1], table.columns[dice_.below(at)]);
    if (dice_.chance(20)) table.columns.push_back({"twice", {"integer", {"0"}}, false, true});
    if (dice_.chance(20) && table.plain) table.columns.push_back({"nr", {"bigint", {"5", "6"}}, true, false, true});
    define(table, partitioned, inherited);
    schema_.sql += references;
    schema_.tables.push_back(std::move(table));
  }

  /// A column `ref`, at times in the key, and the constraint for later.
  std::string add_reference(Table& table) {
    std::vector<std::string> targets;
    for (const auto& other : schema_.tables)
      if (other.plain && other.name != "totals" && other.name != "log") targets.push_back(other.sql());
    if (table.plain) targets.push_back(table.sql());
    if (targets.empty() || dice_.chance(35)) return {};
    Column column{"ref", {"integer", {"1", "2", "3", "4", "5", "6", "7", "8", "9"}}};
    column.not_null = table.plain && dice_.chance(40);
    const std::string& target = column.not_null ? targets.front() : dice_.pick(targets);
    if (column.not_null && target == table.sql()) return {};
    if (column.not_null) table.key.push_back("ref");
    table.columns.push_back(column);
    return in_order({"alter table ", table.sql(), " add foreign key (ref) references ", target, " (code) on delete ",
                     dice_.pick({"cascade", "cascade", "set null", "set default", "no action"}), " on update ",
                     dice_.pick({"cascade", "cascade", "set null", "restrict"}),
                     dice_.pick({"", " deferrable initially deferred", " deferrable"}), ";\n"});
  }

  static std::string definition(const Column& column) {
    std::string text = column.sql() + " " + column.type.name;
    if (column.generated) text += " generated always as (stamp * 2) stored";
    if (column.always) text += " generated always as identity";
    return text + (column.not_null ? " not null" : "");
  }

  void define(Table& table, bool partitioned, bool inherited) {
    std::string columns, backwards;
    for (const auto& column : table.columns) {
      columns += definition(column) + ", ";
      backwards = definition(column) + (backwards.empty() ? "" : ", ") + backwards;
    }
    std::string key = fmt::format("{} ({})", dice_.pick({"primary key", "primary key", "unique"}), table.key_list());
    std::string code = table.plain ? ", unique (code)" : "";
    auto name = table.sql();
    schema_.sql += fmt::format("create table {} ({}{}{}){};\n", name, columns, key, code,
                               partitioned ? " partition by list (part)" : "");
    if (!partitioned) table.leaves.push_back({table.name});
    if (inherited) {
      Leaf heir{table.name + " heir", {"extra", "more \"x\""}};
      schema_.sql +=
          fmt::format("create table {} (extra text default 'e', \"more \"\"x\"\"\" jsonb, {}) inherits ({});\n",
                      heir.sql(), key, name);
      table.leaves.push_back(heir);
    }
    if (!partitioned) return;
    for (const char* suffix : {" a", " b1", " b2", " rest"}) table.leaves.push_back({table.name + suffix});
    auto middle = quoted(table.name + " b", '"');
    auto leaf = [&](std::size_t at) { return table.leaves[at].sql(); };
    schema_.sql +=
        fmt::format("create table {} partition of {} for values in ('a');\n", leaf(0), name) +
        fmt::format("create table {} partition of {} for values in ('b', 'c') partition by range (lot);\n", middle,
                    name) +
        fmt::format("create table {} partition of {} for values from (minvalue) to (5);\n", leaf(1), middle) +
        fmt::format("create table {} partition of {} for values from (5) to (maxvalue);\n", leaf(2), middle) +
        // Its columns have other numbers than those of the table above it.
        fmt::format("create table {0} (gone integer, {1}); alter table {0} drop column gone;\n", leaf(3), backwards) +
        fmt::format("alter table {} attach partition {} default;\n", name, leaf(3));
  }

  void add_triggers(const Table& table) {
    std::string own;  // this very row, from inside a trigger
    std::string names, values;
    for (const auto& name : table.key)
      own += (own.empty() ? "x." : " and x.") + quoted(name, '"') + " = row." + quoted(name, '"');
    for (const auto& column : table.columns) {
      if (column.generated) continue;
      names += (names.empty() ? "" : ", ") + column.sql();
      values += (values.empty() ? "" : ", ") + (column.name == "stamp" ? "2" : "old." + column.sql());
    }
    auto row = [&](const std::string& name) {
      std::string text = own;
      for (std::size_t at; (at = text.find("row.")) != std::string::npos;) text.replace(at, 4, name + ".");
      return text;
    };
    const auto name = table.sql();
    const auto& moved = *std::ranges::find(table.columns, table.key.front(), &Column::name);
    const std::string elsewhere = moved.type.literal(dice_.pick(moved.type.texts));
    const bool plain = table.plain;
    trigger(table, 20, "before insert or update", "new.stamp := coalesce(new.stamp, 0) + 1; return new;");
    trigger(table, 8, "before insert or update or delete",
            "if tg_op = 'DELETE' then if old.stamp = 3 then return null; end if; return old; end if; "
            "if new.stamp = 3 then return null; end if; return new;");
    trigger(table, 20, "after insert or update or delete",
            "insert into totals as t values (tg_op, 1) on conflict (k) do update set n = t.n + 1; return null;");
    trigger(table, 15, "after update", "update totals set n = n + 1 where k = 'all'; return null;");
    trigger(table, 8, "after delete", "delete from totals where k = 'all' or n > 9; return null;");
    trigger(table, 15, "after insert or update",
            "if pg_trigger_depth() < 2 then update " + name + " as x set stamp = coalesce(x.stamp, 0) + 100 where " +
                row("new") + "; end if; return null;");
    trigger(table, 15, "after insert or update or delete", "insert into log (what) values (tg_op); return null;");
    trigger(table, 20, "after insert or update or delete",
            "begin update totals set n = -1; insert into log (what) values ('never'); delete from " + name +
                "; raise exception 'no'; exception when others then null; end; return null;");
    trigger(table, plain ? 10 : 0, "before insert",
            "delete from " + name + " as x where " + row("new") + "; return new;");
    trigger(table, plain ? 10 : 0, "after delete",
            "if pg_trigger_depth() < 2 and old.stamp = 1 then insert into " + name + " (" + names +
                ") overriding system value values (" + values + "); end if; return null;");
    trigger(table, plain ? 6 : 0, "before update",
            "if new.stamp = 3 then new." + moved.sql() + " := " + elsewhere + "; end if; return new;");
    trigger(table, plain ? 8 : 0, "after insert or update",
            "if pg_trigger_depth() < 2 and new.stamp = 2 then update " + name + " as x set " + moved.sql() + " = " +
                elsewhere + " where " + row("new") + "; end if; return null;");
    // The key of another row than the statement's.
    trigger(table, plain ? 12 : 0, "after insert or update or delete",
            "if pg_trigger_depth() < 2 then update " + name + " as x set " + moved.sql() + " = " + elsewhere +
                " where x.ctid = (select y.ctid from " + name +
                " as y order by y.stamp, y.ctid limit 1); end if; "
                "return null;");
    trigger(table, plain ? 15 : 0, "after insert or update or delete deferrable initially deferred",
            "insert into log (what) values ('late'); update totals set note = coalesce(note, '') || 'l' where k = "
            "'other'; return null;",
            "constraint ");
    if (dice_.chance(10))
      schema_.sql += fmt::format(
          "create rule also as on update to {} do also update totals set n = n + 1 where k = 'all';\n", name);
  }

  void trigger(const Table& table, unsigned percent, const std::string& when, const std::string& body,
               const std::string& kind = "") {
    if (!dice_.chance(percent)) return;
    int number = ++triggers_;
    schema_.sql +=
        fmt::format("create function f{}() returns trigger language plpgsql as $f$ begin {} end $f$;\n", number, body);
    auto split = when.find(" deferrable");
    auto create = [&](const std::string& on) {
      schema_.sql +=
          fmt::format("create {}trigger f{} {} on {}{} for each row execute function f{}();\n", kind, number,
                      when.substr(0, split), on, split == std::string::npos ? "" : when.substr(split), number);
    };
    create(table.sql());
    if (table.leaves.size() == 2 && dice_.chance(50)) create(table.leaves[1].sql());
  }

  Dice& dice_;
  Schema schema_;
  int triggers_ = 0;
};

}  // namespace test::random
