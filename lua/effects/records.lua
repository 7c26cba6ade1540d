--- What the audit log says of what is done beyond the database, and of what a person answered: as runbook/audit.lua.
local audit = require("opsh.host.runbook.audit")

local M = {}

--- An effect that is about to happen.
---@param deed table of effects/deeds.lua
function M.effect_begun(log, deed)
  return log:append("effect begun", {
    step = deed.step,
    name = deed.name,
    batch = deed.batch,
    number = deed.number,
    what = deed.what,
    compensates = deed.compensates,
    again = deed.again,
  })
end

--- What became of it.
function M.effect_finished(log, deed)
  return log:append("effect finished", {
    step = deed.step,
    name = deed.name,
    batch = deed.batch,
    number = deed.number,
    what = deed.what,
    compensates = deed.compensates,
    outcome = deed.outcome,
    status = deed.status,
    error = deed.error,
    seconds = deed.seconds,
  })
end

--- A step that was taken back, or could not be.
---@param result { ok: boolean, err?: table }
function M.compensated(log, step, result, seconds)
  return log:append("compensated", {
    step = step.number,
    name = step.name,
    outcome = result.ok and "done" or "failed",
    error = result.err and audit.error_facts(result.err) or nil,
    seconds = math.floor(seconds * 1000 + 0.5) / 1000,
  })
end

--- Something that went wrong and stops nothing.
---@param facts { step?: string, what: string, kind: string }
function M.incident(log, facts)
  return log:append("incident", { name = facts.step, what = facts.what, kind = facts.kind })
end

--- What a person answered.
---@param record table of manual_steps.lua
function M.answered(log, step, record)
  local evidence = record.evidence
  return log:append("answered", {
    step = step.number,
    name = step.name,
    question = record.question,
    answer = record.answer,
    note = record.note,
    how = record.how,
    by = record.by,
    evidence = evidence and { name = evidence.name, sha256 = evidence.sha256, bytes = evidence.bytes } or nil,
  })
end

return M
