#include "journal/current_leaf.hpp"

#include <algorithm>

#include "db/relation.hpp"
#include "journal/conflict.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

unsigned oid_at(const db::Result& result, int row, int column) {
  return static_cast<unsigned>(std::stoul(std::string{result.field(row, column).value()}));
}

std::string text_at(const db::Result& result, int row, int column) {
  return std::string{result.field(row, column).value()};
}

std::vector<std::string> texts_at(const db::Result& result, int row, int column) {
  std::vector<std::string> texts;
  for (auto& element : elements_of(result.field(row, column).value())) texts.push_back(std::move(element).value());
  return texts;
}

std::string oids_of(const std::vector<unsigned>& oids) {
  db::ArrayText array;
  for (unsigned oid : oids) array.add(std::to_string(oid));
  return array.take();
}

/// Finds the columns with these numbers; an obstacle names the first that is gone.
std::vector<std::size_t> columns_of(const CurrentLeaf& leaf, const std::vector<int>& numbers,
                                    const std::vector<std::string>& names, std::optional<Obstacle>& obstacle) {
  std::vector<std::size_t> columns;
  for (std::size_t at = 0; at < numbers.size(); ++at) {
    auto column = leaf.column(numbers[at]);
    if (!column) {
      obstacle = {reason::column_gone, names[at]};
      return columns;
    }
    columns.push_back(*column);
  }
  return columns;
}

}  // namespace

std::optional<std::size_t> CurrentLeaf::column(int number) const {
  auto found = std::ranges::find(leaf.columns, number, &Column::number);
  if (found == leaf.columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - leaf.columns.begin());
}

bool CurrentLeaf::is_below(unsigned table) const {
  return std::ranges::find(above, table) != above.end();
}

bool CurrentChunk::touches(const std::vector<std::string>& names) const {
  return std::ranges::any_of(columns, [&](std::size_t column) {
    return std::ranges::find(names, leaf->leaf.columns[column].name) != names.end();
  });
}

CurrentLeaf* CurrentLeaves::find(unsigned oid) {
  auto known = known_.find(oid);
  if (known == known_.end()) known = known_.emplace(oid, read(oid)).first;
  return known->second ? &*known->second : nullptr;
}

std::optional<CurrentLeaf> CurrentLeaves::read(unsigned oid) const {
  const db::Parameters parameters{{std::to_string(oid), db::oid::oid}};
  // Of a trigger: ROW is 1, BEFORE 2, UPDATE 16. Up to PostgreSQL 14 those that a partition has from its parent are
  // marked as internal.
  db::Result found = looker_.ask(
      R"(select n.nspname, c.relname,
       array(select a.relid::pg_catalog.oid from pg_catalog.pg_partition_ancestors(c.oid) as a),
       array(select g.tgname::pg_catalog.text from pg_catalog.pg_trigger as g
             where g.tgrelid = c.oid and g.tgenabled <> 'D' and (not g.tgisinternal or g.tgparentid <> 0)
               and g.tgconstraint not in (select k.oid from pg_catalog.pg_constraint as k where k.contype = 'f')
             order by g.tgname),
       exists (select from pg_catalog.pg_trigger as g
               where g.tgrelid = c.oid and g.tgtype & 19 = 19 and g.tgenabled <> 'D'
                 and (not g.tgisinternal or g.tgparentid <> 0)),
       array(select a.attname::pg_catalog.text
             from pg_catalog.pg_partition_ancestors(c.oid) as above
             join pg_catalog.pg_partitioned_table as p on p.partrelid = above.relid
             join pg_catalog.pg_attribute as a on a.attrelid = p.partrelid and a.attnum = any (p.partattrs))
from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.oid = $1 and c.relkind = 'r')"_sql,
      parameters);
  if (found.rows() == 0) return std::nullopt;
  CurrentLeaf current;
  current.leaf.oid = oid;
  current.leaf.name = sql::QualifiedName{text_at(found, 0, 0), text_at(found, 0, 1)};
  current.above.push_back(oid);
  for (const auto& above : texts_at(found, 0, 2)) current.above.push_back(static_cast<unsigned>(std::stoul(above)));
  current.triggers = texts_at(found, 0, 3);
  current.leaf.triggers_before_update = found.field(0, 4) == "t";
  current.partition_columns = texts_at(found, 0, 5);

  db::Result columns = looker_.ask(
      "select a.attnum, a.attname, a.atttypid, a.attgenerated <> '', a.attidentity = 'a', n.nspname, t.typname "
      "from pg_catalog.pg_attribute as a join pg_catalog.pg_type as t on t.oid = a.atttypid "
      "join pg_catalog.pg_namespace as n on n.oid = t.typnamespace "
      "where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum"_sql,
      parameters);
  for (int row = 0; row < columns.rows(); ++row) {
    auto number = static_cast<int>(oid_at(columns, row, 0));
    current.leaf.columns.push_back({number, text_at(columns, row, 1), oid_at(columns, row, 2),
                                    columns.field(row, 3) == "t", columns.field(row, 4) == "t"});
    current.types.emplace(number, sql::QualifiedName{text_at(columns, row, 5), text_at(columns, row, 6)});
  }

  db::Result indexes = looker_.ask(
      "select array(select k.number from rows from (pg_catalog.unnest(i.indkey::pg_catalog.int2[])) with ordinality "
      "as k (number, place) where k.place <= i.indnkeyatts) "
      "from pg_catalog.pg_index as i where i.indrelid = $1 and i.indisunique and i.indisvalid and i.indisready "
      "and i.indislive and i.indimmediate and i.indpred is null and i.indexprs is null"_sql,
      parameters);
  for (int row = 0; row < indexes.rows(); ++row) {
    auto& numbers = current.unique.emplace_back();
    for (const auto& number : texts_at(indexes, row, 0)) numbers.push_back(std::stoi(number));
    std::ranges::sort(numbers);
  }
  return current;
}

