#include "journal/catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "db/relation.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

// Who turns track_counts off leaves the proof without counters. A setting is kept as its author spelled it (off, no,
// 0).
constexpr sql::HostSql settings = R"(
select pg_catalog.quote_ident(current_user),
       case when pg_catalog.current_setting('track_counts') = 'off' then 'this session' end,
       (select 'function ' || f.oid::pg_catalog.regprocedure::pg_catalog.text
        from pg_catalog.pg_proc as f
        where f.proconfig is not null
          and exists (select from pg_catalog.unnest(f.proconfig) as c (setting)
                      where case when pg_catalog.starts_with(c.setting, 'track_counts=')
                                 then not pg_catalog.split_part(c.setting, '=', 2)::pg_catalog.bool end)
        order by f.oid limit 1),
       (select case when s.setrole <> 0 then 'role ' || pg_catalog.quote_ident(session_user)
                    else 'database ' || pg_catalog.quote_ident(pg_catalog.current_database()) end
        from pg_catalog.pg_db_role_setting as s
        where s.setdatabase in (0, (select d.oid from pg_catalog.pg_database as d
                                    where d.datname = pg_catalog.current_database()))
          and s.setrole in (0, (select r.oid from pg_catalog.pg_roles as r where r.rolname = session_user))
          and exists (select from pg_catalog.unnest(s.setconfig) as c (setting)
                      where case when pg_catalog.starts_with(c.setting, 'track_counts=')
                                 then not pg_catalog.split_part(c.setting, '=', 2)::pg_catalog.bool end)
        order by s.setrole limit 1))"_sql;

// By place in `writes` the oid of that name, and of all below it.
constexpr sql::HostSql tree = R"(
with recursive tree (place, root, oid) as (
  select n.place, c.oid, c.oid
  from rows from (pg_catalog.unnest($1)) with ordinality as n (name, place)
  left join pg_catalog.pg_class as c
    on c.oid = pg_catalog.to_regclass(n.name)::pg_catalog.oid and c.relpersistence <> 't'
  union
  select t.place, t.root, i.inhrelid
  from tree as t join pg_catalog.pg_inherits as i on i.inhparent = t.oid
)
select t.place, t.root, t.oid from tree as t order by t.place, t.oid)"_sql;

// The oids come by way of a subquery here and below, so that the planner does not see how many: for thousands it would
// have the query compiled (jit), which takes longer than the query.
//
// Of a trigger: ROW is 1, BEFORE 2, UPDATE 16. Up to PostgreSQL 14 those that a partition has from its parent are
// marked as internal. The columns of a partition key depend on their own table, also those inside expressions
// (StorePartitionKey in heap.c).
constexpr sql::HostSql relations = R"(
select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence = 'u', greatest(c.reltuples, 0)::pg_catalog.int8,
       pg_catalog.row_security_active(c.oid),
       pg_catalog.has_schema_privilege(n.oid, 'usage'),
       case when not pg_catalog.has_table_privilege(c.oid, 'select') then
         (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
          from pg_catalog.pg_attribute as a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            and not pg_catalog.has_column_privilege(c.oid, a.attnum, 'select'))
       end,
       (select pg_catalog.min(r.rulename::pg_catalog.text) from pg_catalog.pg_rewrite as r
        where r.ev_class = c.oid and r.is_instead and r.ev_type <> '1' and r.ev_enabled <> 'D'),
       exists (select from pg_catalog.pg_trigger as g
               where g.tgrelid = c.oid and g.tgtype & 19 = 19 and g.tgenabled <> 'D'
                 and (not g.tgisinternal or g.tgparentid <> 0)),
       case when c.relkind = 'p' then
         (select p.partattrs::pg_catalog.text from pg_catalog.pg_partitioned_table as p where p.partrelid = c.oid)
         || coalesce((select pg_catalog.string_agg(' ' || d.objsubid, '' order by d.objsubid)
                      from pg_catalog.pg_depend as d
                      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                        and d.refclassid = d.classid and d.refobjid = c.oid and d.refobjsubid = 0
                        and d.objsubid > 0 and d.deptype = 'i'), '')
       end
