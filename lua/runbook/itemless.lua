--- Steps without items, as a runbook declares them: effects beyond the database, and what a person does.
local text = require("opsh.native.text")

local M = {}

local fields = {
  effect = {
    name = { "string", required = true },
    after = { "string" },
    compensate = { "function" },
    effect = { "function" },
    ends = { "string" },
    verify = { "function" },
    when = { "string" },
  },
  manual = {
    name = { "string", required = true },
    manual = { "string", required = true },
    after = { "string" },
    evidence = { "boolean" },
    verify = { "function" },
    when = { "string" },
  },
}

M.fields = fields

--- Whether a declared step is one.
function M.is(step) return step.effect ~= nil or step.ends ~= nil or step.manual ~= nil end

local function check_effect(checker, step, what, before)
  if (step.effect == nil) == (step.ends == nil) then
    checker:fail("effect", ("%s: it has effect, or ends another step"):format(what), "leave one of the two out")
  end
  local ended = step.ends and before[step.ends]
  if not step.ends or (ended and ended.compensate and not step.compensate) then return end
  local names = {}
  for name, earlier in pairs(before) do
    if earlier.compensate then names[#names + 1] = name end
  end
  local meant = not ended and text.nearest(step.ends, names)
  checker:fail(
    "ends",
    ("%s: ends names an earlier step that has compensate, and has none itself"):format(what),
    meant and ("did you mean %s?"):format(meant) or "it does what that step's compensate says"
  )
end

--- Checks a declared step; what other steps say of their items is empty in what comes back.
---@param checker table of declaration.lua
---@param what string names the step in messages
---@param before table<string, table> earlier steps by name
---@return table
function M.step(checker, step, what, before)
  local kind = step.manual ~= nil and "manual" or "effect"
  checker:fields(step, fields[kind], what)
  if kind == "effect" then
    check_effect(checker, step, what, before)
  elseif not step.manual:find("%S") then
    checker:fail("manual", ("%s: manual is empty"):format(what), "it is the question that a person answers")
  end
  local made = { kind = kind, journaled = true, max_failures = { count = 0 }, tolerance = { count = 0 } }
  for _, name in ipairs({ "key", "redact", "reject", "skip", "tally", "totals", "writes" }) do
    made[name] = {}
  end
  for name, value in pairs(step) do
    made[name] = value
  end
  return made
end

--- The folders that a runbook's files may lie in; `:name` is what a param says.
---@param params table[] the runbook's
function M.folders(checker, declared, params)
  local list = checker:names(declared, "folders", "the runbook")
  for _, folder in ipairs(list) do
    local name, known = folder:match("^:(.*)$"), false
    for _, param in ipairs(params) do
      known = known or (param.name == name and not param.secret and not param.list)
    end
    if name and not known then
      checker:fail("folders", ("folders names %s, and there is no such param"):format(folder), "declare it in params")
    end
  end
  return list
end

return M
