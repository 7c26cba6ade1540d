--- A table as the catalog of a target has it: what a new runbook and its fixture are made of.
local errors = require("opsh.host.errors")
local foreign_keys = require("opsh.host.foreign_keys")
local host = require("opsh.native.host")
local sql = require("opsh.native.sql")
local text = require("opsh.native.text")

local M = {}

local tables_sql = [[
  select c.oid::pg_catalog.regclass::pg_catalog.text as name
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_'
    and n.nspname not in ('information_schema', 'opsh')
  order by 1 limit 10000]]

-- A type that the fixture cannot have as it is: of an extension, or made by somebody. Of an enum there are its labels,
-- of a domain what it is made of.
local columns_sql = [[
  select a.attname::pg_catalog.text as name, a.attnotnull as not_null, a.attidentity <> '' as is_identity,
         a.attidentity = 'a' as is_always,
         a.attgenerated <> '' as is_generated,
         pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid),
                                case t.typtype when 'd' then t.typtypmod else a.atttypmod end) as type,
         coalesce(b.oid, t.oid) < 16384 or t.typtype = 'e' as is_known,
         coalesce(nullif(e.oid, 0), coalesce(b.oid, t.oid)) < 16384 as is_plain,
         (select pg_catalog.array_agg(l.enumlabel::pg_catalog.text order by l.enumsortorder)
          from pg_catalog.pg_enum as l where l.enumtypid = t.oid) as labels,
         pg_catalog.pg_get_expr(d.adbin, d.adrelid) as "default"
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_type as t on t.oid = a.atttypid
  left join pg_catalog.pg_type as b on b.oid = t.typbasetype
  left join pg_catalog.pg_type as e on e.oid = t.typelem and t.typcategory = 'A'
  left join pg_catalog.pg_attrdef as d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
  where a.attrelid = $1::pg_catalog.oid and a.attnum > 0 and not a.attisdropped
  order by a.attnum]]

-- The primary key first, then those with the fewest columns.
local keys_sql = [[
  select (select pg_catalog.array_agg(a.attname::pg_catalog.text order by k.place)
          from pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality as k (number, place)
          join pg_catalog.pg_attribute as a on (a.attrelid, a.attnum) = (i.indrelid, k.number)
          where k.place <= i.indnkeyatts) as columns
  from pg_catalog.pg_index as i
  where i.indrelid = $1::pg_catalog.oid and i.indisunique and i.indisvalid and i.indimmediate
    and i.indpred is null and i.indexprs is null
    and not exists (
      select from pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality as k (number, place)
      join pg_catalog.pg_attribute as a on (a.attrelid, a.attnum) = (i.indrelid, k.number)
      where k.place <= i.indnkeyatts and not a.attnotnull)
  order by not i.indisprimary, i.indnkeyatts, i.indexrelid]]

local kinds = {
  v = "a view",
  m = "a materialized view",
  f = "a foreign table",
  S = "a sequence",
  i = "an index",
  c = "a type",
}

--- "did you mean", as whole words of the hint.
local function meant(word, known, otherwise)
  local near = text.nearest(word, known)
  return near and ("did you mean %s?"):format(near) or otherwise
end