const std::vector<ForeignKey>& CurrentLeaves::references(CurrentLeaf& leaf) {
  if (leaf.references) return *leaf.references;
  auto& references = leaf.references.emplace();
  // Constraints that partitions have from their parents say nothing that the parent's does not.
  db::Result found = looker_.ask(
      R"(select k.conname, c.oid, n.nspname, c.relname, c.relkind = 'p',
       array(select a.attname::pg_catalog.text from rows from (pg_catalog.unnest(k.conkey)) with ordinality as u (number, place)
             join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.number order by u.place),
       array(select a.attname::pg_catalog.text from rows from (pg_catalog.unnest(k.confkey)) with ordinality as u (number, place)
             join pg_catalog.pg_attribute as a on a.attrelid = k.confrelid and a.attnum = u.number order by u.place),
       array(select s.nspname::pg_catalog.text from rows from (pg_catalog.unnest(k.conpfeqop)) with ordinality as u (oid, place)
             join pg_catalog.pg_operator as o on o.oid = u.oid
             join pg_catalog.pg_namespace as s on s.oid = o.oprnamespace order by u.place)
from pg_catalog.pg_constraint as k
join pg_catalog.pg_class as c on c.oid = k.conrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where k.contype = 'f' and k.conparentid = 0 and k.confrelid = any ($1::pg_catalog.oid[])
order by n.nspname, c.relname, k.conname)"_sql,
      {{oids_of(leaf.above), db::oid::text_array}});
  for (int row = 0; row < found.rows(); ++row)
    references.push_back({text_at(found, row, 0), oid_at(found, row, 1),
                          sql::QualifiedName{text_at(found, row, 2), text_at(found, row, 3)},
                          found.field(row, 4) == "t", texts_at(found, row, 5), texts_at(found, row, 6),
                          texts_at(found, row, 7)});
  return references;
}

const std::set<std::string>& CurrentLeaves::referring(CurrentLeaf& leaf) {
  if (leaf.referring) return *leaf.referring;
  db::Result found = looker_.ask(
      "select distinct a.attname from pg_catalog.pg_constraint as k join pg_catalog.pg_attribute as a "
      "on a.attrelid = k.conrelid and a.attnum = any (k.conkey) "
      "where k.contype = 'f' and k.conrelid = any ($1::pg_catalog.oid[])"_sql,
      {{oids_of(leaf.above), db::oid::text_array}});
  auto& referring = leaf.referring.emplace();
  for (int row = 0; row < found.rows(); ++row) referring.insert(text_at(found, row, 0));
  return referring;
}

CurrentChunk locate(const StoredChunk& chunk, CurrentLeaves& leaves) {
  CurrentChunk current;
  current.leaf = leaves.find(chunk.leaf);
  auto& obstacle = current.obstacle;
  if (!current.leaf) {
    obstacle = {reason::table_gone, ""};
    return current;
  }
  auto sorted = chunk.key_numbers;
  std::ranges::sort(sorted);
  current.key = columns_of(*current.leaf, chunk.key_numbers, chunk.key_names, obstacle);
  if (obstacle) return current;
  if (std::ranges::find(current.leaf->unique, sorted) == current.leaf->unique.end()) {
    obstacle = {reason::key_not_unique, chunk.key_names.front()};
    return current;
  }
  current.columns = columns_of(*current.leaf, chunk.numbers, chunk.names, obstacle);
  for (std::size_t at = 0; !obstacle && at < current.columns.size(); ++at) {
    const Column& column = current.leaf->leaf.columns[current.columns[at]];
    if (column.type != chunk.types[at]) obstacle = {reason::type_changed, column.name};
    // INSERT says OVERRIDING SYSTEM VALUE; UPDATE has nothing like it, and must not move the row.
    bool settable = chunk.change == Change::remove ||
                    (!column.identity_always && std::ranges::find(current.leaf->partition_columns, column.name) ==
                                                    current.leaf->partition_columns.end());
    current.writable.push_back(!column.generated && settable);
  }
  return current;
}

}  // namespace opsh::journal
