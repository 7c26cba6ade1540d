#pragma once

#include <fmt/format.h>
#include <libpq-fe.h>

#include <map>
#include <memory>
#include <stdexcept>

#include "cpp/journal/random_schema.hpp"
#include "journal/row_digest.hpp"
#include "support/server.hpp"

namespace test::random {

/// Plain libpq, with none of opsh's code.
class Session {
 public:
  explicit Session(const std::string& conninfo) : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    PQsetNoticeReceiver(
        connection_.get(), [](void*, const PGresult*) {}, nullptr);
    ask("set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set bytea_output = 'hex'; "
        "set extra_float_digits = 1; set lc_monetary = 'C'; set lock_timeout = '15ms'");
  }

  /// Rows of texts, as the types' output functions write them. Throws std::runtime_error.
  std::vector<Row> ask(const std::string& sql) {
    std::unique_ptr<PGresult, void (*)(PGresult*)> result{PQexec(connection_.get(), sql.c_str()), &PQclear};
    auto status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
      throw std::runtime_error{PQerrorMessage(connection_.get())};
    std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
    for (int row = 0; row < PQntuples(result.get()); ++row)
      for (int column = 0; column < PQnfields(result.get()); ++column)
        rows[static_cast<std::size_t>(row)].push_back(
            PQgetisnull(result.get(), row, column) ? Text{} : Text{PQgetvalue(result.get(), row, column)});
    return rows;
  }

  /// Whether it worked. What others have locked is left alone.
  bool try_to(const std::string& sql) {
    try {
      ask(sql);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

 private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

/// The elements of an array of texts, of one dimension.
inline std::vector<Text> elements(const std::string& array) {
  std::vector<Text> found;
  for (std::size_t at = 1; at + 1 < array.size(); ++at) {
    std::string element;
    bool is_quoted = array[at] == '"';
    if (is_quoted)
      for (++at; array[at] != '"'; ++at) element += array[at] == '\\' ? array[++at] : array[at];
    else
      for (; array[at] != ',' && array[at] != '}'; ++at) element += array[at];
    found.push_back(!is_quoted && element == "NULL" ? Text{} : Text{element});
    if (is_quoted) ++at;
  }
  return found;
}

inline std::string shown(const Text& text) {
  return text ? "'" + *text + "'" : "null";
}

/// A row is known by its leaf and the texts of its key.
using Place = std::pair<std::string, std::vector<Text>>;

inline std::string shown(const Place& place) {
  std::string text = place.first;
  for (const auto& part : place.second) text += " " + shown(part);
  return text;
}

/// Every stored column of every row of every table.
using Dump = std::map<Place, std::map<std::string, Text>>;

template <typename Ask>
Dump dump(const Schema& schema, Ask&& ask) {
  Dump all;
  for (const auto& table : schema.tables)
    for (const auto& leaf : table.leaves) {
      auto names = table.stored(leaf);
      std::string columns = table.key_list();
      for (const auto& name : names) columns += ", " + quoted(name, '"');
      for (const auto& row : ask("select " + columns + " from only " + leaf.sql())) {
        auto values = row.begin() + static_cast<std::ptrdiff_t>(table.key.size());
        auto& cells = all[{leaf.name, {row.begin(), values}}];
        for (const auto& name : names) cells[name] = *values++;
      }
    }
  return all;
}

/// A row of the journal.
struct Entry {
  std::string table, operation;
  bool direct = false;
  std::vector<Text> key, names, before, after;
  std::string digest;  ///< of an insert
};

inline std::vector<Entry> journal_of(Session& session, int batch) {
  std::vector<Entry> entries;
  for (const auto& row : session.ask(fmt::format(
           "select c.relname, j.operation, j.direct, r.key, j.names, r.old, r.new from opsh.journal as j "
           "join pg_class as c on c.oid = j.leaf "
           "cross join lateral rows from (unnest(j.keys), unnest(j.old), unnest(j.new)) as r (key, old, new) "
           "where j.batch = {}",
           batch))) {
    Entry entry{*row[0], *row[1], row[2] == "t", elements(*row[3]), elements(*row[4]), {}, {}, {}};
    if (row[5]) entry.before = elements(*row[5]);
    if (entry.operation == "insert")
      entry.digest = row[6].value_or("");
    else if (row[6])
      entry.after = elements(*row[6]);
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// What is wrong with the journal of a batch; empty when it says exactly how the two dumps differ.
class Judge {
 public:
  Judge(const Dump& before, const Dump& after) : before_(before), after_(after) {}

  std::string complaints(const std::vector<Entry>& journal) {
    text_.clear();
    std::map<Place, const Entry*> said;
    for (const auto& entry : journal) {
      Place place{entry.table, entry.key};
      if (!said.emplace(place, &entry).second) complain(place, "is in the journal twice");
    }
    for (const auto& [place, now] : after_) {
      auto old = before_.find(place);
      if (old == before_.end())
        inserted(place, now, take(said, place));
      else if (old->second != now)
        updated(place, old->second, now, take(said, place));
    }
    for (const auto& [place, old] : before_)
      if (!after_.contains(place)) deleted(place, old, take(said, place));
    for (const auto& [place, entry] : said)
      complain(place, entry->operation + " in the journal of a row that did not change");
    return text_;
  }

 private:
  static const Entry* take(std::map<Place, const Entry*>& said, const Place& place) {
    auto node = said.extract(place);
    return node ? node.mapped() : nullptr;
  }

  void complain(const Place& place, const std::string& what) { text_ += shown(place) + ": " + what + "\n"; }

  bool is(const Place& place, const Entry* entry, const char* operation) {
    if (entry && entry->operation == operation) return true;
    complain(place, std::string{operation} + " is " + (entry ? entry->operation : "not") + " in the journal");
    return false;
  }

  void inserted(const Place& place, const std::map<std::string, Text>& now, const Entry* entry) {
    if (!is(place, entry, "insert")) return;
    std::vector<std::optional<std::string_view>> values;
    for (const auto& name : entry->names) values.push_back(now.at(*name));
    if (entry->names.size() != now.size()) complain(place, "the digest is not of all columns");
    if (entry->digest != opsh::journal::row_digest(values)) complain(place, "the digest is another row's");
  }

  void updated(const Place& place, const std::map<std::string, Text>& old, const std::map<std::string, Text>& now,
               const Entry* entry) {
    if (!is(place, entry, "update")) return;
    std::map<std::string, std::pair<Text, Text>> expected, found;
    for (const auto& [name, value] : now)
      if (old.at(name) != value) expected[name] = {old.at(name), value};
    for (std::size_t at = 0; at < entry->names.size(); ++at)
      found[*entry->names[at]] = {entry->before.at(at), entry->after.at(at)};
    if (found == expected) return;
    std::string columns;
    for (const auto& [name, values] : expected)
      columns += fmt::format(" {}: {} -> {}", name, shown(values.first), shown(values.second));
    columns += ", but the journal says";
    for (const auto& [name, values] : found)
      columns += fmt::format(" {}: {} -> {}", name, shown(values.first), shown(values.second));
    complain(place, columns);
  }

  void deleted(const Place& place, const std::map<std::string, Text>& old, const Entry* entry) {
    if (!is(place, entry, "delete")) return;
    std::map<std::string, Text> found;
    for (std::size_t at = 0; at < entry->names.size(); ++at) found[*entry->names[at]] = entry->before.at(at);
    if (found != old) complain(place, "deleted with other values than the journal says");
  }

  const Dump& before_;
  const Dump& after_;
  std::string text_;
};

}  // namespace test::random
