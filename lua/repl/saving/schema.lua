--- The definitions of some tables, as a file that makes them elsewhere: with the types, functions and sequences that
--- they need, their keys, checks, unique indexes and triggers. What only makes them faster or guards them is left out.
local findings = require("opsh.host.repl.investigate.findings")
local sql = require("opsh.native.sql")

local M = {}

local path = [[
  select pg_catalog.array_to_string(array(select pg_catalog.quote_ident(s.name)
    from pg_catalog.unnest(pg_catalog.current_schemas(false)) with ordinality as s (name, place)
    where s.name not in ('opsh', 'pg_catalog') order by s.place), ',') as schemas]]

-- What the tables' columns, defaults, checks, indexes and triggers depend on.
local needed = [[
  with recursive tables as (select pg_catalog.unnest(:oids::pg_catalog.oid[]) as oid),
  parts as (
    select 'pg_class'::pg_catalog.regclass as class, t.oid from tables as t
    union select 'pg_attrdef'::pg_catalog.regclass, d.oid
    from pg_catalog.pg_attrdef as d join tables as t on t.oid = d.adrelid
    union select 'pg_constraint'::pg_catalog.regclass, c.oid
    from pg_catalog.pg_constraint as c join tables as t on t.oid = c.conrelid
    union select 'pg_trigger'::pg_catalog.regclass, g.oid
    from pg_catalog.pg_trigger as g join tables as t on t.oid = g.tgrelid
    where not g.tgisinternal and g.tgenabled <> 'D'
    union select 'pg_class'::pg_catalog.regclass, i.indexrelid
    from pg_catalog.pg_index as i join tables as t on t.oid = i.indrelid where i.indisunique
    union select 'pg_rewrite'::pg_catalog.regclass, r.oid
    from pg_catalog.pg_rewrite as r where r.ev_class = any (:views::pg_catalog.oid[])),
  needs as (
    select d.refclassid as class, d.refobjid as oid, 0 as depth
    from parts as p join pg_catalog.pg_depend as d on d.classid = p.class and d.objid = p.oid
    where d.refclassid in ('pg_type'::pg_catalog.regclass, 'pg_proc'::pg_catalog.regclass,
                           'pg_class'::pg_catalog.regclass)
    union
    select f.class, f.oid, n.depth + 1
    from needs as n
    cross join lateral (
      select d.refclassid as class, d.refobjid as oid from pg_catalog.pg_depend as d
      where d.classid = n.class and d.objid = n.oid and n.class <> 'pg_class'::pg_catalog.regclass
        and d.refclassid in ('pg_type'::pg_catalog.regclass, 'pg_proc'::pg_catalog.regclass)
      union all
      -- Of an array its element, of a composite type the types of its columns.
      select 'pg_type'::pg_catalog.regclass, t.typelem from pg_catalog.pg_type as t
      where n.class = 'pg_type'::pg_catalog.regclass and t.oid = n.oid and t.typelem <> 0
      union all
      select 'pg_type'::pg_catalog.regclass, a.atttypid
      from pg_catalog.pg_type as t join pg_catalog.pg_attribute as a on a.attrelid = t.typrelid
      where n.class = 'pg_type'::pg_catalog.regclass and t.oid = n.oid and a.attnum > 0 and not a.attisdropped) as f
    where n.depth < 9),
  objects as (select n.class, n.oid, pg_catalog.max(n.depth) as depth from needs as n group by 1, 2),
  with_extension as (
    select o.*, e.extname, x.nspname as extension_schema
    from objects as o
    left join pg_catalog.pg_depend as d on d.classid = o.class and d.objid = o.oid and d.deptype = 'e'
    left join pg_catalog.pg_extension as e on e.oid = d.refobjid
    left join pg_catalog.pg_namespace as x on x.oid = e.extnamespace),
  made as (
    select 1 as rank, 0 as depth, x.extension_schema as schema,
           pg_catalog.format('create extension if not exists %I with schema %I', x.extname, x.extension_schema)
             as definition
    from with_extension as x where x.extname is not null and x.extname <> 'plpgsql'
    union
    select 2, -x.depth, n.nspname,
           case t.typtype
             when 'e' then pg_catalog.format('create type %I.%I as enum (%s)', n.nspname, t.typname,
               (select pg_catalog.string_agg(pg_catalog.quote_literal(l.enumlabel), ', ' order by l.enumsortorder)
                from pg_catalog.pg_enum as l where l.enumtypid = t.oid))
             when 'd' then pg_catalog.format('create domain %I.%I as %s%s%s%s', n.nspname, t.typname,
               pg_catalog.format_type(t.typbasetype, t.typtypmod),
               ' default ' || t.typdefault, case when t.typnotnull then ' not null' end,
               (select pg_catalog.string_agg(pg_catalog.format(' constraint %I %s', c.conname,
                                                               pg_catalog.pg_get_constraintdef(c.oid)), '')
                from pg_catalog.pg_constraint as c where c.contypid = t.oid and c.contype = 'c'))
             when 'c' then pg_catalog.format('create type %I.%I as (%s)', n.nspname, t.typname,
               (select pg_catalog.string_agg(pg_catalog.format('%I %s', a.attname,
                                                               pg_catalog.format_type(a.atttypid, a.atttypmod)), ', '
                                             order by a.attnum)
                from pg_catalog.pg_attribute as a
                where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped))
             when 'r' then pg_catalog.format('create type %I.%I as range (subtype = %s)', n.nspname, t.typname,
               (select pg_catalog.format_type(r.rngsubtype, null)
                from pg_catalog.pg_range as r where r.rngtypid = t.oid))
           end
    from with_extension as x
    join pg_catalog.pg_type as t on t.oid = x.oid and x.class = 'pg_type'::pg_catalog.regclass
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    left join pg_catalog.pg_class as r on r.oid = t.typrelid
    where x.extname is null and t.typtype in ('e', 'd', 'c', 'r') and (t.typrelid = 0 or r.relkind = 'c')
      and n.nspname not in ('pg_catalog', 'information_schema')
    union
    select 3, 0, n.nspname, pg_catalog.format('create sequence %I.%I', n.nspname, c.relname)
    from with_extension as x
    join pg_catalog.pg_class as c on c.oid = x.oid and x.class = 'pg_class'::pg_catalog.regclass and c.relkind = 'S'
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    union
    select 4, -x.depth, n.nspname, pg_catalog.rtrim(pg_catalog.pg_get_functiondef(f.oid), e'\n')
    from with_extension as x
    join pg_catalog.pg_proc as f on f.oid = x.oid and x.class = 'pg_proc'::pg_catalog.regclass
      and f.prokind in ('f', 'p')
    join pg_catalog.pg_namespace as n on n.oid = f.pronamespace
    where x.extname is null and n.nspname not in ('pg_catalog', 'information_schema'))
  select schema, definition from made where definition is not null order by rank, depth, definition]]