from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.oid = any ((select $1::pg_catalog.oid[])::pg_catalog.oid[]) and c.relpersistence <> 't')"_sql;

constexpr sql::HostSql columns = R"(
select a.attrelid, a.attnum, a.attname, a.atttypid, a.attgenerated <> '', a.attidentity = 'a', a.attnotnull
from pg_catalog.pg_attribute as a
where a.attrelid = any ((select $1::pg_catalog.oid[])::pg_catalog.oid[]) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum)"_sql;

// An index whose operator class or collation is not that of the column may hold two values that `=` finds equal.
constexpr sql::HostSql indexes = R"(
select i.indrelid, x.relname, i.indisprimary, i.indnkeyatts, i.indkey,
       case when not (i.indisvalid and i.indisready and i.indislive) then 'is not valid'
            when i.indisexclusion then 'is an exclusion constraint'
            when not i.indimmediate then 'is deferrable'
            when i.indpred is not null then 'is partial'
            when i.indexprs is not null then 'has an expression'
            when exists (select from pg_catalog.generate_series(0, i.indnkeyatts - 1) as k
                         join pg_catalog.pg_opclass as o on o.oid = i.indclass[k]
                         join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[k]
                         left join pg_catalog.pg_collation as l on l.oid = a.attcollation
                         where not o.opcdefault
                            or i.indcollation[k] <> a.attcollation and not l.collisdeterministic)
              then 'compares in another way than its columns do'
            -- unnest() takes an array of arrays apart, and a composite; some types delimit otherwise.
            when exists (select from pg_catalog.generate_series(0, i.indnkeyatts - 1) as k
                         join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[k]
                         join pg_catalog.pg_type as t on t.oid = a.atttypid
                         where t.typarray = 0 or t.typtype = 'c' or t.typdelim <> ',')
              then 'has a column whose values do not travel as an array: an array, a composite or a geometric type'
       end
from pg_catalog.pg_index as i join pg_catalog.pg_class as x on x.oid = i.indexrelid
where i.indrelid = any ((select $1::pg_catalog.oid[])::pg_catalog.oid[]) and i.indisunique
order by i.indrelid, x.relname)"_sql;

/// A row of an answer, field by field in their order.
class Fields {
 public:
  Fields(const db::Result& result, int row) : result_(result), row_(row) {}

  std::string text() { return std::string{view()}; }
  bool flag() { return view() == "t"; }
  std::vector<int> numbers() {
    std::vector<int> list;
    std::string_view rest = view();
    for (int number = 0; !rest.empty();) {
      auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
      list.push_back(number);
      rest.remove_prefix(std::min<std::size_t>(static_cast<std::size_t>(end - rest.data()) + 1, rest.size()));
    }
    return list;
  }
  template <typename Number>
  Number number() {
    Number number = 0;
    std::string_view text = view();
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }

 private:
  std::string_view view() { return result_.field(row_, column_++).value_or(std::string_view{}); }

  const db::Result& result_;
  int row_;
  int column_ = 0;
};

/// The oids of all relations in question, as an array.
std::string read_tree(const Ask& ask, std::span<const std::string> names, Catalog& catalog) {
  db::ArrayText list;
  for (const auto& name : names) list.add(name);
  db::Result rows = ask(tree, {{list.take(), db::oid::text_array}});
  catalog.below.resize(names.size());
  catalog.roots.resize(names.size());
  db::ArrayText oids;
  for (int row = 0; row < rows.rows(); ++row) {
    Fields fields{rows, row};
    auto place = fields.number<std::size_t>() - 1;
    catalog.roots[place] = fields.number<unsigned>();
    auto oid = fields.number<unsigned>();
    if (oid == 0) continue;
    catalog.below[place].push_back(oid);
    if (catalog.relations.try_emplace(oid).second) oids.add(std::to_string(oid));
  }
  return oids.take();
}

