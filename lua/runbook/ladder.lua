--- The rungs that write: apply, and going on with a run. What a rung may do is decided by the sessions that it opens.
local apply = require("opsh.host.runbook.apply")
local audit = require("opsh.host.runbook.audit")
local compensation = require("opsh.host.effects.compensation")
local checks = require("opsh.host.runbook.checks")
local digest = require("opsh.native.digest")
local drift = require("opsh.host.runbook.drift")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local finally = require("opsh.host.effects.finally")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local native_journal = require("opsh.native.journal")
local planning = require("opsh.host.runbook.planning")
local reading = require("opsh.host.runbook.reading")
local report_files = require("opsh.host.report.files")
local system = require("opsh.native.system")

local M = {}

-- What does steps without items, and whether one of them is done.
local itemless = {
  effect = require("opsh.host.effects.effect_steps"),
  manual = require("opsh.host.runbook.manual_steps"),
}

M.itemless = itemless

--- Refuses when a precondition is not met.
function M.refuse_unmet(job)
  if not job.preconditions or checks.passed(job.preconditions) then return end
  for _, result in ipairs(job.preconditions) do
    if result.outcome ~= "pass" then
      errors.raise(
        "precondition.failed",
        ("precondition not met: %s%s"):format(result.name, result.message and (": " .. result.message) or ""),
        "nothing was written"
      )
    end
  end
end

--- Sorts by time, and can be typed.
function M.new_run_id() return os.date("!%Y%m%d-%H%M%S") .. "-" .. digest.random_hex(2) end

--- A plan read from one database must not be applied to another. Returns what the login that writes says of it.
local function require_same_database(job)
  if not job.target.reader then return job.identity end
  local session = native_db.host_reader(job.target)
  local there = jobs.identify(session)
  session:close()
  if there.system_identifier == job.identity.system_identifier and there.database_oid == job.identity.database_oid then
    return there
  end
  errors.raise(
    "refused.target",
    ("the target's reader is database %s, its connect is database %s of another server or place"):format(
      job.identity.database,
      there.database
    ),
    "let both lead to the same database in opsh.config.lua"
  )
end

--- Opens the write session; the first one in a database makes the schema opsh.
function M.open(job)
  job.open_ledger = function() return native_journal.ledger(job.target) end
  job.ledger = job.open_ledger()
  local ok, err = host.protect(function() job.ledger:install("opsh " .. host.version()) end)
  if ok then return end
  -- Without a ledger there is no run that could be gone on with.
  job.ledger:close()
  job.ledger = nil
  if err.sqlstate == "42P06" then
    err.kind, err.message = "refused.ledger", "this database has a schema opsh that is not opsh's ledger"
    err.hint = "rename it, or drop it if nobody needs it: the ledger, the journal and undo live there"
  elseif err.kind == "permission.denied" then
    err.message = "the schema opsh, where the ledger lives, cannot be created: " .. err.message
    err.hint = "let the database's owner run what opsh schema prints, and grant this role its use"
  end
  error(err, 0)
end

--- Who works on this job, why and with what, for its audit log.
---@param identity table of the login that writes
function M.circumstances(job, identity)
  local made = audit.circumstances({
    command = job.command,
    reason = job.reason,
    script = job.runbook and job.runbook.real_path,
    target = job.target,
    identity = identity,
  })
  job.git = made.git
  return made
end

