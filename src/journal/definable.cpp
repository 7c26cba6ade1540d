#include "journal/definable.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

#include "db/relation.hpp"
#include "journal/capture.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;
using P = sql::ReadPiece;

std::string text_array(const std::vector<std::string>& values) {
  db::ArrayText array;
  for (const auto& value : values) array.add(value);
  return array.take();
}

bool is_true(const db::Result& result, int row, int column) {
  return result.field(row, column) == "t";
}

Error undeclared(const std::string& name) {
  return {"write.undeclared", fmt::format("the statement changes {}, which the step does not declare", name),
          fmt::format("add \"{}\" to the step's writes", name)};
}

/// A table is declared by its name or by that of one above it; its indexes, triggers and constraints with it. Other
/// relations need no declaration.
void require_declared(db::Writer& writer, const sql::QualifiedName& relation, const Defines& defines, bool makes) {
  db::Result found = writer.execute(
      "with recursive meant (oid) as ("
      "select coalesce(i.indrelid, c.oid) from pg_catalog.pg_class as c "
      "left join pg_catalog.pg_index as i on i.indexrelid = c.oid "
      "where c.oid = pg_catalog.to_regclass($1)::pg_catalog.oid), "
      "above (oid) as (select m.oid from meant as m union select h.inhparent from above as a "
      "join pg_catalog.pg_inherits as h on h.inhrelid = a.oid) "
      "select n.nspname = 'opsh', c.relkind not in ('r', 'p', 'f') or exists ("
      "select from above as a join pg_catalog.unnest($2) as d (name) "
      "on pg_catalog.to_regclass(d.name)::pg_catalog.oid = a.oid), "
      "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) "
      "from meant as m join pg_catalog.pg_class as c on c.oid = m.oid "
      "join pg_catalog.pg_namespace as n on n.oid = c.relnamespace"_sql,
      {{relation.text(), db::oid::text}, {text_array(defines.tables), db::oid::text_array}});
  if (found.rows() > 0) {
    if (is_true(found, 0, 0))
      throw Error{"refused.ledger", "the statement changes opsh's own ledger",
                  "a runbook leaves the schema opsh alone"};
    if (!is_true(found, 0, 1)) throw undeclared(std::string{*found.field(0, 2)});
    return;
  }
  // A name that does not exist is left to the server, unless the statement makes a table of it.
  if (!makes) return;
  found = writer.execute("select pg_catalog.current_schema()"_sql);
  const std::string here{found.field(0, 0).value_or("")};
  auto whole = [&](const sql::QualifiedName& name) {
    return sql::QualifiedName{name.schema().empty() ? here : name.schema(), name.name()};
  };
  for (const auto& table : defines.tables)
    if (whole(sql::parse_qualified_name(table)) == whole(relation)) return;
  throw undeclared(relation.text());
}

/// Those of the server and of extensions; what somebody else wrote would run for every row, and nobody has judged it.
void require_known_class(db::Writer& writer, const sql::ObjectName& name) {
  db::Result found = writer.execute(
      "select from pg_catalog.pg_opclass as o where o.opcname = $1 and o.oid::pg_catalog.int8 >= 16384 "
      "and not exists (select from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_opclass'::"
      "pg_catalog.regclass and d.objid = o.oid and d.deptype = 'e')"_sql,
      {{name.name, db::oid::text}});
  if (found.rows() > 0)
    throw Error{"sql.refused",
                fmt::format("somebody wrote the operator class {}, whose functions would run", name.name),
                "use one that comes with the server or an extension"};
}

Error loses(std::string what) {
  return {"refused.loss", std::move(what),
          "empty it first, in a step with a journal; or say loses_data = \"why that is right\" in the step"};
}

