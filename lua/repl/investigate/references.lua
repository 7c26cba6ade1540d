--- References between tables: the foreign keys that are declared, and columns that look like one.
local findings = require("opsh.host.repl.investigate.findings")
local sql = require("opsh.native.sql")

local M = {}

local declared = [[
  select c.conname::pg_catalog.text as name, c.conrelid::pg_catalog.int8 as from_oid,
         c.confrelid::pg_catalog.int8 as to_oid,
         pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(f.relname) as from_sql,
         pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.relname) as to_sql,
         k.from_columns, k.to_columns, k.types, f.reltuples::pg_catalog.float8 as estimate,
         case when exists (select from pg_catalog.pg_trigger as g
                           where g.tgconstraint = c.oid and g.tgenabled = 'D') then 'its triggers are disabled'
              when c.convalidated then 'declared' else 'not valid' end as state
  from pg_catalog.pg_constraint as c
  join pg_catalog.pg_class as f on f.oid = c.conrelid join pg_catalog.pg_namespace as fn on fn.oid = f.relnamespace
  join pg_catalog.pg_class as t on t.oid = c.confrelid join pg_catalog.pg_namespace as tn on tn.oid = t.relnamespace
  cross join lateral (
    select pg_catalog.array_agg(a.attname::pg_catalog.text order by p.place) as from_columns,
           pg_catalog.array_agg(b.attname::pg_catalog.text order by p.place) as to_columns,
           pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) order by p.place) as types
    from rows from (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey)) with ordinality
      as p (mine, theirs, place)
    join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = p.mine
    join pg_catalog.pg_attribute as b on b.attrelid = c.confrelid and b.attnum = p.theirs) as k
  where c.contype = 'f' and fn.nspname <> 'opsh'
    -- Those of partitions are their parent's, but when a partition is asked for.
    and not exists (select from pg_catalog.pg_constraint as o
                    where o.oid = c.conparentid
                      and (o.conrelid = c.conrelid or c.conrelid is distinct from :oid::pg_catalog.oid))
    and (:oid::pg_catalog.oid is null or :oid in (c.conrelid, c.confrelid))
  order by f.reltuples, 4, 1]]

-- driver_id goes with a table driver or drivers; lead_driver_id with it too; person_key with a table whose key is
-- called so. The nearest in name is taken, of those the one in the same schema.
local alike = [[
  with tables as (
    select c.oid, n.nspname, c.relname, c.reltuples,
           pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as sql,
           pg_catalog.regexp_replace(pg_catalog.regexp_replace(c.relname::pg_catalog.text, 'ies$', 'y'),
                                     '([^s])s$', '\1') as singular
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_'
      and n.nspname not in ('information_schema', 'opsh')),
  keys as (
    select i.indrelid, a.attname, a.atttypid, i.indisprimary
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indisunique and i.indisvalid and i.indnkeyatts = 1 and i.indpred is null and i.indexprs is null
      and a.attnotnull),
  columns as (
    select t.*, a.attname, a.attnum, a.atttypid, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
           pg_catalog.regexp_replace(a.attname::pg_catalog.text, '_(id|key|uuid)$', '') as stem
    from tables as t join pg_catalog.pg_attribute as a on a.attrelid = t.oid
    where a.attnum > 0 and not a.attisdropped and a.attname ~ '._(id|key|uuid)$'
      and not exists (select from pg_catalog.pg_constraint as c
                      where c.contype = 'f' and c.conrelid = t.oid and a.attnum = any (c.conkey))),
  pairs as (
    select c.oid as from_oid, c.sql as from_sql, c.attname as from_column, c.attnum, c.type, c.reltuples,
           t.oid as to_oid, t.sql as to_sql, k.attname as to_column,
           case when c.stem in (t.singular, t.relname) then 1
                when '_' || c.stem like '%\_' || t.singular then 2
                when k.attname = c.attname
                  and not exists (select from keys as own where own.indrelid = c.oid and own.attname = c.attname)
                  then 3 end as rank,
           t.nspname = c.nspname as near, k.indisprimary
    from columns as c join tables as t on t.oid <> c.oid
    join keys as k on k.indrelid = t.oid
      and (k.atttypid = c.atttypid or k.atttypid in (20, 21, 23) and c.atttypid in (20, 21, 23)
           or k.atttypid in (25, 1043) and c.atttypid in (25, 1043)))
  select distinct on (p.reltuples, p.from_sql, p.attnum) ''::pg_catalog.text as name,
         p.from_oid::pg_catalog.int8 as from_oid, p.to_oid::pg_catalog.int8 as to_oid, p.from_sql, p.to_sql,
         array[p.from_column::pg_catalog.text] as from_columns, array[p.to_column::pg_catalog.text] as to_columns,
         array[p.type] as types, p.reltuples::pg_catalog.float8 as estimate, 'by name'::pg_catalog.text as state
  from pairs as p
  where p.rank is not null and (:oid::pg_catalog.oid is null or :oid in (p.from_oid, p.to_oid))
  order by p.reltuples, p.from_sql, p.attnum, p.rank, p.near desc, p.indisprimary desc, p.to_sql]]

--- References from and to a table; of all tables without one. Those of small tables come first.
---@param oid integer|nil
---@return table[] { name, from_oid, to_oid, from_sql, to_sql, from_columns, to_columns, types, estimate, state }
function M.of(bench, oid)
  local list = {}
  for _, query in ipairs({ declared, alike }) do
    for _, found in ipairs(findings.read(bench, query, { oid = oid or findings.null })) do
      list[#list + 1] = found
    end
  end
  return list
end

--- "person_key", or "(a, b)" of several, as SQL.
function M.names(columns)
  local parts = {}
  for at, name in ipairs(columns) do
    parts[at] = sql.identifier(name)
  end
  return #parts == 1 and parts[1] or "(" .. table.concat(parts, ", ") .. ")"
end

--- Rows that refer to something (`c`), and whether that is there (`p`): as FROM and WHERE of a query.
function M.joined(reference)
  local on, given = {}, {}
  for at, name in ipairs(reference.from_columns) do
    local column = sql.identifier(name)
    on[at] = ("p.%s = c.%s"):format(sql.identifier(reference.to_columns[at]), column)
    given[at] = ("c.%s is not null"):format(column)
  end
  return {
    from = reference.from_sql .. " as c",
    to = reference.to_sql .. " as p",
    on = table.concat(on, " and "),
    given = table.concat(given, " and "),
  }
end

--- The query for the rows whose reference is broken.
function M.broken(reference)
  local parts = M.joined(reference)
  return ("select c.* from %s where %s and not exists (select from %s where %s)"):format(
    parts.from,
    parts.given,
    parts.to,
    parts.on
  )
end

return M
