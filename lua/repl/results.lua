--- What rows can do at the prompt: `_:where{ status = "open" }:group("owner")`. A list of rows stays a plain list.
local counted = require("opsh.host.counted")
local decimal = require("opsh.native.decimal")
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local log = require("opsh.native.log")
local native_db = require("opsh.native.db")
local rows = require("opsh.host.runbook.rows")
local sample = require("opsh.host.repl.sample")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local text_file = require("opsh.native.text_file")
local report = require("opsh.native.report")

local M = {}

local null = json.decode("null")
local int8 = 20

local methods = {}

local function shape(list) return debug.getmetatable(list) end

--- A list with the columns of another one.
local function like(list, found)
  debug.setmetatable(found, shape(list))
  return found
end

local function require_column(list, name)
  local columns = shape(list).__columns
  for at, known in ipairs(columns) do
    if known == name then return at end
  end
  local meant = type(name) == "string" and text.nearest(name, columns)
  errors.raise(
    "row.column",
    ("the rows have no column %s"):format(tostring(name)),
    meant and ("did you mean %s?"):format(meant) or "their columns are " .. table.concat(columns, ", ")
  )
end

--- A plain list of the columns' names, in order.
function methods.columns(list) return { unpack(shape(list).__columns) } end

--- Equal as values: 1, "1.0" of a numeric column, and the same text.
local function equal(value, wanted)
  if wanted == null then return value == nil or value == null end
  if value == wanted then return true end
  if type(value) == type(wanted) and type(value) ~= "string" then return false end
  return decimal.compare(value, wanted) == 0
end

local function is_any_of(value, wanted)
  if type(wanted) ~= "table" or debug.getmetatable(wanted) then return equal(value, wanted) end
  for _, one in ipairs(wanted) do
    if equal(value, one) then return true end
  end
  return false
end

local function condition(list, wanted)
  if type(wanted) == "function" then return wanted end
  if type(wanted) ~= "table" then
    errors.raise(
      "usage.argument",
      "where takes a table or a function",
      'as in _:where{ status = "open" } or _:where(function(row) return row.n > 2 end)'
    )
  end
  for name in pairs(wanted) do
    require_column(list, name)
  end
  return function(row)
    for name, value in pairs(wanted) do
      if not is_any_of(rawget(row, name), value) then return false end
    end
    return true
  end
end

