--- References that lead nowhere.
local findings = require("opsh.host.repl.investigate.findings")
local references = require("opsh.host.repl.investigate.references")
local system = require("opsh.native.system")

local M = {}

-- Seconds that it takes in all: small tables come first, and a large one can be named.
local enough = 30

local shown = { "table", "columns", "refers to", "reference", "rows#", "broken#", "first" }
local all = { "query", unpack(shown) }

local function count(bench, reference, seconds)
  local parts = references.joined(reference)
  return findings.try(
    bench,
    ([[select pg_catalog.count(*) as rows, pg_catalog.count(*) filter (where p.%s is null) as broken
       from %s left join %s on %s where %s]]):format(
      references.names({ reference.to_columns[1] }),
      parts.from,
      parts.to,
      parts.on,
      parts.given
    ),
    nil,
    seconds
  )
end

--- Three of the values that lead nowhere.
local function first_of(bench, reference, seconds)
  local parts = references.joined(reference)
  local columns = {}
  for at, name in ipairs(reference.from_columns) do
    columns[at] = ("c.%s::pg_catalog.text"):format(references.names({ name }))
  end
  local found = findings.try(
    bench,
    ([[select pg_catalog.concat_ws(', ', %s) as value from %s where %s
       and not exists (select from %s where %s) limit 3]]):format(
      table.concat(columns, ", "),
      parts.from,
      parts.given,
      parts.to,
      parts.on
    ),
    nil,
    seconds
  )
  local values = {}
  for at, row in ipairs(found or {}) do
    values[at] = row.value
  end
  return table.concat(values, "; ")
end

local function look(bench, reference, left)
  local row = {
    table = reference.from_sql,
    columns = references.names(reference.from_columns),
    ["refers to"] = ("%s %s"):format(reference.to_sql, references.names(reference.to_columns)),
    reference = reference.state,
    query = references.broken(reference),
    first = "",
  }
  local found, err = count(bench, reference, left())
  if not found then
    row.first = "not looked at: " .. findings.reason(err)
    return row
  end
  row.rows, row.broken = found[1].rows, found[1].broken
  if row.broken > 0 then row.first = first_of(bench, reference, left()) end
  return row
end

--- All references from a table, or of all tables, with what is broken of them: most first.
---@param relation table|nil of relation.lua
---@return table rows
---@return integer those that nothing was begun with
function M.of(bench, relation)
  local list, omitted, began = {}, 0, system.clock()
  local function left() return enough - (system.clock() - began) end
  for _, reference in ipairs(references.of(bench, relation and relation.oid)) do
    -- What refers to the table is another one's.
    if not relation or reference.from_oid == relation.oid then
      if left() < 0 then
        omitted = omitted + 1
      else
        list[#list + 1] = look(bench, reference, function() return math.max(left(), 1) end)
      end
    end
  end
  return findings.rows(all, list):sort("-broken", "table", "columns"), omitted
end

--- The rows as they are shown: without the queries, which are long.
function M.shown(rows)
  local list = {}
  for at, row in ipairs(rows) do
    list[at] = {}
    for _, name in ipairs(shown) do
      name = name:gsub("#$", "")
      list[at][name] = rawget(row, name)
    end
  end
  return findings.rows(shown, list)
end

return M