local columns_of = [[
  select pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
         || case when a.attcollation <> t.typcollation and l.collname <> 'default'
              then pg_catalog.format(' collate %I.%I', m.nspname, l.collname) else '' end
         || case when a.attidentity = 'a' then ' generated always as identity'
                 when a.attidentity = 'd' then ' generated by default as identity'
                 when a.attgenerated <> '' then pg_catalog.format(' generated always as (%s) stored',
                                                                  pg_catalog.pg_get_expr(d.adbin, d.adrelid))
                 when d.oid is not null then ' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) else '' end
         || case when a.attnotnull then ' not null' else '' end as line
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_type as t on t.oid = a.atttypid
  left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join pg_catalog.pg_collation as l on l.oid = a.attcollation
  left join pg_catalog.pg_namespace as m on m.oid = l.collnamespace
  where a.attrelid = :oid::pg_catalog.oid and a.attnum > 0 and not a.attisdropped
  order by a.attnum]]

-- A key before what may refer to it. A CHECK that rows may violate comes when they are there.
local constraints_of = [[
  select c.contype::pg_catalog.text as kind, not c.convalidated and c.contype = 'c' as late,
         pg_catalog.quote_ident(c.conname) as name, pg_catalog.pg_get_constraintdef(c.oid) as definition
  from pg_catalog.pg_constraint as c
  where c.conrelid = :oid::pg_catalog.oid and c.contype in ('p', 'u', 'c', 'x', 'f')
    and (c.contype <> 'f' or c.confrelid = any (:oids::pg_catalog.oid[]))
    and not exists (select from pg_catalog.pg_constraint as o where o.oid = c.conparentid and o.conrelid = c.conrelid)
  order by pg_catalog.strpos('puxcf', c.contype::pg_catalog.text), c.conname]]

