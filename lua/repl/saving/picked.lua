--- Rows that were picked at the prompt: their keys are the plan.
local errors = require("opsh.host.errors")
local naming = require("opsh.host.repl.saving.naming")
local sample = require("opsh.host.repl.sample")
local shape = require("opsh.native.shape")
local sql = require("opsh.native.sql")
local statement = require("opsh.host.repl.saving.statement")
local told = require("opsh.host.repl.investigate.told")

local M = {}

local function refuse(message, hint) errors.raise("refused.save", message, hint) end

local integers = { smallint = true, integer = true, bigint = true }

--- The keys of rows, a list for each column: as the plan of a runbook is given them.
local function picked(self, rows)
  local lists = {}
  for at in ipairs(self.key) do
    local type = self.relation.types[self.columns[at]]
    lists[at] = { name = #self.key == 1 and "picked" or "picked_" .. at, type = type, values = {} }
  end
  for number, row in ipairs(rows) do
    local values = told.key_values(row, self.key) or refuse("a row has no key: it is NULL", "leave such rows out")
    for at, list in ipairs(lists) do
      local figure = integers[list.type] and math.abs(tonumber(values[at])) <= 2 ^ 53
      list.values[number] = figure and tonumber(values[at]) or values[at]
    end
  end
  return lists
end

--- A condition that a row is one of those that were picked.
local function is_picked(self, columns)
  local arrays = {}
  for at, list in ipairs(self.picked) do
    arrays[at] = (":%s::%s[]"):format(list.name, list.type)
  end
  if #columns == 1 then return ("%s = any(%s)"):format(columns[1], arrays[1]) end
  return ("%s in (select * from unnest(%s))"):format(naming.together(columns), table.concat(arrays, ", "))
end

local function require_columns(self, found)
  local given = {}
  for _, name in ipairs(found) do
    given[name] = true
  end
  for _, name in ipairs(self.key) do
    if not given[name] then
      refuse(
        ("the rows have no column %s, which is the key of %s"):format(name, self.relation.sql),
        "keep rows with their key, or name other columns with key="
      )
    end
  end
  return given
end

--- Makes a plan of rows that no query tells: those with their keys, among what the query that they were picked from
--- gives.
---@param self table of subject.of, with relation, key and columns; gets sql, picked, plain, source, relations, seen
---@param rows table
---@return table|nil parts of that query
function M.plan(self, bench, rows)
  local relation, columns, all = self.relation, {}, sample.all(rows)
  local given = require_columns(self, all:columns())
  self.picked, self.seen, self.limited = picked(self, all), #all, false
  local from = sample.statement_of(rows)
  local looks = from and #sql.placeholders(from) == 0 and shape.of(from)
  if looks and looks.plain then
    local parts = statement.apart(from, "select")
    self.plain, self.relations = true, looks.relations
    self.source = naming.alias_of(bench, looks, relation)
    local conditions = {}
    for at, part in ipairs(parts.where and statement.parts(parts.where) or {}) do
      conditions[at] = statement.part(part)
    end
    table.insert(conditions, is_picked(self, naming.columns(self.columns, self.source)))
    self.sql = statement.joined(parts.head, conditions)
    return parts
  end
  for at, name in ipairs(self.columns) do
    local column = sql.identifier(name)
    columns[at] = name == self.key[at] and column or column .. " as " .. sql.identifier(self.key[at])
    given[name] = nil
  end
  for _, column in ipairs(relation.columns) do
    if given[column.name] then columns[#columns + 1] = sql.identifier(column.name) end
  end
  self.sql = ("select %s\nfrom %s\nwhere %s"):format(
    table.concat(columns, ", "),
    relation.sql,
    is_picked(self, naming.columns(self.columns))
  )
  return nil
end

return M
