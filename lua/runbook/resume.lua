--- Going on with a run: what the ledger knows of it, and whether it still is what it was.
local audit = require("opsh.host.runbook.audit")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local system = require("opsh.native.system")

local M = {}

--- Reads a run's record; refuses when the database or the script is not what it was.
function M.reopen(target, id, load)
  local session = native_db.reader(target)
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
    if
      identity.system_identifier ~= record.target.system_identifier
      or identity.database_oid ~= record.target.database_oid
    then
      errors.raise(
        "refused.target",
        ("run %s was started on another database than %s"):format(record.id, identity.database),
        "a restored or copied database is another one: plan and apply there anew"
      )
    end
    return { record = record, identity = identity }
  end)
  session:close()
  if not ok then error(result, 0) end
  local record = result.record
  result.runbook = load(record.runbook)
  for path, sha256 in pairs(record.sources) do
    if result.runbook.sources[path] ~= sha256 then
      errors.raise(
        "refused.script",
        ("%s has changed since run %s was started"):format(path, record.id),
        "put back the version that the run was started with, or plan and apply anew"
      )
    end
  end
  for path in pairs(result.runbook.sources) do
    if not record.sources[path] then
      errors.raise(
        "refused.script",
        ("%s was not part of run %s"):format(path, record.id),
        "put back the version that the run was started with"
      )
    end
  end
  return result
end

--- What the ledger knows of the steps. Not before the run is claimed: until then the former opsh may go on, and plan
--- and finish steps.
local function recall(job)
  local record, steps = jobs.reading_ledger(
    job,
    function(session) return ledger_reads.run(session, job.id), ledger_reads.steps(session, job.id) end
  )
  job.epoch = record.epoch
  for _, recorded in ipairs(steps) do
    local step = job.steps[recorded.number]
    step.planned = figures.new(recorded.planned)
    step.planned.tally, step.planned.sample, step.planned.columns = recorded.planned.tally, {}, {}
    step.failures_allowed, step.is_done = recorded.planned.failures_allowed or 0, recorded.done
    job.committed = job.committed + recorded.batches
  end
end

--- Opens the run's log where the former opsh left it, and announces that this one goes on. That opsh's session must be
--- gone, so that what the database has of the log stays.
local function announce(job, reopened)
  local recorded = jobs.reading_ledger(job, function(session) return audit.recorded(session, job.id) end)
  job.audit = audit.open(job.directory, job.id, recorded)
  return audit.run_resumed(job.audit, {
    command = job.command,
    reason = job.reason,
    script = reopened.runbook.real_path,
    former = reopened.record,
    target = job.target,
    identity = reopened.identity,
  })
end

--- Goes on with a run from its ledger.
function M.go_on(job, reopened, progress)
  job.id, job.identity = reopened.record.id, reopened.identity
  system.make_directory(job.directory)
  local ok, err = host.protect(function()
    ladder.open(job)
    job.ledger:end_former_session(job.id, 1)
    job.ledger:claim(job.id, 1, announce(job, reopened))
    recall(job)
  end)
  if not ok then
    -- The run is as it was, part-way.
    if err.kind:find("^connection") or err.kind == "audit.write" then err.run = job.id end
    error(err, 0)
  end
  ladder.carry_out(job, progress)
end

return M
