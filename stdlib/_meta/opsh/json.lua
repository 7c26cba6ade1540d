---@meta opsh.json

--- JSON that comes back as it went in: null, empty arrays, empty objects and big numbers are kept apart.
---@class opsh.json
local json = {}

---@class opsh.JsonObject: table
---@class opsh.JsonArray: table
--- A number that a double does not hold exactly; `tostring` gives its digits.
---@class opsh.JsonNumber

--- JSON's null; the same value as `opsh.null`.
---@type opsh.Null
json.null = nil

--- A table that is a JSON object also when it is empty. The way to pass an object to a jsonb parameter.
---@param fields? table<string, any>
---@return opsh.JsonObject
function json.object(fields) end

--- A list that is a JSON array also when it is empty, and not an SQL array when it is a parameter.
---@param elements? any[]
---@return opsh.JsonArray
function json.array(elements) end

---@param value any
---@return boolean
function json.is_object(value) end

---@param value any
---@return boolean
function json.is_array(value) end

---@param value any
---@return boolean
function json.is_number(value) end

--- The names of an object's members, in the document's order; those that a script added come behind, sorted. Raises
--- "json.value" for anything else.
---@param value opsh.JsonObject
---@return string[]
function json.keys(value) end

--- Reads one document. Raises "json.syntax".
---@param text string
---@return any
function json.decode(text) end

--- Like `decode`, for text that may be no JSON.
---@param text string
---@return any value nil when the text is no JSON
---@return opsh.Error? err
function json.try_decode(text) end

--- Writes one document. A plain table with a first element is an array, any other an object. Keys are sorted; a table
--- that `decode` made keeps the document's order, with new keys behind, and the spelling of numbers that are unchanged.
---@param value any
---@param options? { indent?: boolean }
---@return string
function json.encode(value, options) end

return json
