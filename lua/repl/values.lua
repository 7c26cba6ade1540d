--- Lua values as a person reads them: tables with their keys in order, text without escapes. Rows: rows_text.lua.
local json = require("opsh.native.json")
local rows_text = require("opsh.host.repl.rows_text")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")
local _, array = json.metatables()

-- Entries of a Lua table and levels of tables in it: enough to look at, and never a full terminal.
local most_entries, most_levels = 100, 4

local is_rows, number_text = rows_text.is_rows, rows_text.number

-- { text, facts, fields } of what opsh itself puts at the prompt.
local described = setmetatable({}, { __mode = "k" })

--- Says how a value of opsh's own is shown, what it is in JSON, and which fields it has, by name, for completion.
---@param of { text: fun(): string, facts: fun(): table, fields: fun(): table<string, any> }
function M.describe(value, of) described[value] = of end

--- The fields of such a value, without asking it; nil of any other.
function M.fields_of(value)
  local of = described[value]
  return of and of.fields()
end

local function shape(value) return type(value) == "table" and debug.getmetatable(value) or {} end

local render

local function key_text(key)
  if type(key) == "string" then return key:find("^[%a_][%w_]*$") and key or ("[%q]"):format(text.printable(key)) end
  return "[" .. render(key, most_levels) .. "]"
end

--- The keys that are no places in the list: numbers before texts, each in order.
local function other_keys(value, length)
  local keys = {}
  for key in next, value do
    local in_list = type(key) == "number" and key >= 1 and key <= length and key == math.floor(key)
    if not in_list then keys[#keys + 1] = key end
  end
  table.sort(keys, function(one, other)
    if type(one) ~= type(other) then return type(one) < type(other) end
    if type(one) == "number" then return one < other end
    return tostring(one) < tostring(other)
  end)
  return keys
end

--- Raw, because a script's metatable may raise or count.
local function table_text(value, level)
  if level >= most_levels then return next(value) == nil and "{}" or "{ ... }" end
  local parts, length = {}, #value
  local keys = shape(value).__columns or other_keys(value, length)
  for at = 1, math.min(length, most_entries) do
    parts[at] = render(rawget(value, at), level + 1)
  end
  for _, key in ipairs(is_rows(value) and {} or keys) do
    if #parts >= most_entries then break end
    parts[#parts + 1] = key_text(key) .. " = " .. render(rawget(value, key), level + 1)
  end
  local left = length + (is_rows(value) and 0 or #keys) - #parts
  if left > 0 then parts[#parts + 1] = ("... %d more"):format(left) end
  if #parts == 0 then return "{}" end
  local line = table.concat(parts, ", ")
  if level > 0 or (#line < 76 and not line:find("\n", 1, true)) then return "{ " .. line .. " }" end
  return "{\n  " .. table.concat(parts, ",\n  ") .. "\n}"
end

--- A value within another one: text is quoted.
function render(value, level)
  local kind = type(value)
  if kind == "string" then return '"' .. text.printable(value):gsub('"', '\\"') .. '"' end
  if kind == "number" then return number_text(value) end
  if value == null then return "opsh.null" end
  if kind ~= "table" then return kind == "function" and "a function" or tostring(value) end
  if described[value] then return described[value].text() end
  if rawget(value, "text") and debug.getmetatable(value) == select(3, json.metatables()) then return value.text end
  return table_text(value, level)
end

--- Text as it is, for a file or a program; made harmless, line by line, for a terminal.
local function plain(value, harmless)
  if not harmless then return value end
  return (value:gsub("[^\n]+", text.printable))
end

--- One value that is no row, ended by a line break.
---@param harmless boolean for a terminal
function M.text(value, harmless)
  if type(value) == "string" then return plain(value, harmless) .. "\n" end
  return render(value, 0) .. "\n"
end

--- What `print` writes.
function M.line(harmless, ...)
  local parts = {}
  for at = 1, select("#", ...) do
    local value = select(at, ...)
    parts[at] = type(value) == "number" and number_text(value) or plain(tostring(value), harmless)
  end
  return table.concat(parts, "\t") .. "\n"
end

--- Results as the one document of --json: the value, or the list of them when there are several.
---@param values table { n = count, ... }
function M.document(values)
  local function one(value)
    if value == nil then return null end
    if described[value] then value = described[value].facts() end
    -- A list of rows knows that it is one; JSON takes an empty table for an object.
    return is_rows(value) and #value == 0 and setmetatable({}, array) or value
  end
  if values.n <= 1 then return one(values[1]) end
  local list = setmetatable({}, array)
  for at = 1, values.n do
    list[at] = one(values[at])
  end
  return list
end

return M
