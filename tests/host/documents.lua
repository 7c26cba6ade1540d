--- What --json prints, held against the schemas that docs/ publishes.
local json_schema = require("opsh.json_schema")
local test = require("opsh.test")

local M = {}

local function schema(name)
  return test.shell(("cat '%s'"):format(test.beside(("../../docs/%s.schema.json"):format(name)))).output
end

--- Where a document is not what its schema says.
---@param document any
---@param name string "run" for docs/run.schema.json
function M.misfits(document, name)
  local others = { ["urn:opsh:run-document:1"] = name ~= "run" and schema("run") or nil }
  return json_schema.compile(schema(name), { documents = others }):check(document)
end

--- Fails where a document is not what its schema says.
function M.fit(document, name) test.expect.none(M.misfits(document, name)) end

return M
