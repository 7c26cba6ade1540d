--- JSON that comes back as it went in: null, empty arrays, empty objects and big numbers are kept apart.
local native = require("opsh.native.json")

local object, array, number = native.metatables()
number.__tostring = function(self) return self.text end

-- Also for what is marked already.
local function marked(value, metatable)
  debug.setmetatable(value, metatable)
  return value
end

local M = {}

--- JSON's null; the same value as `opsh.null`.
M.null = native.decode("null")

--- A table that is a JSON object also when it is empty.
---@param fields? table
---@return table
function M.object(fields) return marked(fields or {}, object) end

--- A list that is a JSON array also when it is empty.
---@param elements? table
---@return table
function M.array(elements) return marked(elements or {}, array) end

---@return boolean
function M.is_object(value) return type(value) == "table" and debug.getmetatable(value) == object end

---@return boolean
function M.is_array(value) return type(value) == "table" and debug.getmetatable(value) == array end

--- The names of an object's members, in the document's order; those that a script added come behind, sorted. Raises
--- "json.value" for anything else.
---@param value table
---@return string[]
function M.keys(value) return native.keys(value) end

--- Whether the value is a number that Lua's own numbers would not hold exactly; `tostring` gives its digits.
---@return boolean
function M.is_number(value) return type(value) == "table" and debug.getmetatable(value) == number end

--- Reads one document. A number that a double does not hold exactly is kept with its digits. Raises "json.syntax".
---@param text string
---@return any
function M.decode(text) return native.decode(text) end

--- Like `decode`, for text that may be no JSON.
---@return any value or nil, and then the error
function M.try_decode(text)
  local ok, value = pcall(native.decode, text)
  if ok then return value end
  return nil, value
end

--- Writes one document. A plain table with a first element is an array, any other an object. Keys are sorted; a table
--- that `decode` made keeps the document's order, with new keys behind, and the spelling of numbers that are unchanged.
---@param value any
---@param options? { indent?: boolean }
---@return string
function M.encode(value, options) return native.encode(value, options ~= nil and options.indent == true) end

return M
