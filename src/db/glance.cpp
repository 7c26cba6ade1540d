#include "db/glance.hpp"

#include <fmt/format.h>

#include <charconv>

#include "sql/gate.hpp"
#include "sql/identifier.hpp"

namespace opsh::db {
namespace {

// 1000 rows of them are memory that every machine has; who reads more of a text reads it in an editor.
constexpr int longest = 256 << 10;
constexpr int shown = 40;
constexpr std::size_t most_text = 30 << 10;

/// SQL that is true for a long value of the column, its bytes, and its beginning as text. Empty for a type whose values
/// are short, or that cannot be looked at in part.
struct Look {
  std::string is_long, bytes, beginning;
};

Look look_at(const std::string& column, unsigned type) {
  constexpr unsigned bytea = 17, text = 25, json = 114, xml = 142, varchar = 1043, jsonb = 3802;
  const std::string length = fmt::format("pg_catalog.octet_length({})", column);
  switch (type) {
    case text:
    case varchar:
      return {fmt::format("{} > {}", length, longest), length,
              fmt::format("pg_catalog.left({}::pg_catalog.text, {})", column, shown)};
    case bytea:
      return {fmt::format("{} > {}", length, longest), length,
              fmt::format("pg_catalog.encode(pg_catalog.substring({}, 1, {}), 'hex')", column, shown / 2)};
    case json:
    case jsonb:
    case xml:
      // Their text is made for the few only that are large as they are stored.
      return {fmt::format("pg_catalog.pg_column_size({}) > {}", column, longest),
              fmt::format("pg_catalog.octet_length({}::pg_catalog.text)", column),
              fmt::format("pg_catalog.left({}::pg_catalog.text, {})", column, shown)};
    default:
      return {};
  }
}

/// The query with NULL for long values, and behind its columns one for each that may have them: "bytes:beginning".
struct Wrapped {
  sql::Rendered query;
  std::vector<int> looked_at;  ///< columns of the query
};

Wrapped wrapped(const sql::Rendered& query, const std::vector<ColumnShape>& shape) {
  Wrapped made{query, {}};
  std::string list, behind, names;
  for (std::size_t at = 0; at < shape.size(); ++at) {
    const std::string name = fmt::format("c{}", at + 1), title = sql::Identifier{shape[at].name}.text();
    const Look look = look_at("o." + name, shape[at].type);
    names += (at ? ", " : "") + name;
    if (at) list += ", ";
    if (look.is_long.empty()) {
      list += fmt::format("o.{} as {}", name, title);
      continue;
    }
    list += fmt::format("case when {} then null else o.{} end as {}", look.is_long, name, title);
    behind += fmt::format(", case when {} then {}::pg_catalog.text || ':' || {} end", look.is_long, look.bytes,
                          look.beginning);
    made.looked_at.push_back(static_cast<int>(at));
  }
  // The gate takes no longer text; a query of so many columns is looked at as it is.
  if (query.text().size() + list.size() + behind.size() + names.size() > most_text) made.looked_at.clear();
  if (!made.looked_at.empty()) {
    // OFFSET keeps the server from working out a value once for each place that names it.
    made.query = query.wrapped(fmt::format("select {}{} from (select * from (", list, behind),
                               fmt::format(") as asked offset 0) as o ({})", names));
  }
  return made;
}

template <class Session>
Glance glance_over(Session& session, const sql::Rendered& query, const Parameters& parameters) {
  const auto shape = session.describe(sql::gate_read(query), parameters);
  const Wrapped made = wrapped(query, shape);
  Glance found{session.beginning(sql::gate_read(made.query), parameters), static_cast<int>(shape.size()), {}};
  const Result& rows = found.sample.rows;
  for (std::size_t at = 0; at < made.looked_at.size(); ++at) {
    const int behind = found.columns + static_cast<int>(at);
    for (int row = 0; row < rows.rows(); ++row) {
      const auto field = rows.field(row, behind);
      if (!field) continue;
      const auto colon = field->find(':');
      LongValue value{row, made.looked_at[at], 0, std::string{field->substr(colon + 1)}};
      std::from_chars(field->data(), field->data() + colon, value.bytes);
      found.long_values.push_back(std::move(value));
    }
  }
  return found;
}

}  // namespace

Glance glance(Reader& reader, const sql::Rendered& query, const Parameters& parameters) {
  return glance_over(reader, query, parameters);
}

Glance glance(Writer& writer, const sql::Rendered& query, const Parameters& parameters) {
  return glance_over(writer, query, parameters);
}

}  // namespace opsh::db