--- The plans of the steps that have one, as the ledger and the audit log keep them.
local function planned_records(job)
  local records = {}
  for _, step in ipairs(job.steps) do
    if step.planned then records[#records + 1] = planning.record(step) end
  end
  return records
end

--- Announces what begins and what it is going to do, before anything is written.
---@param started function of the audit log: run_started or simulation_started
---@return table[] records the plans of the steps
---@return table head of the log
function M.announce(job, started)
  -- From here on who works is the login that writes.
  job.identity = require_same_database(job)
  local records, log = planned_records(job), audit.open(job.directory, job.id)
  started(log, M.circumstances(job, job.identity), {
    title = job.runbook.title,
    script = job.runbook.real_path,
    sources = job.runbook.sources,
    sha256 = job.runbook.sha256,
    params = job.params,
    preconditions = job.preconditions,
    reading = reading.recorded(job),
    undo_of = job.undo_of,
    backup = job.backup,
  })
  job.audit = log
  return records, audit.planned(log, records, drift.audit_facts(job))
end

--- Announces it, and makes its run in the ledger.
function M.start(job)
  local records, head = M.announce(job, audit.run_started)
  if job.before_first_write then job.before_first_write() end
  M.open(job)
  -- Before it is fenced out: it may be inside its last batch.
  if job.undo_of then job.ledger:end_former_session(job.undo_of, 1) end
  job.ledger:start({
    id = job.id,
    runbook = job.runbook.real_path,
    title = job.runbook.title,
    operator = system.user() .. "@" .. system.host(),
    version = host.version(),
    sources = json.encode(job.runbook.sources),
    params = json.encode(job.params),
    reason = job.reason,
    undo_of = job.undo_of,
    undone_before = job.undone_before,
    target = json.encode({
      system_identifier = job.identity.system_identifier,
      database_oid = job.identity.database_oid,
      database = job.identity.database,
      name = job.target.name, -- of opsh.config.lua: tenants may be schemas of one database
    }),
  }, head)
  job.epoch = 1
  for _, record in ipairs(records) do
    job.ledger:record_step(record, head)
  end
end

local function ledger_done(job, step)
  return jobs.reading_ledger(job, function(session) return ledger_reads.done(session, job.id, step.number) end)
end

local function finish_checks(job, step)
  if not step.verify then
    step.checks = {}
    return
  end
  jobs.reading(job, function(session)
    if not step.atomic or not step.checks then step.checks = jobs.verify(job, step, session) end
  end)
  if #step.checks > 0 then audit.checked(job.audit, step, step.checks) end
  if checks.passed(step.checks) then return end
  errors.raise(
    "check.failed",
    ("step %s is done, and its checks did not pass"):format(step.name),
    "the checks show what is wrong; after mending it, this verifies again: " .. job.resume
  )
end

local function prepare(job, step)
  job.state.session = jobs.open_reader(job)
  local ok, err = host.protect(planning.prepare, job, step, job.state.session)
  if not ok then
    job.state.session:close()
    job.state.session = nil
    error(jobs.explain_denied(job, err), 0)
  end
  job.ctx.planned, job.ctx.done, job.ctx.run = step.planned, figures.new(), job.id
end

local function work_on(job, step, progress)
  local began = system.clock()
  audit.step_started(job.audit, step)
  local without_items = itemless[step.kind]
  if not job.undo_of and not without_items then prepare(job, step) end
  local shown = progress(step)
  local work = job.work_on or without_items and without_items.work or apply.step
  local worked, failure = host.protect(work, job, step, shown)
  shown.finish()
  if not worked then
    -- Of an atomic step they were inside what is rolled back.
    if step.checks then host.protect(audit.checked, job.audit, step, step.checks) end
    error(failure, 0)
  end
  step.done = ledger_done(job, step)
  job.ledger:finish_step(
    step.number,
    audit.step_finished(job.audit, step, step.done, system.clock() - began)
  )
end

--- A rehearsal does nothing beyond its scratch database, and so nothing of what depends on that.
local function leave_out(step)
  step.left_out, step.done, step.checks = true, figures.new(), {}
  step.done.batches = 0
end

local function work_through(job, progress)
  if job.undo_of then job.settle_steps(job) end
  for _, step in ipairs(job.steps) do
    if not job.undo_of and itemless.effect.lacks_effect(job, step) then
      leave_out(step)
    else
      if not step.is_done then work_on(job, step, progress) end
      step.done = step.done or ledger_done(job, step)
      report_files.finish(job, step)
      finish_checks(job, step)
    end
  end
end

--- Whoever takes a run over ends the session of the opsh before, which then sees no more than a lost connection.
--- Returns whether the ledger could be asked.
local function explain_loss(job, err)
  -- A session that nobody answers on is found out late; opening one has a limit of its own.
  jobs.drop_ledger_session(job)
  -- It first waits until that session is gone, and then writes that the run is its own.
  for _ = 1, 4 do
    local ok, record = host.protect(
      jobs.reading_ledger,
      job,
      function(session) return ledger_reads.run(session, job.id) end
    )
    if not ok then return false end
    if record.epoch ~= job.epoch then
      err.kind, err.detail = "run.taken_over", err.message
      err.message = ("another opsh has taken over run %s"):format(job.id)
      err.hint = ("opsh show %s tells how far it is"):format(job.id)
      return true
    end
    system.sleep(0.05)
  end
  return true
end

--- Whether the ledger can be asked after this error, found out once: a network that swallows everything costs ten
--- seconds each time.
local function can_reach(job, err)
  if err.kind == "in_doubt" then return false end
  if job.reached == nil and err.kind:find("^connection") then job.reached = explain_loss(job, err) end
  return job.reached ~= false
end

local states = { ["check.failed"] = "check_failed", ["check.answer"] = "check_failed" }

--- Whether a run has left something behind that a resume goes on from, or an undo takes back.
local function is_part_way(job, err)
  return job.committed > 0 or job.begun or err.kind:find("^manual") ~= nil or itemless.effect.any(job)
end

--- The state that a run is left in by an error.
local function state_after(job, err)
  return states[err.kind] or states[err.cause] or (is_part_way(job, err) and "stopped" or "failed")
end

--- Records the state that a run is left in by an error, and says what the person can do.
function M.stop(job, err)
  local reached, lost = can_reach(job, err), err.kind:find("^connection") ~= nil
  if lost or err.kind == "in_doubt" or err.kind == "run.taken_over" or is_part_way(job, err) then err.run = job.id end
  local state = state_after(job, err)
  for _, step in ipairs(job.steps) do
    -- For the report; where the ledger cannot be read now, the report says nothing of it.
    if reached and step.planned and not step.done then
      reached = host.protect(function() step.done = ledger_done(job, step) end)
    end
  end
  if err.kind == "run.taken_over" then return end
  local told = err.kind ~= "in_doubt" and not lost
  local ok, head = host.protect(audit.run_stopped, job.audit, told and state or nil, err, system.clock() - job.began)
  if not told then return end
  -- Also where the log cannot be written, which may be why the run stops: then with the head of what is in it.
  host.protect(function() job.ledger:set_state(state, err.message, true, ok and head or job.audit:head()) end)
end

--- Records that all its steps are done.
function M.finish(job)
  local totals = { items = 0, skipped = 0, rejected = 0, failed = 0, batches = 0 }
  for _, step in ipairs(job.steps) do
    for name in pairs(totals) do
      totals[name] = totals[name] + step.done[name]
    end
  end
  if job.rehearsed then job.rehearsed.took = system.clock() - job.started end
  local head = audit.run_finished(job.audit, totals, system.clock() - job.began, job.rehearsed)
  job.ledger:set_state("done", nil, true, head)
end

--- Works, and leaves the run in a state that says how it ended.
function M.carry_out(job, progress)
  system.on_second_interrupt(
    4,
    ("\nopsh: stopped at once; what was committed stays. Go on with: %s\n"):format(job.resume)
  )
  jobs.keep_ledger_session(job)
  local ok, err = host.protect(work_through, job, progress)
  if not ok then
    -- Whoever has taken the run over goes on with its effects too.
    can_reach(job, err)
    err = compensation.after(job, err)
  end
  if ok or not compensation.goes_on(err) then finally.work(job, ok and "done" or state_after(job, err)) end
  if ok then
    ok, err = host.protect(M.finish, job)
  end
  if not ok then M.stop(job, err) end
  jobs.drop_ledger_session(job)
  job.ledger:close()
  if ok then return end
  error(err, 0)
end

--- Applies what was planned.
---@param progress fun(step: table): { advance: fun(items: integer) }
function M.apply(job, progress)
  job.started = system.clock()
  M.refuse_unmet(job)
  local ok, err = host.protect(M.start, job)
  if not ok then
    if job.epoch then
      M.stop(job, err)
    elseif job.audit then
      host.protect(audit.run_stopped, job.audit, "failed", err, system.clock() - job.began)
    end
    error(err, 0)
  end
  M.carry_out(job, progress)
end

--- Verifies a job that has nothing to apply.
function M.verify_idle(job)
  jobs.reading(job, function(session)
    for _, step in ipairs(job.steps) do
      step.done = figures.new({ rejected = step.planned.rejected })
      step.checks = jobs.verify(job, step, session)
    end
  end)
end

return M