local others_of = [[
  select pg_catalog.replace(pg_catalog.pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') as definition
  from pg_catalog.pg_index as i
  where i.indrelid = :oid::pg_catalog.oid and i.indisunique and i.indisvalid
    and not exists (select from pg_catalog.pg_constraint as c
                    where c.conindid = i.indexrelid and c.conrelid = i.indrelid and c.contype in ('p', 'u', 'x'))
  union all
  select pg_catalog.pg_get_triggerdef(g.oid) from pg_catalog.pg_trigger as g
  where g.tgrelid = :oid::pg_catalog.oid and not g.tgisinternal and g.tgenabled <> 'D'
  union all
  select pg_catalog.format('alter sequence %s owned by %s.%I', d.objid::pg_catalog.regclass, :name::pg_catalog.text,
                           a.attname)
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_class as s on s.oid = d.objid and s.relkind = 'S'
  join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where d.classid = 'pg_class'::pg_catalog.regclass and d.refclassid = 'pg_class'::pg_catalog.regclass
    and d.refobjid = :oid::pg_catalog.oid and d.deptype = 'a']]

local view_of = "select pg_catalog.rtrim(pg_catalog.pg_get_viewdef(:oid::pg_catalog.oid), ';') as definition"

local function statements(list) return #list > 0 and table.concat(list, ";\n") .. ";\n" or "" end

--- The tables behind a view.
local behind_view = [[
  select distinct pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name
  from pg_catalog.pg_rewrite as r
  join pg_catalog.pg_depend as d on d.classid = 'pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
    and d.refclassid = 'pg_class'::pg_catalog.regclass and d.refobjid <> r.ev_class
  join pg_catalog.pg_class as c on c.oid = d.refobjid and c.relkind in ('r', 'p', 'v', 'm', 'f')
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where r.ev_class = :oid::pg_catalog.oid]]

---@param relation table of relation.lua, a view
---@return string[] names as SQL
function M.behind(bench, relation)
  local names = {}
  for at, row in ipairs(findings.read(bench, behind_view, { oid = relation.oid })) do
    names[at] = row.name
  end
  return names
end

local function oids_of(list)
  local oids = {}
  for at, relation in ipairs(list) do
    oids[at] = relation.oid
  end
  return oids
end

--- One table: what makes it, what comes when all tables are there, what comes when the rows are there.
local function table_of(bench, relation, oids)
  local lines, then_, late = {}, {}, {}
  for at, column in ipairs(findings.read(bench, columns_of, { oid = relation.oid })) do
    lines[at] = "  " .. column.line
  end
  for _, found in ipairs(findings.read(bench, constraints_of, { oid = relation.oid, oids = oids })) do
    local constraint = ("constraint %s %s"):format(found.name, found.definition)
    if found.late or found.kind == "f" then
      table.insert(found.late and late or then_, ("alter table %s add %s"):format(relation.sql, constraint))
    else
      lines[#lines + 1] = "  " .. constraint
    end
  end
  for _, found in ipairs(findings.read(bench, others_of, { oid = relation.oid, name = relation.sql })) do
    then_[#then_ + 1] = found.definition
  end
  return ("create table %s (\n%s\n);\n"):format(relation.sql, table.concat(lines, ",\n")), then_, late
end

--- The schemas in which names without one are looked up here, as SQL; nil when that is as everywhere.
---@return string|nil
function M.path(bench)
  local found = findings.read(bench, path)[1].schemas
  return found ~= "public" and found ~= "" and found or nil
end

--- The statement that has names looked up as here; nothing when that is as everywhere.
function M.setting(bench)
  local found = M.path(bench)
  return found and ("set search_path to %s;\n"):format(found) or ""
end

--- The definitions of tables and views.
---@param tables table[] of relation.lua
---@param views table[]
---@return string schema
---@return string late what comes when the rows are there
---@return boolean has_triggers
function M.of(bench, tables, views)
  local oids, view_oids = oids_of(tables), oids_of(views)
  local schemas, before, known = {}, {}, { public = true }
  local function in_schema(name)
    if not known[name] then schemas[#schemas + 1] = ("create schema %s"):format(sql.identifier(name)) end
    known[name] = true
  end
  for _, relation in ipairs(tables) do
    in_schema(relation.schema)
  end
  for _, found in ipairs(findings.read(bench, needed, { oids = oids, views = view_oids })) do
    in_schema(found.schema)
    before[#before + 1] = found.definition
  end
  local made, then_, late = {}, {}, {}
  for at, relation in ipairs(tables) do
    local following, last
    made[at], following, last = table_of(bench, relation, oids)
    for _, each in ipairs(following) do
      then_[#then_ + 1] = each
    end
    for _, each in ipairs(last) do
      late[#late + 1] = each
    end
  end
  for _, view in ipairs(views) do
    in_schema(view.schema)
    local definition = findings.read(bench, view_of, { oid = view.oid })[1].definition
    then_[#then_ + 1] = ("create view %s as\n%s"):format(view.sql, definition)
  end
  local here = M.setting(bench)
  local parts = {
    statements(schemas),
    here,
    #before > 0 and "set check_function_bodies = off;\n" or "",
    statements(before),
  }
  parts[#parts + 1] = table.concat(made, "\n")
  parts[#parts + 1] = statements(then_)
  local texts = {}
  for _, part in ipairs(parts) do
    if part ~= "" then texts[#texts + 1] = part end
  end
  local text = table.concat(texts, "\n")
  return text, statements(late), text:find("\nCREATE [%u ]*TRIGGER ") ~= nil
end

return M
