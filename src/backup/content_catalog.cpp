#include "backup/content_catalog.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "base/error.hpp"
#include "db/relation.hpp"

namespace opsh::backup {
namespace {

using sql::operator""_sql;

constexpr sql::HostSql named = R"(
select c.relkind
from rows from (pg_catalog.unnest($1::pg_catalog.text[])) with ordinality as n (name, place)
left join pg_catalog.pg_class as c
  on c.oid = pg_catalog.to_regclass(n.name)::pg_catalog.oid and c.relpersistence <> 't'
     and c.relnamespace not in (select s.oid from pg_catalog.pg_namespace as s
                                where pg_catalog.starts_with(s.nspname::pg_catalog.text, 'pg_')
                                   or s.nspname = 'information_schema')
order by n.place)"_sql;

// pg_depend: a member of an extension is an 'e'; a sequence depends as 'a' on the column that owns it, as 'i' on one
// that is an identity.
constexpr sql::HostSql relations = R"(
with recursive chosen (oid) as (
  select pg_catalog.to_regclass(t.name)::pg_catalog.oid from pg_catalog.unnest($1::pg_catalog.text[]) as t (name)
  union
  select i.inhrelid from chosen as c join pg_catalog.pg_inherits as i on i.inhparent = c.oid
)
select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence = 'u', coalesce(e.extname, ''),
       pg_catalog.has_schema_privilege(n.oid, 'usage')
         and case c.relkind when 'S' then pg_catalog.has_sequence_privilege(c.oid, 'select')
                            else pg_catalog.has_table_privilege(c.oid, 'select') end,
       pg_catalog.row_security_active(c.oid), pg_catalog.format('%I.%I', n.nspname, c.relname)
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_depend as d
  on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.objsubid = 0 and d.deptype = 'e'
left join pg_catalog.pg_extension as e on e.oid = d.refobjid
where c.relkind in ('r', 'p', 'm', 'f', 'S') and c.relpersistence <> 't'
  and not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_') and n.nspname <> 'information_schema'
  and ($1 is null or c.oid in (select h.oid from chosen as h)
       or (c.relkind = 'S'
           and exists (select from pg_catalog.pg_depend as o
                       where o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.objid = c.oid
                         and o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.deptype in ('a', 'i')
                         and o.refobjid in (select h.oid from chosen as h))))
order by n.nspname, c.relname)"_sql;

// The order is that of the names: a restore may put the columns of an inherited table into another order.
constexpr sql::HostSql columns = R"(
select a.attrelid, a.attname
from pg_catalog.pg_attribute as a
join pg_catalog.pg_class as c on c.oid = a.attrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't' and a.attnum > 0 and not a.attisdropped
  and not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_') and n.nspname <> 'information_schema'
order by a.attname)"_sql;

// What pg_dump dumps (its own queries decide): no invalid index, but those of partitioned tables; of triggers and
// foreign keys not what a partition has from its parent. The schema public and the extension plpgsql are in a new
// database, also when the old one had lost them.
constexpr sql::HostSql objects = R"(
with own (oid) as (
  select n.oid from pg_catalog.pg_namespace as n
  where not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
    and n.nspname not in ('information_schema', 'opsh')
), member (class, oid) as (
  select d.classid, d.objid from pg_catalog.pg_depend as d where d.deptype = 'e'
), relation (oid, kind) as (
  select c.oid, c.relkind from pg_catalog.pg_class as c
  where c.relnamespace in (select o.oid from own as o) and c.relpersistence <> 't'
    and not exists (select from member as m
                    where m.class = 'pg_catalog.pg_class'::pg_catalog.regclass and m.oid = c.oid)
)
select (select pg_catalog.count(*) from own as o join pg_catalog.pg_namespace as n on n.oid = o.oid
        where n.nspname <> 'public'
          and not exists (select from member as m
                          where m.class = 'pg_catalog.pg_namespace'::pg_catalog.regclass and m.oid = n.oid)) as schemas,
       (select pg_catalog.count(*) from pg_catalog.pg_extension as e where e.extname <> 'plpgsql') as extensions,
       (select pg_catalog.count(*) from relation as r where r.kind in ('r', 'p')) as tables,
       (select pg_catalog.count(*) from relation as r where r.kind = 'f') as foreign_tables,
       (select pg_catalog.count(*) from relation as r where r.kind = 'v') as views,
       (select pg_catalog.count(*) from relation as r where r.kind = 'm') as materialized_views,
       (select pg_catalog.count(*) from relation as r where r.kind = 'S') as sequences,
       (select pg_catalog.count(*) from pg_catalog.pg_index as i join relation as r on r.oid = i.indrelid
        where i.indisvalid or r.kind = 'p') as indexes,
       (select pg_catalog.count(*) from pg_catalog.pg_constraint as c join relation as r on r.oid = c.conrelid
        where c.contype in ('c', 'f', 'p', 'u', 'x') and c.conparentid = 0) as constraints,
       (select pg_catalog.count(*) from pg_catalog.pg_trigger as t join relation as r on r.oid = t.tgrelid
        where not t.tgisinternal and t.tgparentid = 0) as triggers,
       (select pg_catalog.count(*) from pg_catalog.pg_policy as p join relation as r on r.oid = p.polrelid) as policies,
       (select pg_catalog.count(*) from pg_catalog.pg_rewrite as w join relation as r on r.oid = w.ev_class
        where w.rulename <> '_RETURN') as rules,
       (select pg_catalog.count(*) from pg_catalog.pg_proc as p
        where p.pronamespace in (select o.oid from own as o)
          and not exists (select from member as m
                          where m.class = 'pg_catalog.pg_proc'::pg_catalog.regclass and m.oid = p.oid)) as functions,
       (select pg_catalog.count(*) from pg_catalog.pg_type as t
        where t.typnamespace in (select o.oid from own as o)
          and (t.typtype in ('d', 'e', 'r')
               or exists (select from pg_catalog.pg_class as c where c.oid = t.typrelid and c.relkind = 'c'))
          and not exists (select from member as m
                          where m.class = 'pg_catalog.pg_type'::pg_catalog.regclass and m.oid = t.oid)) as types)"_sql;

