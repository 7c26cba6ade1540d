--- The kinds of requests. Each has describe(request), foresee(request, world), which raises, perform(request, world) ->
--- answer, facts; foretold(request, unknown), `not_done`: kinds of errors after which nothing can have happened.
local errors = require("opsh.host.errors")

local M = {}

local known = {
  file = require("opsh.host.effects.file"),
  flag = require("opsh.host.effects.flag"),
  http = require("opsh.host.effects.http"),
  process = require("opsh.host.effects.process"),
}

function M.of(request)
  return known[request.kind] or errors.raise("internal", ("no effects of kind %s"):format(tostring(request.kind)))
end

return M
