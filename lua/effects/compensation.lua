--- When a run fails or is interrupted: what its effect steps declared to take them back, the last one first.
local deeds = require("opsh.host.effects.deeds")
local effect_steps = require("opsh.host.effects.effect_steps")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")

local M = {}

--- After these the run is not over, or not this opsh's.
local function goes_on(err) return err.kind == "run.taken_over" or err.kind:find("^manual") ~= nil end

--- What is still on, and what a person would do about it.
local function still_on(failed)
  local names, hands = {}, {}
  for at, one in ipairs(failed) do
    names[at] = one.step.name
    if one.by_hand ~= "" then hands[#hands + 1] = one.by_hand end
  end
  return ("still on: %s. By hand: %s"):format(
    table.concat(names, "; "),
    #hands > 0 and table.concat(hands, "; ") or "see the runbook"
  )
end

local function failure(err, failed)
  local names = {}
  for at, one in ipairs(failed) do
    names[at] = ("%s (%s)"):format(one.step.name, one.err.message)
  end
  local made = errors.of({ kind = "in_doubt.compensation", message = "" })
  made.message = ("%s; and it could not be taken back: %s"):format(err.message, table.concat(names, "; "))
  made.hint = still_on(failed)
  made.where, made.sqlstate, made.batch, made.traceback = err.where, err.sqlstate, err.batch, err.traceback
  made.cause = err.kind
  return made
end

--- Takes back what is in effect.
---@return table[] failed { step, err, by_hand }
local function take_back(job)
  local failed = {}
  local function saved(step)
    return function(head) deeds.save(job, step, head) end
  end
  for _, step in ipairs(effect_steps.on(job)) do
    job.say(("taking back: %s"):format(step.name))
    local ok, err = host.shielded(effect_steps.compensate, job, step, saved(step))
    job.compensations[#job.compensations + 1] = { step = step.name, outcome = ok and "done" or "failed", err = err }
    if not ok then failed[#failed + 1] = { step = step, err = err, by_hand = effect_steps.by_hand(job, step) } end
  end
  return failed
end

--- What a failed run is left with.
---@param err table why it failed
---@return table err
function M.after(job, err)
  if not job.hands or not job.hands.acts or goes_on(err) then return err end
  local failed = take_back(job)
  return #failed > 0 and failure(err, failed) or err
end

--- What an undo ends with that cannot take a step back.
---@param failed { step: table, err: table, by_hand: string }
---@return table err
function M.undo_failure(failed)
  local made = errors.of({ kind = "in_doubt.compensation", message = "" })
  made.message = ("step %s could not be taken back: %s"):format(failed.step.name, failed.err.message)
  made.hint = still_on({ failed })
  made.where, made.traceback, made.cause = failed.err.where, failed.err.traceback, failed.err.kind
  return made
end

M.goes_on = goes_on

return M
