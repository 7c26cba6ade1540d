--- `opsh new --kind backfill`: a column gets what an expression over its row says.
local filling = require("opsh.host.authoring.kinds.filling")
local fixture = require("opsh.host.authoring.fixture")
local expressions = require("opsh.host.authoring.expressions")
local params = require("opsh.host.authoring.params")
local source = require("opsh.host.authoring.source")

local template = [==[
local runbook = require("opsh.runbook")

return runbook {
  title = $(title),
  params = {
    $(params)
  },
  steps = {
    $(step)
  },
}
]==]

local M = { needs = { "column", "set" }, takes = {}, title = "Fill %s of %s" }

--- The sources of its four files.
function M.make(request)
  local shape = request.shape
  local condition = params.tried(filling.condition(request), request.params)
  shape.filled = expressions.names(request.set)
  shape.hints = expressions.comparisons(params.tried(request.set, request.params))
  return {
    runbook = source.fill(template, {
      title = source.quoted(M.title:format(request.column, shape.given)),
      params = params.source(request.params, { limit = params.limit(shape.key) }),
      step = filling.step(request):gsub("\n$", ""),
    }),
    schema = fixture.schema({ shape }),
    data = fixture.data({ shape }),
    test = {
      to_do = source.quoted(("select count(*) from %s where %s"):format(request.relation_plain, condition)),
      finds = "plans every row without its " .. request.column,
      counted = request.counting,
      does = "fills every row",
      done = "expect.equal(database:value(to_do), 0)",
    },
  }
end

return M