/// What the column had when it was added with a default: who gets that back has lost nothing.
std::optional<std::string> default_of(db::Writer& writer, const std::string& table, const std::string& column,
                                      bool& there) {
  db::Result found = writer.execute(
      "select (a.attmissingval::pg_catalog.text::pg_catalog.text[])[1] from pg_catalog.pg_attribute as a "
      "where a.attrelid = pg_catalog.to_regclass($1)::pg_catalog.oid and a.attname = $2 and a.attnum > 0 "
      "and not a.attisdropped and a.attgenerated = ''"_sql,
      {{table, db::oid::text}, {column, db::oid::text}});
  there = found.rows() > 0;
  if (!there || !found.field(0, 0)) return std::nullopt;
  return std::string{*found.field(0, 0)};
}

void require_nothing_lost(db::Writer& writer, const sql::Definition::Loss& loss) {
  const sql::QualifiedName table = loss.table.qualified();
  const std::string& name = table.text();
  db::Result found = writer.execute(
      "select pg_catalog.row_security_active(c.oid) from pg_catalog.pg_class as c "
      "where c.oid = pg_catalog.to_regclass($1)::pg_catalog.oid and c.relkind in ('r', 'p')"_sql,
      {{name, db::oid::text}});
  if (found.rows() == 0) return;
  if (is_true(found, 0, 0))
    throw loses(fmt::format("row security hides from this role whether {} holds rows, which would be lost", name));
  writer.execute(sql::compose_write({"lock table ", table, " in access exclusive mode"}));
  if (loss.column.empty()) {
    found = writer.query(sql::compose_read({"select exists (select from ", table, ")"}));
    if (is_true(found, 0, 0)) throw loses(fmt::format("{} holds rows, which would be lost: no journal has them", name));
    return;
  }
  bool there = false;
  auto usual = default_of(writer, name, loss.column, there);
  if (!there) return;
  const sql::Identifier column{loss.column};
  if (usual && !loss.rewritten)
    // format() writes a value as an array holds it, and a cast does not: true and t, 10.0.0.1/32 and 10.0.0.1.
    found = writer.query(
        sql::compose_read({"select exists (select from ", table, " as opsh_held where opsh_held.", column,
                           " is not distinct from null or pg_catalog.format('%s', opsh_held.", column, ") <> $1)"}),
        {{*usual, db::oid::text}});
  else
    found = writer.query(sql::compose_read(
        {"select exists (select from ", table, " as opsh_held where opsh_held.", column, " is distinct from null)"}));
  if (is_true(found, 0, 0))
    throw loses(fmt::format("column {} of {} holds values, which {}: no journal has them", loss.column, name,
                            loss.rewritten ? "another type may not keep" : "would be lost"));
}

}  // namespace

void require_definable(db::Writer& writer, const sql::Definition& definition, const Defines& defines) {
  const bool makes = definition.verb.starts_with("create table");
  for (const auto& relation : definition.relations) require_declared(writer, relation.qualified(), defines, makes);
  for (const auto& operator_class : definition.operator_classes) require_known_class(writer, operator_class);
  if (defines.loses_data) return;
  for (const auto& loss : definition.losses) {
    if (definition.alone)
      throw loses(fmt::format("{} would be lost, and outside a transaction nobody can tell whether it holds anything",
                              loss.table.qualified().text()));
    require_nothing_lost(writer, loss);
  }
}

void require_no_rows(db::Writer& writer, Watcher& watcher) {
  db::ArrayText oids;
  std::size_t written = 0;
  for (const auto& table : watcher.counters.since_begin(writer)) {
    if (table.counts.inserted + table.counts.updated + table.counts.deleted == 0) continue;
    oids.add(std::to_string(table.oid));
    ++written;
  }
  if (written == 0) return;
  // What this transaction made, the other session does not see: a new table, and the copy that a rewrite fills.
  db::Result found = watcher.witness.query(
      "select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) "
      "from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace "
      "where c.oid = any ($1::pg_catalog.oid[]) order by 1"_sql,
      {{oids.take()}});
  if (found.rows() == 0) return;
  std::vector<std::string> names;
  for (int row = 0; row < found.rows(); ++row) names.emplace_back(*found.field(row, 0));
  throw Error{"proof.rows",
              fmt::format("rows of {} changed in a schema step, which has no journal", fmt::join(names, ", ")),
              "an event trigger or a function did it; say journal = false in the step if that is right"};
}

}  // namespace opsh::journal
