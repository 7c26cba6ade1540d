---@meta opsh.json_schema

--- JSON Schema, draft-07: whether a JSON value is what a schema says, and where it is not.
---@class opsh.json_schema
local json_schema = {}

---@class opsh.JsonMisfit
---@field pointer string a JSON pointer (RFC 6901); "" is the value as a whole
---@field message string

---@class opsh.JsonSchema
local schema = {}

--- Where a JSON value is not what the schema says, in the schema's order; empty when all of it is.
---@param value any as `opsh.json` decodes it
---@return opsh.JsonMisfit[]
function schema:check(value) end

--- Whether a JSON value is what the schema says.
---@param value any
---@return boolean
function schema:fits(value) end

--- Reads a schema: JSON text, or what `opsh.json` made of it, or a Lua table. Raises "script.schema", "json.syntax",
--- "text.pattern".
---@param given string|table|boolean
---@param options? { documents?: table<string, string|table> } what `$ref` may lead to beside the schema, by URI
---@return opsh.JsonSchema
function json_schema.compile(given, options) end

return json_schema
