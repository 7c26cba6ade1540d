--- The checks of a run that was carried out, again, as the database is now.
local checks = require("opsh.host.runbook.checks")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local recorded_script = require("opsh.host.runbook.recorded_script")

local M = {}

local function refuse_unverifiable(record)
  if record.undo_of then
    errors.raise(
      "refused.undo",
      ("run %s takes another run back, and has no checks"):format(record.id),
      ("opsh show %s tells what it did"):format(record.id)
    )
  end
  local undone = ledger_reads.undone(record)
  if not undone then return end
  errors.raise(
    "refused.undone",
    ("run %s is %s, by run %s: what it checked does not hold any more"):format(record.id, undone, record.undone_by),
    ("opsh show %s tells how far that is"):format(record.last_undo)
  )
end

--- Opens a run for its checks: the very script, its recorded params, what was planned and done. Reads only.
---@param place table of workplace.open
---@param id string or the beginning of it
---@param load fun(path: string): table the runbook of a path
---@return table job
function M.open(place, id, load)
  local session = native_db.host_reader(place.target)
  local ok, result = host.protect(function()
    local record, identity = ledger_reads.run(session, id), jobs.identify(session)
    ledger_reads.require_database(record, identity)
    refuse_unverifiable(record)
    local steps = {}
    for _, step in ipairs(ledger_reads.steps(session, record.id)) do
      steps[step.number] = { planned = step.planned, done = ledger_reads.done(session, record.id, step.number) }
    end
    return { record = record, identity = identity, steps = steps }
  end)
  session:close()
  if not ok then error(result, 0) end
  local record = result.record
  local job = jobs.new(recorded_script.load(record, load), place.target, record.params, { sample = 0, recorded = true })
  job.id, job.record, job.identity = record.id, record, result.identity
  for _, step in ipairs(job.steps) do
    local recorded = result.steps[step.number]
    step.was_planned = recorded ~= nil
    step.planned, step.done = figures.new(recorded and recorded.planned), recorded and recorded.done or figures.new()
  end
  return job
end

--- Runs the checks of all steps that the run came to, in one snapshot of now.
---@return boolean passed, table[] steps those with checks; `checks` has their results
function M.round(job)
  local checked, passed = {}, true
  jobs.reading(job, function(session)
    job.ctx.run = job.id
    for _, step in ipairs(job.steps) do
      if step.was_planned and step.verify then
        step.checks = jobs.verify(job, step, session)
        passed = passed and checks.passed(step.checks)
        checked[#checked + 1] = step
      end
    end
  end)
  return passed, checked
end

return M
