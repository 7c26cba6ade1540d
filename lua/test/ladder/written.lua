--- What an apply changed, against what it says: `writes`, the journal, and the schema.
local content = require("opsh.host.test.ladder.content")
local definitions = require("opsh.host.test.ladder.definitions")
local json = require("opsh.native.json")

local M = {}

local _, array = json.metatables()

-- Tables by the names that a checksum has: those named, and what holds their rows.
local tables_named = [[
  with recursive named as (
    select to_regclass(name)::oid as oid from jsonb_array_elements_text($1::jsonb) as name
    where to_regclass(name) is not null
    union
    select i.inhrelid from named join pg_inherits as i on i.inhparent = named.oid)
  select oid::regclass::text as name from named]]

-- One row for each row that the run's journal has, by its key.
local journaled = [[
  select distinct to_regclass(table_name)::text as "table", key_names, key
  from opsh.change where run = $1 and to_regclass(table_name) is not null]]

local function names_of(database, names)
  local found = {}
  for _, row in ipairs(database:query(tables_named, json.encode(setmetatable(names, array)))) do
    found[row.name] = true
  end
  return found
end

--- Names in `writes` of the steps that `picks` takes.
local function written(document, picks)
  local names = {}
  for _, step in ipairs(document.steps) do
    if picks(step) then
      for _, name in ipairs(step.writes) do
        names[#names + 1] = name
      end
    end
  end
  return names
end

local function is_schema(step) return type(step.schema) == "table" end

--- A text that tells the rows of a table apart by some of their columns.
local function identity(table_name, names, value)
  local parts = { table_name }
  for at, name in ipairs(names) do
    parts[at + 1] = ("%s=%s"):format(name, tostring(value(name, at)))
  end
  return table.concat(parts, "\0")
end

--- Rows that changed and that the journal has not, of tables that only steps with a journal change.
local function unjournaled(applied, rows, is_exempt)
  local known, keys = {}, {}
  for _, row in ipairs(applied.left:query(journaled, applied.document.run)) do
    keys[row.table] = row.key_names
    known[identity(row.table, row.key_names, function(_, at) return row.key[at] end)] = true
  end
  local found = {}
  for _, difference in ipairs(rows) do
    local names = keys[difference.table]
    local id = names and identity(difference.table, names, function(name) return difference.row[name] end)
    if not is_exempt[difference.table] and not (id and known[id]) then found[#found + 1] = difference end
  end
  return found
end

--- Of a schema step that adds a column all rows have another content.
local function without_new_columns(rows, base_columns)
  local found = {}
  for _, difference in ipairs(rows) do
    local kept = {}
    for _, column in ipairs(difference.columns or {}) do
      if base_columns[difference.table][column.name] then kept[#kept + 1] = column end
    end
    if difference.kind ~= "changed" or #kept > 0 then found[#found + 1] = difference end
  end
  return found
end

--- What an apply changed and did not say.
---@param base table the database before
---@param applied { left: table, document: table }
---@return { undeclared: table[], unjournaled: table[], definitions: table[] }
function M.unsaid(base, applied)
  local document, found = applied.document, content.differences(base, applied.left)
  local declared = names_of(applied.left, written(document, function() return true end))
  local undeclared, rest = {}, {}
  for _, difference in ipairs(found.rows) do
    table.insert(declared[difference.table] and rest or undeclared, difference)
  end
  local exempt = names_of(applied.left, written(document, function(step)
    return step.kind == "items" and step.journaled == false and not is_schema(step)
  end))
  local by_schema = written(document, is_schema)
  local has_schema = false
  for _, step in ipairs(document.steps) do
    has_schema = has_schema or is_schema(step)
  end
  rest = without_new_columns(rest, content.columns(base, found.tables))
  for name in pairs(names_of(base, by_schema)) do
    exempt[name] = true
  end
  return {
    undeclared = undeclared,
    unjournaled = unjournaled(applied, rest, exempt),
    definitions = has_schema and {} or definitions.differences(base, applied.left),
  }
end

return M