local function no_table(session, given)
  local names = {}
  for at, row in ipairs(session:read(tables_sql)) do
    names[at] = row.name
  end
  errors.raise(
    "usage.table",
    ("there is no table %s in this database"):format(given),
    meant(given, names, #names > 0 and "opsh -c '\\d' lists the tables" or "it has no tables that this login sees")
  )
end

local function relation(session, given)
  local name = sql.qualified(given)
  local row = session:read(
    [[select c.oid::pg_catalog.text as oid, c.relkind::pg_catalog.text as kind
      from pg_catalog.pg_class as c where c.oid = pg_catalog.to_regclass($1)]],
    { n = 1, name }
  )[1]
  if not row then no_table(session, given) end
  if row.kind ~= "r" and row.kind ~= "p" then
    errors.raise(
      "usage.table",
      ("%s is %s, and a runbook writes tables"):format(given, kinds[row.kind] or "no table"),
      "name the table behind it"
    )
  end
  return row
end

--- What a default may be in a fixture: nothing that is made elsewhere.
local function plain_default(expression)
  if not expression then return nil end
  if expression:find("^'[^']*'") or expression:find("^%-?[%d.]+$") then return expression end
  for _, known in ipairs({ "true", "false", "now()", "CURRENT_TIMESTAMP", "CURRENT_DATE", "gen_random_uuid()" }) do
    if expression == known then return expression end
  end
end

local function column_of(row)
  local is_serial = (row.default or ""):find("^nextval%(") ~= nil
  local type = row.type
  local is_foreign = not (row.is_known and row.is_plain or row.labels)
  local replaced = is_foreign and type:find("[%[(]") ~= nil
  return {
    name = row.name,
    type = replaced and "text" or type,
    stands_in = is_foreign and not replaced,
    replaced = replaced and type or nil,
    labels = row.labels,
    not_null = row.not_null,
    is_identity = row.is_identity or is_serial,
    is_always = row.is_always,
    default = not (is_serial or row.is_generated or replaced) and plain_default(row.default) or nil,
  }
end

--- Those of the wanted columns that are there; raises for one that is not.
---@param shape table
---@param wanted string[]
function M.require_columns(shape, wanted)
  local names, there = {}, {}
  for at, column in ipairs(shape.columns) do
    names[at], there[column.name] = column.name, true
  end
  for _, name in ipairs(wanted) do
    if not there[name] then
      errors.raise(
        "usage.column",
        ("table %s has no column %s"):format(shape.given, name),
        meant(name, names, "its columns are " .. table.concat(names, ", "))
      )
    end
  end
end

local function covers(columns, index)
  local there = {}
  for _, name in ipairs(columns) do
    there[name] = true
  end
  for _, name in ipairs(index) do
    if not there[name] then return false end
  end
  return true
end

local function key_of(session, shape, oid, wanted)
  local keys = session:read(keys_sql, { n = 1, oid })
  local best = keys[1] and table.concat(keys[1].columns, ", ")
  if not wanted then
    if best then return keys[1].columns end
    errors.raise(
      "usage.key",
      ("table %s has no key: no unique index over columns that are never NULL"):format(shape.given),
      "a runbook finds its rows again by a key: add a primary key first"
    )
  end
  M.require_columns(shape, wanted)
  for _, key in ipairs(keys) do
    if covers(wanted, key.columns) then return wanted end
  end
  errors.raise(
    "usage.key",
    ("key %s is not unique in %s: no unique index says so"):format(table.concat(wanted, ", "), shape.given),
    best and ("take %s, or add a unique index on columns that are never NULL"):format(best) or "add a primary key first"
  )
end

--- The shape of a table. Errors: "usage.table", "usage.column", "usage.key", "usage.argument" of a name that is none.
---@param session userdata a native reader
---@param given string as the author writes the table
---@param wanted_key? string[] else its primary key, or another one that it has
---@return table shape { given, schema, name, columns, key }
function M.shape(session, given, wanted_key)
  local row = relation(session, given)
  local schema, name = sql.parts(given)
  local shape = { given = given, schema = schema, name = name, columns = {}, oid = row.oid, is_real = true }
  for at, column in ipairs(session:read(columns_sql, { n = 1, row.oid })) do
    shape.columns[at] = column_of(column)
  end
  if #shape.columns == 0 then
    errors.raise("usage.table", ("table %s has no columns"):format(given), "there is nothing that a runbook could do")
  end
  shape.key = key_of(session, shape, row.oid, wanted_key)
  return shape
end

--- Foreign keys that point to a table: each with the shape of the table that it is of.
---@return { shape?: table, table: string, columns: string[], referred: string[], action: string, key: table }[]
function M.referring(session, shape)
  local list = {}
  for _, row in ipairs(foreign_keys.to(session, { shape.oid })) do
    local ok, other = host.protect(M.shape, session, row.table)
    if not ok and other.kind ~= "usage.key" then error(other, 0) end
    list[#list + 1] = {
      shape = ok and other or nil,
      table = row.table,
      columns = row.columns,
      referred = row.referred,
      action = row.on_delete,
      key = row,
    }
  end
  return list
end

return M
