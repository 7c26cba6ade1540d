--- One effect that is done: recorded before and after, in the audit log and in the ledger. So it happens at least once:
--- what was begun and not finished when opsh was killed is done again by a resume.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local kinds = require("opsh.host.effects.kinds")
local records = require("opsh.host.effects.records")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local worlds = require("opsh.host.effects.world")

local M = {}

--- Something that went wrong and stops nothing: kept where that is possible.
---@param facts { step?: string, what: string, kind: string, message: string }
function M.incident(job, facts)
  facts.message, facts.at = secrets.redacted(text.printable(facts.message)), system.utc_now()
  job.incidents[#job.incidents + 1] = facts
  job.say(("incident: %s: %s"):format(facts.what, facts.message))
  local noted, head = host.protect(records.incident, job.audit, facts)
  host.protect(
    function() job.ledger:record_incident(json.encode(facts), noted and head or job.audit:head()) end
  )
end

local function to_milliseconds(seconds) return math.floor(seconds * 1000 + 0.5) / 1000 end

--- Writes into the audit log. What takes an effect back is done also when that cannot be written.
local function noted(entry, job, deed)
  if not deed.compensates then return entry(job.audit, deed) end
  local ok, head = host.protect(entry, job.audit, deed)
  return ok and head or nil
end

--- Does what is asked for.
---@param deed table its record: { step, name, number, what, ... }; gets `outcome`, `status`, `seconds` and `error`.
--- Outcomes are "begun", "done", "failed", and "not done" when nothing can have happened
---@param save fun(head: table|nil) keeps the record
---@return any answer
function M.perform(job, request, deed, save)
  local kind, world = kinds.of(request), worlds.of(job)
  deed.outcome = "begun"
  save(noted(records.effect_begun, job, deed))
  -- While something is done elsewhere, no snapshot holds locks and old rows: what is done may be a migration.
  if job.state.session then job.state.session:rest() end
  local began = system.clock()
  job.deed = deed
  local ok, answer, facts = host.attempt(kind.perform, request, world)
  -- It stays "begun": nobody knows how far it came.
  if not ok and answer.kind == "interrupted" then error(answer, 0) end
  job.deed = nil
  deed.seconds = to_milliseconds(system.clock() - began)
  deed.outcome = ok and "done" or kind.not_done[answer.kind] and "not done" or "failed"
  deed.status, deed.error = (ok and facts or answer).status, not ok and answer.kind or nil
  save(noted(records.effect_finished, job, deed))
  if ok then return answer end
  if not request.best_effort then error(answer, 0) end
  M.incident(job, { step = deed.name, what = deed.what, kind = answer.kind, message = answer.message })
end

--- Keeps the record of a step that has no items.
function M.save(job, step, head)
  job.ledger:record_effects(step.number, 0, json.encode(step.record), head or job.audit:head())
end

--- What does the effects of the step that `job.doing` names: { step, deeds, compensates?, save }.
function M.doing(job)
  return function(request)
    local doing = job.doing
    if not doing then errors.raise("internal", "an effect was asked for outside of a step") end
    local deed = {
      step = doing.step and doing.step.number or 0,
      name = doing.step and doing.step.name or "finally",
      number = #doing.deeds + 1,
      what = secrets.redacted(kinds.of(request).describe(request)),
      compensates = doing.compensates,
      again = doing.again,
    }
    doing.deeds[deed.number] = deed
    return M.perform(job, request, deed, doing.save)
  end
end

return M
