--- When a run fails or is interrupted: what its effect steps declared to take them back, the last one first.
local deeds = require("opsh.host.effects.deeds")
local effect_steps = require("opsh.host.effects.effect_steps")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")

local M = {}

--- After these the run is not over, or not this opsh's.
local function goes_on(err) return err.kind == "run.taken_over" or err.kind:find("^manual") ~= nil end

local function failure(err, failed)
  local names, hands = {}, {}
  for at, one in ipairs(failed) do
    names[at] = ("%s (%s)"):format(one.step.name, one.err.message)
    hands[at] = one.by_hand
  end
  local made = errors.of({ kind = "in_doubt.compensation", message = "" })
  made.message = ("%s; and it could not be taken back: %s"):format(err.message, table.concat(names, "; "))
  made.hint = ("still on: %s. By hand: %s"):format(
    table.concat(names, "; "):gsub(" %(.-%)", ""),
    #hands > 0 and table.concat(hands, "; ") or "see the runbook"
  )
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

M.failure, M.goes_on = failure, goes_on

return M
