--- Going on with a run: what the ledger knows of it, and whether it still is what it was.
local audit = require("opsh.host.runbook.audit")
local audit_files = require("opsh.host.runbook.audit_files")
local budgets = require("opsh.host.runbook.budgets")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local recorded_script = require("opsh.host.runbook.recorded_script")
local system = require("opsh.native.system")

local M = {}

--- Reads a run's record; refuses when the database or the script is not what it was.
function M.reopen(target, id, load)
  local session = native_db.host_reader(target)
  local ok, result = host.protect(function()
    local record = ledger_reads.run(session, id)
    local identity = jobs.identify(session)
    if record.state == "done" then
      errors.raise(
        "refused.done",
        ("run %s is done"):format(record.id),
        ("opsh show %s tells what it did"):format(record.id)
      )
    end
    ledger_reads.require_database(record, identity)
    if ledger_reads.is_typed(record) and record.state ~= "running" then
      errors.raise(
        "refused.done",
        ("run %s is over: nothing of it was committed"):format(record.id),
        ("opsh show %s tells what it did"):format(record.id)
      )
    end
    local undone = ledger_reads.undone(record)
    if undone then
      errors.raise(
        "refused.undone",
        ("run %s is %s, by run %s"):format(record.id, undone, record.undone_by),
        ("opsh show %s tells how far that is"):format(record.last_undo)
      )
    end
    return { record = record, identity = identity }
  end)
  session:close()
  if not ok then error(result, 0) end
  local record = result.record
  -- What it takes back is in the database; and of what was typed at the prompt nothing is left to do.
  if record.undo_of or ledger_reads.is_typed(record) then return result end
  result.runbook = recorded_script.load(record, load)
  return result
end

--- What was done without items, and still stands. That a step was taken back when the database could not be reached
--- only the audit log knows.
local function recall_effects(job)
  local taken_back = {}
  for _, entry in ipairs(audit_files.entries(job.directory .. "/" .. audit.file_name)) do
    local details = entry.details
    if entry.event == "compensated" and details.outcome == "done" then
      taken_back[details.step] = true
    elseif entry.event == "effect begun" and not details.compensates then
      taken_back[details.step] = nil
    end
  end
  for _, step in ipairs(job.steps) do
    local kind = ladder.itemless[step.kind]
    if kind then
      if step.record and taken_back[step.number] then step.record.state = "compensated" end
      step.is_done = kind.stands(step)
    end
  end
end

--- What the ledger knows of the steps. Not before the run is claimed: until then the former opsh may go on, and plan
--- and finish steps.
local function recall(job)
  local record, steps = jobs.reading_ledger(
    job,
    function(session) return ledger_reads.run(session, job.id), ledger_reads.steps(session, job.id) end
  )
  job.epoch, job.incidents = record.epoch, record.incidents
  local by_number = {}
  for _, step in ipairs(job.steps) do
    by_number[step.number] = step
  end
  for _, recorded in ipairs(steps) do
    local step = by_number[recorded.number]
    step.planned = figures.new(recorded.planned)
    step.planned.tally, step.planned.sample, step.planned.columns = recorded.planned.tally, {}, {}
    step.failures_allowed, step.is_done = recorded.planned.failures_allowed or 0, recorded.done
    step.record = recorded.effects
    job.committed = job.committed + recorded.batches
  end
  recall_effects(job)
end

--- Opens the run's log where the former opsh left it, and announces that this one goes on. That opsh's session must be
--- gone, so that what the database has of the log stays.
local function announce(job, circumstances, former)
  local recorded = jobs.reading_ledger(job, function(session) return audit.recorded(session, job.id) end)
  job.audit = audit.open(job.directory, job.id, recorded)
  return audit.run_resumed(job.audit, circumstances, former)
end

--- Goes on with a run from its ledger.
function M.go_on(job, reopened, progress)
  job.id, job.identity = reopened.record.id, reopened.identity
  system.make_directory(job.directory)
  local ok, err = host.protect(function()
    ladder.open(job)
    local circumstances = ladder.circumstances(job, reopened.identity)
    job.ledger:end_former_session(job.id, 1)
    job.ledger:claim(job.id, 1, announce(job, circumstances, reopened.record))
    recall(job)
    budgets.recall(job)
  end)
  if not ok then
    -- The run is as it was, part-way.
    if err.kind:find("^connection") or err.kind == "audit.write" then err.run = job.id end
    error(err, 0)
  end
  ladder.carry_out(job, progress)
end

return M