void read_relations(const Ask& ask, const std::string& oids, Catalog& catalog) {
  db::Result rows = ask(relations, {{oids}});
  for (int row = 0; row < rows.rows(); ++row) {
    Fields fields{rows, row};
    auto oid = fields.number<unsigned>();
    CatalogRelation& relation = catalog.relations.at(oid);
    relation.oid = oid;
    relation.schema = fields.text();
    relation.name = fields.text();
    relation.kind = fields.text().at(0);
    relation.unlogged = fields.flag();
    relation.estimated_rows = fields.number<std::int64_t>();
    relation.row_security = fields.flag();
    relation.schema_usable = fields.flag();
    relation.unreadable = fields.text();
    relation.instead_rule = fields.text();
    relation.triggers_before_update = fields.flag();
    relation.partition_numbers = fields.numbers();
  }
  // A temporary child, or dropped since.
  std::erase_if(catalog.relations, [](const auto& entry) { return entry.second.oid == 0; });
  auto is_gone = [&](unsigned oid) { return !catalog.relations.contains(oid); };
  for (auto& oids_below : catalog.below) std::erase_if(oids_below, is_gone);
  for (auto& root : catalog.roots)
    if (is_gone(root)) root = 0;
}

void read_columns(const Ask& ask, const std::string& oids, Catalog& catalog) {
  db::Result rows = ask(columns, {{oids}});
  for (int row = 0; row < rows.rows(); ++row) {
    Fields fields{rows, row};
    CatalogRelation* relation = catalog.find(fields.number<unsigned>());
    if (!relation) continue;
    Column column;
    column.number = fields.number<int>();
    column.name = fields.text();
    column.type = fields.number<unsigned>();
    column.generated = fields.flag();
    column.identity_always = fields.flag();
    if (fields.flag()) relation->not_null.push_back(column.number);
    relation->columns.push_back(std::move(column));
  }
}

void read_indexes(const Ask& ask, const std::string& oids, Catalog& catalog) {
  db::Result rows = ask(indexes, {{oids}});
  for (int row = 0; row < rows.rows(); ++row) {
    Fields fields{rows, row};
    CatalogRelation* relation = catalog.find(fields.number<unsigned>());
    if (!relation) continue;
    CatalogIndex index;
    index.name = fields.text();
    index.primary = fields.flag();
    auto key_columns = fields.number<std::size_t>();
    index.numbers = fields.numbers();
    index.numbers.resize(key_columns);  // those behind are INCLUDE columns
    index.unfit = fields.text();
    relation->indexes.push_back(std::move(index));
  }
}

}  // namespace

bool CatalogRelation::is_key(const CatalogIndex& index) const {
  return index.unfit.empty() &&
         std::ranges::all_of(index.numbers, [&](int number) { return std::ranges::binary_search(not_null, number); });
}

const Column& CatalogRelation::column(int number) const {
  auto found = std::ranges::lower_bound(columns, number, {}, &Column::number);
  // A session that is not in a snapshot sees each statement of its own.
  if (found == columns.end() || found->number != number)
    throw Error{"transaction.tables_changed", fmt::format("{}.{} was changed while it was looked at", schema, name),
                "try again"};
  return *found;
}

Catalog read_catalog(const Ask& ask, std::span<const std::string> names) {
  Catalog catalog;
  const std::string oids = read_tree(ask, names, catalog);
  read_relations(ask, oids, catalog);
  read_columns(ask, oids, catalog);
  read_indexes(ask, oids, catalog);
  db::Result where = ask(settings, {});
  catalog.role = where.field(0, 0).value_or("");
  for (int column = 1; column < where.columns() && catalog.uncounted.empty(); ++column)
    catalog.uncounted = where.field(0, column).value_or("");
  return catalog;
}

}  // namespace opsh::journal
