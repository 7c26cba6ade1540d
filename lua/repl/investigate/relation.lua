--- A table as the catalog has it: its columns and keys; and one row of it.
local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local sql = require("opsh.native.sql")
local text = require("opsh.native.text")

local M = {}

--- Among the texts of a row: the oid of the table that holds it. No column is called so.
M.leaf = "opsh: leaf"

local by_name = [[
  select c.oid::pg_catalog.int8 as oid, n.nspname::pg_catalog.text as schema, c.relname::pg_catalog.text as name,
         c.relkind::pg_catalog.text as kind, c.reltuples::pg_catalog.float8 as estimate,
         pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as sql
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid = pg_catalog.to_regclass(:name) and c.relkind in ('r', 'p', 'v', 'm', 'f')]]

local columns_of = [[
  select a.attname::pg_catalog.text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
         t.typcategory::pg_catalog.text as category
  from pg_catalog.pg_attribute as a join pg_catalog.pg_type as t on t.oid = a.atttypid
  where a.attrelid = :oid::pg_catalog.oid and a.attnum > 0 and not a.attisdropped
  order by a.attnum]]

-- What says which row is meant: the primary key first, then other unique keys without NULL.
local keys_of = [[
  select k.columns
  from pg_catalog.pg_index as i
  cross join lateral (
    select pg_catalog.array_agg(a.attname::pg_catalog.text order by p.place) as columns,
           pg_catalog.bool_and(a.attnotnull) as complete
    from pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality as p (number, place)
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = p.number
    where p.place <= i.indnkeyatts) as k
  where i.indrelid = :oid::pg_catalog.oid and i.indisunique and i.indisvalid and i.indpred is null
    and i.indexprs is null and k.complete
  order by i.indisprimary desc, i.indnkeyatts, i.indexrelid]]

--- The name that a line begins with, as SQL has it: "Odd one".t; and what stands behind it.
---@return string|nil name
---@return string|nil behind
function M.split(line)
  local at = 1
  repeat
    local stop = select(2, line:find('^"[^"]*"', at)) or select(2, line:find("^[%w_$\128-\255]+", at))
    -- Two quotes are one within a name.
    while stop and line:find('^"[^"]*"', stop + 1) do
      stop = select(2, line:find('^"[^"]*"', stop + 1))
    end
    if not stop then return nil end
    at = stop + 1
    local goes_on = line:sub(at, at) == "."
    if goes_on then at = at + 1 end
  until not goes_on
  return line:sub(1, at - 1), (line:match("^%s*(.*)$", at))
end

--- The relation of a name as SQL has it, or nil.
---@return table|nil { oid, schema, name, kind, estimate, sql, columns, keys, types }: `sql` is its name, quoted where
--- it has to be; `keys` are lists of names
function M.find(bench, name)
  local found = findings.read(bench, by_name, { name = name })[1]
  if not found then return nil end
  local columns = findings.read(bench, columns_of, { oid = found.oid })
  local made = { columns = columns, keys = {}, types = {} }
  for _, field in ipairs({ "oid", "schema", "name", "kind", "estimate", "sql" }) do
    made[field] = found[field]
  end
  for at, key in ipairs(findings.read(bench, keys_of, { oid = found.oid })) do
    made.keys[at] = key.columns
  end
  for _, column in ipairs(columns) do
    made.types[column.name] = column.type
  end
  return made
end

--- The relation of a name; an error when there is none.
function M.named(bench, name)
  return M.find(bench, name)
    or errors.raise("usage.value", ("there is no table %s"):format(text.printable(name)), "\\d lists what there is")
end

--- A column of it, as SQL; an error when it has none of this name.
function M.column(relation, name)
  if relation.types[name] then return sql.identifier(name) end
  local names = {}
  for at, column in ipairs(relation.columns) do
    names[at] = column.name
  end
  local meant = text.nearest(name, names)
  errors.raise(
    "usage.value",
    ("%s has no column %s"):format(relation.sql, text.printable(name)),
    meant and ("did you mean %s?"):format(meant) or "its columns are " .. table.concat(names, ", ")
  )
end

--- A condition that a row of `alias` has these values, each a text, and its parameters.
---@param relation table
---@param names string[]
---@param values string[]
---@return string condition
---@return table<string, string> parameters
function M.has(relation, alias, names, values)
  local parts, parameters = {}, {}
  for at, name in ipairs(names) do
    local column = M.column(relation, name)
    -- Read by the type's own input function, as what a person writes into a string.
    parts[at] = ("%s.%s = :value_%d::pg_catalog.text::%s"):format(alias, column, at, relation.types[name])
    parameters["value_" .. at] = values[at]
  end
  return table.concat(parts, " and "), parameters
end

--- The row with these values: as it is, and the texts of its columns by name, M.leaf among them.
---@return table rows of which there is one
---@return table texts
function M.row(bench, relation, names, values)
  local condition, parameters = M.has(relation, "t", names, values)
  local query = ("select t.* from %s as t where %s limit 2"):format(relation.sql, condition)
  local found = findings.read(bench, query, parameters)
  local shown = {}
  for at, name in ipairs(names) do
    shown[at] = ("%s = %s"):format(name, values[at])
  end
  local asked = ("%s with %s"):format(relation.sql, text.printable(table.concat(shown, ", ")))
  if #found == 0 then
    errors.raise("usage.value", "there is no row of " .. asked, "the session sees one snapshot: is it deleted since?")
  end
  if #found > 1 then errors.raise("usage.value", "there are several rows of " .. asked, "say the whole key") end
  local parts = {}
  for at, column in ipairs(relation.columns) do
    local name = sql.identifier(column.name)
    parts[at] = ("t.%s::pg_catalog.text as %s"):format(name, name)
  end
  local texts = findings.read(
    bench,
    ("select %s, %s::pg_catalog.int8 as %s from %s as t where %s"):format(
      table.concat(parts, ", "),
      relation.kind == "v" and "0" or "t.tableoid",
      sql.identifier(M.leaf),
      relation.sql,
      condition
    ),
    parameters
  )[1]
  return found, texts
end

return M
