--- What every runbook may use: `local opsh = require("opsh")`.
local host = require("opsh.native.host")
local json = require("opsh.native.json")

local M = {}

--- SQL's NULL and JSON's null, as a value.
M.null = json.decode("null")

--- The version of the opsh that runs this, "0.1.0".
M.version = host.version()

return M
