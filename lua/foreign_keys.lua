--- The foreign keys that point to a table, as the catalog has them, and whether an index serves each.
local M = {}

-- Of partitions the foreign keys are those of all tables that a row of the table may be in. The server looks a key's
-- rows up by all its columns (ri_triggers.c): an index serves that when it begins with them in whatever order, or is
-- unique over some of them; one without the NULLs does, BRIN does not. Where nothing was counted yet, 16 pages hold
-- about 1 000 rows.
local keys_sql = [[
  select k.confrelid::pg_catalog.regclass::pg_catalog.text as referred_table,
         k.conrelid::pg_catalog.regclass::pg_catalog.text as "table", k.conrelid::pg_catalog.text as oid,
         k.conname::pg_catalog.text as name, k.confdeltype::pg_catalog.text as on_delete,
         k.confupdtype::pg_catalog.text as on_update, c.columns, c.referred,
         exists (
           select from pg_catalog.pg_index as i
           join pg_catalog.pg_class as x on x.oid = i.indexrelid
           join pg_catalog.pg_am as m on m.oid = x.relam
           where i.indrelid = k.conrelid and i.indisvalid and m.amname <> 'brin'
             and (i.indpred is null or pg_catalog.pg_get_expr(i.indpred, i.indrelid) = any (c.not_null))
             and ((i.indkey::pg_catalog.int2[])[0:(pg_catalog.cardinality(k.conkey) - 1)] @> k.conkey
                  or i.indisunique and (i.indkey::pg_catalog.int2[])[0:(i.indnkeyatts - 1)] <@ k.conkey)
         ) as is_indexed,
         (select pg_catalog.bool_or(case when l.reltuples < 0 then pg_catalog.pg_relation_size(l.oid) > 16 * 8192
                                         else l.reltuples > 1000 end)
          from pg_catalog.pg_class as l
          where l.oid = r.oid and r.relkind = 'r'
             or l.oid in (select p.relid from pg_catalog.pg_partition_tree(r.oid) as p where p.isleaf)) as is_large,
         pg_catalog.format('create index %son %s (%s)', case r.relkind when 'r' then 'concurrently ' else '' end,
                           k.conrelid::pg_catalog.regclass, c.quoted) as index_ddl
  from pg_catalog.pg_constraint as k
  join pg_catalog.pg_class as r on r.oid = k.conrelid
  cross join lateral (
    select pg_catalog.array_agg(a.attname::pg_catalog.text order by n.place) as columns,
           pg_catalog.array_agg(b.attname::pg_catalog.text order by n.place) as referred,
           pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by n.place) as quoted,
           pg_catalog.array_agg(pg_catalog.format('(%I IS NOT NULL)', a.attname)) as not_null
    from rows from (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey))
      with ordinality as n (own, theirs, place)
    join pg_catalog.pg_attribute as a on (a.attrelid, a.attnum) = (k.conrelid, n.own)
    join pg_catalog.pg_attribute as b on (b.attrelid, b.attnum) = (k.confrelid, n.theirs)
  ) as c
  where k.contype = 'f' and k.conparentid = 0
    and k.confrelid in (
      select g.oid from pg_catalog.unnest($1::pg_catalog.oid[]) as g (oid)
      union all
      select p.relid from pg_catalog.unnest($1::pg_catalog.oid[]) as g (oid),
                          pg_catalog.pg_partition_tree(g.oid) as p
      union all
      select p.relid from pg_catalog.unnest($1::pg_catalog.oid[]) as g (oid),
                          pg_catalog.pg_partition_ancestors(g.oid) as p (relid))
  order by 2, k.conname]]

---@class opsh.ForeignKey
---@field referred_table string that it points to, as SQL
---@field table string that it is of, as SQL
---@field oid string of that table
---@field name string of the constraint
---@field on_delete string letter of pg_constraint
---@field on_update string letter of pg_constraint
---@field columns string[]
---@field referred string[] the columns that it points to
---@field is_indexed boolean without an index each deleted row, or changed key, makes the server read the whole table
---@field is_large boolean whether that would be felt: more than about 1 000 rows
---@field index_ddl string the statement that makes such an index

--- The foreign keys that point to these tables, their partitions, or what they are partitions of.
---@param session userdata a native session; it reads
---@param oids string[]
---@return opsh.ForeignKey[]
function M.to(session, oids) return session:read(keys_sql, { n = 1, "{" .. table.concat(oids, ",") .. "}" }) end

return M
