--- Fixtures as rows: `rows = { customer = { { id = 1, email = "a@example.org" } } }`.
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local sorted_names = require("opsh.host.sorted_names")
local sql = require("opsh.native.sql")

local M = {}

local null = json.decode("null")

local function fail(message, hint) errors.raise("test.misuse", "rows: " .. message, hint) end

--- A value as the text that its column's type reads; what is not there gets the column's default.
local function literal(value)
  if value == nil then return "default" end
  if value == null then return "null" end
  -- All digits of a whole number, and no point; JSON has no digit of 0.1 that nobody wrote.
  if type(value) == "number" and value % 1 == 0 then return sql.literal(("%.0f"):format(value)) end
  if type(value) == "number" or type(value) == "table" then return sql.literal(json.encode(value)) end
  return sql.literal(tostring(value))
end

local function columns_of(name, rows)
  local known = {}
  for at, row in ipairs(rows) do
    if type(row) ~= "table" then fail(("row %d of %s is no table of values by column"):format(at, name)) end
    for column in pairs(row) do
      if type(column) ~= "string" then
        fail(("row %d of %s has a value without a column"):format(at, name), "a row is { id = 1 }")
      end
      known[column] = true
    end
  end
  return sorted_names(known)
end

local function insert(name, rows)
  local columns, names, lists = columns_of(name, rows), {}, {}
  if #columns == 0 then fail(("%s has no row with a column"):format(name), "a row is { id = 1 }") end
  for at, column in ipairs(columns) do
    names[at] = sql.identifier(column)
  end
  for at, row in ipairs(rows) do
    local values = {}
    for place, column in ipairs(columns) do
      values[place] = literal(row[column])
    end
    lists[at] = "(" .. table.concat(values, ", ") .. ")"
  end
  local into = ("%s (%s)"):format(sql.qualified(name), table.concat(names, ", "))
  return ("insert into %s values\n%s"):format(into, table.concat(lists, ",\n"))
end

--- One statement that inserts them, so that foreign keys are looked at when all rows are there, whatever their order.
---@param tables table<string, table<string, any>[]> rows by table; lists within a table stay in their order
---@return string
function M.statement(tables)
  if not next(tables) then return "" end
  local parts = {}
  for at, name in ipairs(sorted_names(tables)) do
    if type(tables[name]) ~= "table" then fail(name .. " is no list of rows", "they are { { id = 1 } }") end
    parts[at] = ("inserted_%d as (%s)"):format(at, insert(name, tables[name]))
  end
  return ("with %s\nselect 1 where false"):format(table.concat(parts, ",\n"))
end

return M