--- The rows for which a function says so, or whose columns have the values of a table; a list there is any of them.
function methods.where(list, wanted)
  local holds = condition(list, wanted)
  local found = {}
  for _, row in ipairs(sample.all(list)) do
    if holds(row) then found[#found + 1] = row end
  end
  return like(list, found)
end

--- Negative when `one` comes before `other`; NULL comes last, as in SQL.
local function compare(one, other)
  if one == nil or other == nil then return (one == nil and 1 or 0) - (other == nil and 1 or 0) end
  if type(one) == "boolean" or type(other) == "boolean" then one, other = tostring(one), tostring(other) end
  local figures = (type(one) == "number" or type(other) == "number") and decimal.compare(one, other)
  if figures then return figures end
  one, other = tostring(one), tostring(other)
  return one == other and 0 or one < other and -1 or 1
end

local numeric = 1700

--- A comparison of two rows by columns: "-n" is the other way round.
local function order(list, ...)
  local parts = { ... }
  for at, given in ipairs(parts) do
    local name = tostring(given)
    local known = shape(list).__columns
    local plain = name:sub(1, 1) ~= "-"
    for _, column in ipairs(known) do
      plain = plain or column == name
    end
    local column = plain and name or name:sub(2)
    local place = require_column(list, column)
    parts[at] = {
      column = column,
      sign = plain and 1 or -1,
      of_text = shape(list).__types[place] == numeric and decimal.compare or nil,
    }
  end
  return function(one, other)
    for _, part in ipairs(parts) do
      local left, right = rawget(one, part.column), rawget(other, part.column)
      local found = left ~= nil and right ~= nil and part.of_text and part.of_text(left, right) or compare(left, right)
      if found ~= 0 then return found * (left ~= nil and right ~= nil and part.sign or 1) end
    end
    return 0
  end
end

--- The rows in another order; "-n" is from the largest down. Rows that are equal stay in their order.
function methods.sort(list, ...)
  local compared, places, found = order(list, ...), {}, {}
  for at, row in ipairs(sample.all(list)) do
    places[row], found[at] = at, row
  end
  table.sort(found, function(one, other)
    local difference = compared(one, other)
    return difference < 0 or (difference == 0 and places[one] < places[other])
  end)
  return like(list, found)
end

--- A key for each combination of values; no value can look like several.
local function key_of(row, names)
  local parts = {}
  for at, name in ipairs(names) do
    local value = rawget(row, name)
    local shown = type(value) == "table" and json.encode(value) or tostring(value)
    parts[at] = ("%s:%d:%s"):format(type(value), #shown, shown)
  end
  return table.concat(parts)
end

--- How many rows there are of each combination of values, most first: columns and `count`.
function methods.group(list, ...)
  local names, types = { ... }, {}
  for at, name in ipairs(names) do
    types[at] = shape(list).__types[require_column(list, name)]
  end
  local column = "count"
  for _, name in ipairs(names) do
    if name == column then column = "count_of_rows" end
  end
  names[#names + 1], types[#types + 1] = column, int8
  local made, groups, found = M.shape(names, types), {}, {}
  for _, row in ipairs(sample.all(list)) do
    local key = key_of(row, { ... })
    local group = groups[key]
    if not group then
      group = { [column] = 0 }
      for _, name in ipairs({ ... }) do
        group[name] = rawget(row, name)
      end
      debug.setmetatable(group, made)
      groups[key], found[#found + 1] = group, group
    end
    group[column] = group[column] + 1
  end
  debug.setmetatable(found, made.__list)
  return methods.sort(found, "-" .. column)
end

--- Some of the rows, by chance, in their order.
function methods.sample(list, count)
  local all = sample.all(list)
  local left, found = math.min(tonumber(count) or 10, #all), {}
  for at, row in ipairs(all) do
    if math.random() * (#all - at + 1) < left then
      found[#found + 1], left = row, left - 1
    end
  end
  return like(list, found)
end

--- The values of one column as a plain list, for `= any(:ids)`; opsh.null for NULL.
function methods.values(list, name)
  require_column(list, name)
  local found = {}
  for at, row in ipairs(sample.all(list)) do
    local value = rawget(row, name)
    found[at] = value == nil and null or value
  end
  return found
end

--- Writes all rows as CSV (RFC 4180) into a file that only its owner reads, and says how many.
function methods.to_csv(list, path)
  if type(path) ~= "string" then errors.raise("usage.argument", "to_csv wants the path of a file") end
  local file, count, goes_on = text_file.create(path), 0, false
  for block in sample.blocks_of(list) do
    file:write(report.csv(block, goes_on))
    count, goes_on = count + #block, true
  end
  file:publish()
  log.info(("wrote %s into %s"):format(counted(count, "row"), text.printable(path)))
end

local names = {}
for name in pairs(methods) do
  names[#names + 1] = name
end
table.sort(names)

local function method(_, name)
  if methods[name] or type(name) ~= "string" then return methods[name] end
  local meant = text.nearest(name, names)
  errors.raise(
    "row.column",
    ("a list of rows has no %s"):format(name),
    meant and ("did you mean %s?"):format(meant) or "a row has columns, as in _[1].id; a list has "
      .. table.concat(names, ", ")
  )
end

--- The metatable of rows at the prompt, as rows.metatable makes them; `__list` is that of their list.
---@param columns string[]
---@param types integer[] PostgreSQL's oids
function M.shape(columns, types)
  local made = rows.metatable(columns, types)
  made.__list.__index = method
  local missing = made.__index
  function made.__index(row, name)
    local long = sample.long_value(row, name)
    if not long then return missing(row, name) end
    errors.raise(
      "row.long",
      ("%s is %s long, and was not read to be looked at"):format(name, report.bytes(long.bytes)),
      'read it in Lua: value("select ...")'
    )
  end
  return made
end

--- Gives all rows that are read from here on what this module has.
function M.install()
  math.randomseed(os.time() * 1000 + system.pid())
  native_db.rows_by(M.shape)
end

--- The methods' names, for completion.
M.names = names

return M
