--- JSON values as a schema sees them.
local decimal = require("opsh.native.decimal")
local json = require("opsh.json")

local M = {}

-- What a value is in JSON's words; a table that nobody marked is an array when it has a first element.
function M.kind_of(value)
  local kind = type(value)
  if value == json.null then return "null" end
  if kind == "table" then
    if json.is_number(value) then return "number" end
    if json.is_array(value) then return "array" end
    if json.is_object(value) then return "object" end
    return rawget(value, 1) ~= nil and "array" or "object"
  end
  return kind
end

function M.is_integer(value)
  if type(value) == "number" then return value % 1 == 0 end
  return not tostring(value):find("[.eE]")
end

function M.is_type(value, name)
  local kind = M.kind_of(value)
  return kind == name or (name == "integer" and kind == "number" and M.is_integer(value))
end

function M.equal(a, b)
  local kind = M.kind_of(a)
  if kind ~= M.kind_of(b) then return false end
  if kind == "number" then return decimal.compare(a, b) == 0 end
  if kind ~= "array" and kind ~= "object" then return a == b end
  for key, value in pairs(a) do
    if rawget(b, key) == nil or not M.equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if rawget(a, key) == nil then return false end
  end
  return true
end

-- Characters, not bytes.
function M.length_of(text) return select(2, text:gsub("[^\128-\191]", "")) end

function M.count(object)
  local n = 0
  for _ in pairs(object) do
    n = n + 1
  end
  return n
end

function M.sorted_keys(object)
  local keys = {}
  for key in pairs(object) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

function M.plural(n, noun) return ("%d %s%s"):format(n, noun, n == 1 and "" or "s") end

-- A value in a message: what fits on a line, and never a row's whole document.
function M.shown(value)
  local kind = M.kind_of(value)
  if kind == "array" or kind == "object" then return "this " .. kind end
  local text = json.encode(value)
  return #text <= 60 and text or "this text"
end

function M.pointer_to(pointer, key)
  return pointer .. "/" .. tostring(key):gsub("~", "~0"):gsub("/", "~1")
end

return M
