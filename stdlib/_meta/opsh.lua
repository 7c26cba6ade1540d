---@meta opsh

--- What every runbook may use.
---@class opsh
local opsh = {}

--- SQL's NULL and JSON's null, as a value. A NULL that a query returns is nil in a row and this in a list.
---@type opsh.Null
opsh.null = nil

--- The version of the opsh that runs this, "0.1.0".
---@type string
opsh.version = ""

---@class opsh.Null

return opsh
