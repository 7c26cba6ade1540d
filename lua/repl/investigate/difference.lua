--- Two lists of rows by their key: what came, went and changed.
local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local json = require("opsh.native.json")
local rows_text = require("opsh.host.repl.rows_text")
local sample = require("opsh.host.repl.sample")

local M = {}

local function cell(value)
  if value == nil then return nil end
  if type(value) == "number" then return rows_text.number(value) end
  return type(value) == "table" and json.encode(value) or tostring(value)
end

--- The values of the key as one text; no two keys have the same.
local function key_of(row, key)
  local parts = {}
  for at, name in ipairs(key) do
    local value = cell(rawget(row, name))
    parts[at] = value and #value .. ":" .. value or "-"
  end
  return table.concat(parts, " ")
end

local function by_key(list, key, name)
  local found = {}
  for _, row in ipairs(list) do
    local text = key_of(row, key)
    if found[text] then
      local values = {}
      for at, column in ipairs(key) do
        values[at] = cell(rawget(row, column)) or "NULL"
      end
      errors.raise(
        "usage.value",
        ("%s has several rows with %s = %s"):format(name, table.concat(key, ", "), table.concat(values, ", ")),
        "name columns that tell rows apart: \\diff A B COLUMN ..."
      )
    end
    found[text] = row
  end
  return found
end

local function set(names)
  local made = {}
  for _, name in ipairs(names) do
    made[name] = true
  end
  return made
end

--- The differences as rows, in the order of the lists: what changed a cell a row, what came or went a row.
---@param before table rows
---@param after table rows
---@param key string[]
---@param names string[] of the two, for messages
---@return table rows
---@return { came: integer, went: integer, changed: integer, same: integer, left_out: string[] }
function M.of(before, after, key, names)
  local one, other = sample.all(before), sample.all(after)
  local earlier, later = by_key(one, key, names[1]), by_key(other, key, names[2])
  local is_key, shared, left_out = set(key), {}, {}
  local there = set(after:columns())
  for _, column in ipairs(before:columns()) do
    if there[column] and not is_key[column] then shared[#shared + 1] = column end
    if not there[column] then left_out[#left_out + 1] = column end
    there[column] = nil
  end
  for _, column in ipairs(after:columns()) do
    if there[column] then left_out[#left_out + 1] = column end
  end
  local list, figures = {}, { came = 0, went = 0, changed = 0, same = 0, left_out = left_out }
  local function add(row, what, column, old, new)
    local values = {}
    for at, name in ipairs(key) do
      values[at] = cell(rawget(row, name)) or "NULL"
    end
    list[#list + 1] = { key = table.concat(values, ", "), what = what, column = column, before = old, after = new }
  end
  for _, row in ipairs(one) do
    local now = later[key_of(row, key)]
    local differs = false
    for _, column in ipairs(now and shared or {}) do
      local old, new = cell(rawget(row, column)), cell(rawget(now, column))
      if old ~= new then
        differs = true
        add(row, "changed", column, old, new)
      end
    end
    if not now then add(row, "went") end
    local what = not now and "went" or differs and "changed" or "same"
    figures[what] = figures[what] + 1
  end
  for _, row in ipairs(other) do
    if not earlier[key_of(row, key)] then
      figures.came = figures.came + 1
      add(row, "came")
    end
  end
  return findings.rows({ "key", "what", "column", "before", "after" }, list), figures
end

return M
