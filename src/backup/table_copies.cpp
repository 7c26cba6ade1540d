#include "backup/table_copies.hpp"

#include <fmt/format.h>

#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "db/copy.hpp"
#include "sql/gate.hpp"
#include "sql/parameters.hpp"

namespace opsh::backup {
namespace {

using sql::compose_read;
using sql::compose_write;
using sql::Identifier;
using sql::operator""_sql;

struct Columns {
  std::vector<Identifier> names;
  sql::WriteSql shape;  ///< a SELECT whose columns have these names and types
};

/// The types are text that the other server wrote: the gate makes sure that it is a query and nothing else.
Columns columns_of(db::Reader& from, const sql::QualifiedName& table) {
  // Only what is in pg_catalog is written without its schema then.
  from.query("select pg_catalog.set_config('search_path', 'pg_catalog', true)"_sql);
  db::Result found = from.query(
      "select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) "
      "from pg_catalog.pg_attribute as a where a.attrelid = $1::pg_catalog.regclass and a.attnum > 0 "
      "and not a.attisdropped order by a.attnum"_sql,
      {{table.text(), db::oid::text}});
  std::vector<Identifier> names;
  std::string shape;
  for (int row = 0; row < found.rows(); ++row) {
    names.emplace_back(std::string{*found.field(row, 0)});
    shape +=
        fmt::format("{}cast(null as {}) as {}", row == 0 ? "select " : ", ", *found.field(row, 1), names.back().text());
  }
  if (names.empty()) shape = "select";
  return {std::move(names), sql::gate_write(sql::parse_template(shape).render({}))};
}

sql::ReadSql rows_of(const sql::QualifiedName& table, const std::vector<Identifier>& columns) {
  sql::ReadSql list{"select "_sql};
  bool first = true;
  for (const Identifier& column : columns)
    list = std::exchange(first, false) ? compose_read({list, column}) : compose_read({list, ", ", column});
  return compose_read({list, " from only ", table});
}

}  // namespace

TableCopies::TableCopies(const db::Target& target, std::string schema) : writer_(target), schema_(std::move(schema)) {
  writer_.begin(db::CommitKey{});
  writer_.execute(compose_write({"create schema ", Identifier{schema_}}));
}

TableCopies::~TableCopies() {
  writer_.rollback();
}

std::uint64_t TableCopies::add(db::Reader& from, const sql::QualifiedName& original, const std::string& name,
                               const std::vector<std::string>& key) {
  const Columns columns = columns_of(from, original);
  const sql::QualifiedName copy{schema_, name};
  writer_.execute(compose_write({"create table ", copy, " as ", columns.shape, " with no data"}));
  std::uint64_t rows = 0;
  {
    db::CopyOut out{from, rows_of(original, columns.names)};
    db::CopyIn in{writer_, copy, columns.names};
    std::vector<std::optional<std::string>> fields;
    while (out.next(fields)) {
      const std::vector<std::optional<std::string_view>> row{fields.begin(), fields.end()};
      in.row(row);
    }
    rows = in.finish();
  }
  if (key.empty()) return rows;
  sql::WriteSql list = compose_write({Identifier{key.front()}});
  for (const std::string& column : std::span{key}.subspan(1)) list = compose_write({list, ", ", Identifier{column}});
  writer_.execute(compose_write({"alter table ", copy, " add primary key (", list, ")"}));
  return rows;
}

void TableCopies::finish() {
  if (writer_.commit(db::CommitKey{}) == db::CommitAnswer::committed) return;
  throw Error{"in_doubt.copies",
              fmt::format("the COMMIT was not answered: whether the schema {} is there is not known", schema_),
              fmt::format("look whether it is, and drop it if you like: {} is all that was written", schema_)};
}

}  // namespace opsh::backup
