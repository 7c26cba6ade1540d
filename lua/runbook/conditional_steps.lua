--- Steps that are in a run only when a param is given: what needs the application, or a person, beside the data.
local errors = require("opsh.host.errors")
local params = require("opsh.host.runbook.params")

local M = {}

--- Checks `when` of a declared step, and what it means for the step that it ends.
---@param checker table of declaration.lua
---@param step table
---@param declared table[] the runbook's params
---@param before table<string, table> earlier steps by name
function M.check(checker, step, declared, before)
  local ended = step.ends and before[step.ends]
  if ended and ended.when ~= step.when then
    checker:fail("when", ("step %s ends %s, and they differ in `when`"):format(step.name, step.ends), "say the same")
  end
  if not step.when then return end
  for _, param in ipairs(declared) do
    if param.name == step.when then
      -- A run that is resumed or undone must have the same steps, and no record has a secret.
      if not param.secret then return end
      checker:fail("when", ("step %s: when names %s, which is secret"):format(step.name, step.when), "name another")
    end
  end
  checker:fail(
    "when",
    ("step %s: when names %s, and there is no such param"):format(step.name, step.when),
    "declare it in params"
  )
end

local function is_given(value)
  if type(value) == "table" then return #value > 0 end
  return value ~= nil and value ~= false
end

--- The steps that a run has, and those that it has not.
---@param steps table[] declared
---@param values table<string, any> params
---@return table[] kept numbered anew; what comes after a step that is left out comes after none
---@return table[] left_out { name, when }
function M.split(steps, values)
  local kept, left_out, is_left_out = {}, {}, {}
  for _, step in ipairs(steps) do
    if step.when and not is_given(values[step.when]) then
      left_out[#left_out + 1] = { name = step.name, when = step.when }
      is_left_out[step.name] = true
    else
      local made = {}
      for name, value in pairs(step) do
        made[name] = value
      end
      made.number = #kept + 1
      if is_left_out[step.after] then made.after = nil end
      kept[made.number] = made
    end
  end
  if #kept == 0 then
    errors.raise(
      "usage.steps",
      "no step of the runbook is in this run",
      ("give --%s"):format(params.option_name(left_out[1].when))
    )
  end
  return kept, left_out
end

return M
