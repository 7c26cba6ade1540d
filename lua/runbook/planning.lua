--- The plans of a job: all that can be made at the start, in one snapshot; the others at their turn.
local apply = require("opsh.host.runbook.apply")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_plan = require("opsh.native.plan")
local plan = require("opsh.host.runbook.plan")
local system = require("opsh.native.system")

local _, array = json.metatables()

local M = {}

local function spool_path(job, step) return ("%s/step-%d.plan"):format(job.directory, step.number) end

local function plan_step(job, step, session, request)
  request = request or {}
  job.ctx.planned = figures.new()
  step.spool_path = request.spool or spool_path(job, step)
  local planned = plan.make(step, {
    reader = session,
    ctx = job.ctx,
    scope = job.scope,
    runbook = job.runbook,
    spool = step.spool_path,
    sample = job.sample,
    behind = request.behind,
  })
  if not step.planned then
    step.planned = planned
    job.ctx.planned = planned
    step.summary_figures = plan.summary(step, planned, job.ctx)
  end
  local limit = step.max_failures
  step.failures_allowed = limit.count or math.floor(step.planned.items * limit.percent / 100)
end

--- Plans every step that can be planned now, in one snapshot. Reads only.
function M.all(job)
  system.make_directory(job.directory)
  jobs.reading(job, function(session)
    job.identity = jobs.identify(session)
    job.ledger_version = ledger_reads.is_installed(session)
    if job.runbook.preconditions then job.preconditions = jobs.check(job, job.runbook.preconditions, session) end
    for _, step in ipairs(job.steps) do
      if not step.after then
        step.write_oids = apply.resolve_writes(job, step)
        plan_step(job, step, session)
        -- An apply runs them when the step is done; before, they cost time and judge nothing.
        if not job.id then step.checks_now = jobs.verify(job, step, session) end
      end
    end
  end)
end

--- Whether there is anything to apply; a step that is planned later may have something.
function M.has_work(job)
  for _, step in ipairs(job.steps) do
    if not step.planned or step.planned.items > 0 then return true end
  end
  return false
end

--- What the ledger keeps of a step's plan, as JSON.
function M.record(step)
  local planned = step.planned
  debug.setmetatable(planned.tally, array)
  return json.encode({
    seen = planned.seen,
    items = planned.items,
    skipped = planned.skipped,
    labels = planned.labels,
    totals = planned.totals,
    tally = planned.tally,
    failures_allowed = step.failures_allowed,
  })
end

--- Makes sure that a step has a plan and a spool from where it stands: a later step is planned at its turn, and a spool
--- that is gone or damaged is planned again behind the last key that was worked on.
function M.prepare(job, step, session)
  step.write_oids = step.write_oids or apply.resolve_writes(job, step)
  if not step.planned then
    plan_step(job, step, session)
    job.ledger:record_step(step.number, step.name, M.record(step))
    return
  end
  if step.spool_path then return end
  -- To its end: what is damaged further on must be known before a batch is.
  local ok, err = host.protect(native_plan.check_spool, spool_path(job, step))
  if ok then
    step.spool_path = spool_path(job, step)
    return
  end
  if err.kind == "interrupted" then error(err, 0) end
  local standing = jobs.reading_ledger(
    job,
    function(ledger) return ledger_reads.standing(ledger, job.id, step.number) end
  )
  job.say(
    ("the spooled plan of step %s is gone (%s): planning again behind its last key"):format(step.name, err.message)
  )
  step.spool_begins = standing.position
  plan_step(job, step, session, {
    behind = standing.last_key,
    spool = ("%s/step-%d-from-%d.plan"):format(job.directory, step.number, standing.position),
  })
end

return M
