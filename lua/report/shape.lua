--- What documents are put together with: null for what is not known, objects with their keys in order, lists.
local json = require("opsh.native.json")

local M = {}

local object, array = json.metatables()

M.null = json.decode("null")

--- Whether a value is known: neither nil nor null.
function M.there(value) return value ~= nil and value ~= M.null end

--- The first of these that is known, else null.
function M.first_of(...)
  for at = 1, select("#", ...) do
    local value = select(at, ...)
    if M.there(value) then return value end
  end
  return M.null
end

--- An object whose keys come in this order; what has no value is null.
---@param keys string[]
---@param fields table
function M.ordered(keys, fields)
  for _, key in ipairs(keys) do
    if fields[key] == nil then fields[key] = M.null end
  end
  return setmetatable(fields, { __columns = keys })
end

--- A list, also when it is empty.
function M.list(values) return setmetatable(values or {}, array) end

--- An object, also when it is empty.
function M.object(fields) return setmetatable(fields or {}, object) end

return M
