--- What --json prints, held against the schemas that docs/ publishes.
local json_schema = require("opsh.json_schema")
local test = require("opsh.test")

local M = {}

--- Fails where a document is not what its schema says.
---@param document any
---@param name string "run" for docs/run.schema.json
function M.fit(document, name)
  local text = test.shell(("cat '%s'"):format(test.beside(("../../docs/%s.schema.json"):format(name)))).output
  test.expect.none(json_schema.compile(text):check(document))
end

return M