// The bootstrap superuser is pinned: nothing depends on it, and it may own everything.
constexpr sql::HostSql roles = R"(
select r.rolname
from pg_catalog.pg_roles as r
where (r.oid = 10
       or r.oid in (select s.refobjid from pg_catalog.pg_shdepend as s
                    where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
                      and s.dbid = (select d.oid from pg_catalog.pg_database as d
                                    where d.datname = pg_catalog.current_database())))
  and not pg_catalog.starts_with(r.rolname::pg_catalog.text, 'pg_')
order by r.rolname)"_sql;

std::string text_at(const db::Result& rows, int row, int column) {
  return std::string{rows.field(row, column).value_or("")};
}

bool flag_at(const db::Result& rows, int row, int column) {
  return rows.field(row, column) == "t";
}

template <class Number>
Number number_at(const db::Result& rows, int row, int column) {
  Number number{};
  const auto text = rows.field(row, column).value_or("0");
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

const char* other_than_table(char kind) {
  switch (kind) {
    case 'v':
      return "is a view, which has no rows of its own";
    case 'm':
      return "is a materialized view, which is made anew from its tables";
    case 'f':
      return "is a foreign table, whose rows are on another server";
    default:
      return "is no table";
  }
}

/// The names as an array of SQL names; null for none.
db::Parameters list_of(db::Reader& reader, const std::optional<std::vector<std::string>>& tables) {
  db::Parameters parameters;
  if (!tables) {
    parameters.add(std::nullopt, db::oid::text_array);
    return parameters;
  }
  db::ArrayText list;
  for (const auto& table : *tables) list.add(sql::parse_qualified_name(table).text());
  parameters.add(list.take(), db::oid::text_array);
  db::Result kinds = reader.query(named, parameters);
  for (int row = 0; row < kinds.rows(); ++row) {
    const std::string& name = (*tables)[static_cast<std::size_t>(row)];
    const auto kind = kinds.field(row, 0);
    if (!kind) throw Error{"usage.table", fmt::format("there is no table {}", name), "write its schema too"};
    if (kind != "r" && kind != "p")
      throw Error{"usage.table", fmt::format("{} {}", name, other_than_table(kind->at(0))), "leave it out"};
  }
  return parameters;
}

}  // namespace

std::vector<StoredRelation> read_relations(db::Reader& reader, const std::optional<std::vector<std::string>>& tables) {
  db::Result rows = reader.query(relations, list_of(reader, tables));
  std::vector<StoredRelation> found;
  std::map<unsigned, std::size_t> places;
  for (int row = 0; row < rows.rows(); ++row) {
    StoredRelation relation;
    relation.oid = number_at<unsigned>(rows, row, 0);
    relation.name = sql::QualifiedName{text_at(rows, row, 1), text_at(rows, row, 2)};
    relation.kind = text_at(rows, row, 3).at(0);
    relation.unlogged = flag_at(rows, row, 4);
    relation.extension = text_at(rows, row, 5);
    relation.readable = flag_at(rows, row, 6);
    relation.row_security = flag_at(rows, row, 7);
    relation.text = text_at(rows, row, 8);
    places[relation.oid] = found.size();
    found.push_back(std::move(relation));
  }
  db::Result names = reader.query(columns);
  for (int row = 0; row < names.rows(); ++row) {
    auto place = places.find(number_at<unsigned>(names, row, 0));
    if (place != places.end()) found[place->second].columns.emplace_back(text_at(names, row, 1));
  }
  return found;
}

std::vector<std::pair<std::string, std::int64_t>> count_objects(db::Reader& reader) {
  db::Result counted = reader.query(objects);
  std::vector<std::pair<std::string, std::int64_t>> found;
  for (int column = 0; column < counted.columns(); ++column)
    found.emplace_back(counted.name(column), number_at<std::int64_t>(counted, 0, column));
  return found;
}

std::vector<std::string> read_roles(db::Reader& reader) {
  db::Result rows = reader.query(roles);
  std::vector<std::string> names;
  for (int row = 0; row < rows.rows(); ++row) names.push_back(text_at(rows, row, 0));
  return names;
}

}  // namespace opsh::backup
