--- What a person ticks after a deploy, ticked by what is known: backup, steps, checks, answers, and whether it can be
--- taken back.
local shape = require("opsh.host.report.shape")

local M = {}

local null, there = shape.null, shape.there

-- Of outcomes of checks.
local states_of_checks = { pass = "yes", fail = "no", error = "no", skip = "none" }

local function backup_state(facts)
  local backup = facts.backup
  -- What was rehearsed was restored.
  if there(facts.rehearsal) then return facts.rehearsal.restore.equal == false and "no" or "yes" end
  if backup.outcome == "accepted" then return "yes" end
  if backup.outcome == "exempt" or backup.outcome == "asked" then return "none" end
  return "no"
end

--- A step with items is done when all that was planned is; what was typed at the prompt was not planned.
local function items_state(step, is_plan)
  if is_plan or not there(step.done) then return "open" end
  local done = step.done
  local whole = there(step.planned) and done.items >= step.planned.items and done.failed == 0
  return whole and "yes" or step.finished == false and "open" or "no"
end

local function step_state(step, is_plan)
  if step.kind == "manual" then
    local answer = step.manual.answer
    return answer == "yes" and "yes" or answer == "no" and "no" or "open"
  elseif step.kind == "effect" then
    local state = step.effects.state
    return state == "done" and "yes" or there(state) and "no" or "open"
  end
  return items_state(step, is_plan)
end

--- Whether `opsh undo` takes all of it back.
local function undo_state(facts)
  local journaled = true
  for _, step in ipairs(facts.steps) do
    if there(step.schema) then
      journaled = journaled and step.schema.undo
    elseif step.kind == "items" then
      journaled = journaled and step.journaled
    end
  end
  return journaled and "yes" or "no"
end

local function figures_of(step)
  if step.kind ~= "items" or not there(step.planned) then return null, null end
  return step.planned.items, there(step.done) and step.done.items or null
end

--- The list. `state`: "yes" and "no", "open" for what has not come to it, "none" for what is not judged.
---@param facts table made so far: rung, backup, steps, audit
---@return { what: string, name: any, state: string, expected: any, found: any }[]
function M.of(facts)
  local list = {}
  local function add(what, name, state, expected, found)
    list[#list + 1] = setmetatable(
      { what = what, name = name, state = state, expected = expected, found = found },
      { __columns = { "what", "name", "state", "expected", "found" } }
    )
  end
  local function add_checks(results)
    for _, result in ipairs(results) do
      add("check", result.name, states_of_checks[result.outcome], result.expected, result.found)
    end
  end
  if there(facts.backup) then add("backup", facts.backup.level, backup_state(facts), null, null) end
  add_checks(facts.preconditions)
  local is_plan = facts.rung == "plan" or facts.rung == "verify"
  for _, step in ipairs(facts.steps) do
    local what = there(step.schema) and "schema" or step.kind
    local planned, done = figures_of(step)
    if facts.rung ~= "verify" then add(what, step.name, step_state(step, is_plan), planned, done) end
    add_checks(step.checks)
  end
  if facts.rung == "apply" then add("undo", null, undo_state(facts), null, null) end
  if there(facts.audit) then
    local verdicts = { good = "yes", bad = "no", ["not judged"] = "none" }
    add("audit", null, verdicts[facts.audit.verdict], null, null)
  end
  return shape.list(list)
end

return M
