--- The rungs: plan, apply, resume. A job is one runbook with its parameters on one target; the same code plans on every
--- rung, and what a rung may do is decided by the sessions that it opens.
local apply = require("opsh.host.runbook.apply")
local checks = require("opsh.host.runbook.checks")
local digest = require("opsh.native.digest")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local handles = require("opsh.host.runbook.handles")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local native_journal = require("opsh.native.journal")
local params = require("opsh.host.runbook.params")
local plan = require("opsh.host.runbook.plan")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local function params_for_lua(declared, values)
  local names = {}
  for at, param in ipairs(declared) do
    names[at] = param.name
  end
  return setmetatable(values, {
    __index = function(_, name)
      for _, known in ipairs(names) do
        if known == name then return nil end
      end
      local meant = text.nearest(tostring(name), names)
      errors.raise(
        "script.param",
        ("the runbook declares no param %s"):format(tostring(name)),
        meant and ("did you mean %s?"):format(meant) or "add it to params"
      )
    end,
    __metatable = "opsh.params",
  })
end

--- A job, nothing opened yet.
---@param runbook table loaded and checked
---@param target table { conninfo, reader_conninfo, ... }
---@param given table<string, string[]> parameters as texts
---@param options { directory: string, sample: integer }
function M.job(runbook, target, given, options)
  local values, scope, texts = params.values(runbook.params, given)
  local state = { scope = scope }
  local job = {
    runbook = runbook,
    target = target,
    params = texts,
    scope = scope,
    state = state,
    steps = {},
    failures_left = {},
    directory = options.directory,
    sample = options.sample,
    committed = 0,
  }
  job.ctx = handles.context(state, {
    params = params_for_lua(runbook.params, values),
    planned = figures.new(),
    done = figures.new(),
  })
  for number, step in ipairs(runbook.steps) do
    local made = {}
    for name, value in pairs(step) do
      made[name] = value
    end
    made.label_column = type(step.classify) == "string" and step.classify or step.classify and "label" or nil
    job.steps[number] = made
  end
  return job
end

local function open_reader(job)
  local options = {}
  for name, value in pairs(job.target) do
    options[name] = value
  end
  options.conninfo = job.target.reader or job.target.conninfo
  return native_db.reader(options)
end

--- Opens a read session for `ctx`, with a snapshot of its own, and closes it whatever happens.
local function reading(job, work)
  local session = open_reader(job)
  job.state.session = session
  local results = { host.protect(work, session) }
  job.state.session = nil
  session:close()
  if not results[1] then error(results[2], 0) end
  return unpack(results, 2, table.maxn(results))
end

local function guarded_query(session)
  return function(work, ...)
    session:savepoint()
    local results = { host.protect(work, ...) }
    session:rollback_to_savepoint()
    return unpack(results, 1, table.maxn(results))
  end
end

local function verify(job, step, session)
  if not step.verify then return {} end
  job.ctx.planned, job.ctx.done = step.planned, step.done or figures.new()
  return checks.run(step.verify, job.ctx, guarded_query(session))
end

--- Which database this is: by what the server says of itself, not by how it was reached.
local function identify(session)
  return session:read(
    [[
    select c.system_identifier::pg_catalog.text as system_identifier, d.oid::pg_catalog.text as database_oid,
           d.datname::pg_catalog.text as database, current_user::pg_catalog.text as "user",
           pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) as server_version
    from pg_catalog.pg_control_system() as c, pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database()]]
  )[1]
end

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
function M.plan(job)
  system.make_directory(job.directory)
  reading(job, function(session)
    job.identity = identify(session)
    job.ledger_version = ledger_reads.exists(session)
    if job.runbook.preconditions then
      job.preconditions = checks.run(job.runbook.preconditions, job.ctx, guarded_query(session))
    end
    for _, step in ipairs(job.steps) do
      if not step.after then
        step.write_oids = apply.resolve_writes(job, step)
        plan_step(job, step, session)
        step.checks_now = verify(job, step, session)
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

local function refuse_unmet(job)
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

local function planned_record(step)
  local planned = step.planned
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

local function open_ledger(job)
  return function() return native_journal.ledger(job.target) end
end

local function new_run_id() return os.date("!%Y%m%d-%H%M%S") .. "-" .. digest.random_hex(2) end

M.new_run_id = new_run_id

--- A plan read from one database must not be applied to another.
local function require_same_database(job)
  if not job.target.reader then return end
  local session = native_db.reader(job.target)
  local there = identify(session)
  session:close()
  if there.system_identifier == job.identity.system_identifier and there.database_oid == job.identity.database_oid then
    return
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

local function open(job)
  job.open_ledger = open_ledger(job)
  job.ledger = job.open_ledger()
  local ok, err = host.protect(function() job.ledger:install("opsh " .. host.version()) end)
  if ok then return end
  if err.kind == "permission.denied" then
    err.message = "the schema opsh, where the ledger lives, cannot be created: " .. err.message
    err.hint = "let the database's owner run what opsh schema prints, and grant this role its use"
  end
  error(err, 0)
end

local function start(job)
  require_same_database(job)
  open(job)
  job.ledger:start({
    id = job.id,
    runbook = job.runbook.real_path,
    title = job.runbook.title,
    operator = system.user() .. "@" .. system.host(),
    version = host.version(),
    sources = json.encode(job.runbook.sources),
    params = json.encode(job.params),
    target = json.encode({
      system_identifier = job.identity.system_identifier,
      database_oid = job.identity.database_oid,
      database = job.identity.database,
    }),
  })
  for _, step in ipairs(job.steps) do
    if step.planned then job.ledger:record_step(step.number, step.name, planned_record(step)) end
  end
end

--- Makes sure that a step has a plan and a spool from where it stands: a later step is planned at its turn, and a spool
--- that is gone or damaged is planned again behind the last key that was worked on.
local function prepare(job, step, session)
  step.write_oids = step.write_oids or apply.resolve_writes(job, step)
  if not step.planned then
    plan_step(job, step, session)
    job.ledger:record_step(step.number, step.name, planned_record(step))
    return
  end
  if step.spool_path then return end
  local ok, err = host.protect(function()
    -- Read to its end: what is damaged further on must be known before a batch is.
    local spool = require("opsh.native.plan").spool(spool_path(job, step), 0, step.key)
    while spool:take(10000) do end
  end)
  if ok then
    step.spool_path = spool_path(job, step)
    return
  end
  if err.kind == "interrupted" then error(err, 0) end
  local standing = ledger_reads.standing(session, job.id, step.number)
  job.say(
    ("the spooled plan of step %s is gone (%s): planning again behind its last key"):format(step.name, err.message)
  )
  step.spool_begins = standing.position
  plan_step(
    job,
    step,
    session,
    {
      behind = standing.last_key,
      spool = ("%s/step-%d-from-%d.plan"):format(job.directory, step.number, standing.position),
    }
  )
end

local function finish_checks(job, step)
  reading(job, function(session)
    step.done = ledger_reads.done(session, job.id, step.number)
    if not step.atomic or not step.checks then step.checks = verify(job, step, session) end
  end)
  if checks.passed(step.checks) then return end
  errors.raise(
    "check.failed",
    ("step %s is done, and its checks did not pass"):format(step.name),
    ("the checks show what is wrong; after mending it, opsh resume %s verifies again"):format(job.id)
  )
end

local function work_through(job, progress)
  for _, step in ipairs(job.steps) do
    if not step.is_done then
      job.state.session = open_reader(job)
      local ok, err = host.protect(prepare, job, step, job.state.session)
      if not ok then
        job.state.session:close()
        job.state.session = nil
        error(err, 0)
      end
      job.ctx.planned, job.ctx.done, job.ctx.run = step.planned, figures.new(), job.id
      apply.step(job, step, progress(step))
      job.ledger:finish_step(step.number)
    end
    finish_checks(job, step)
  end
end

--- The state that a run is left in by an error, and what the person can do.
local function stop(job, err)
  local written = job.committed > 0
  if err.kind:find("^connection") or err.kind == "in_doubt" or written then err.run = job.id end
  local states = { ["check.failed"] = "check_failed" }
  local state = states[err.kind] or (written and "stopped" or "failed")
  if err.kind ~= "in_doubt" and not err.kind:find("^connection") and err.kind ~= "run.taken_over" then
    host.protect(function() job.ledger:set_state(state, err.message, true) end)
  end
end

--- Works, and leaves the run in a state that says how it ended.
local function carry_out(job, progress)
  system.on_second_interrupt(
    4,
    ("\nopsh: stopped at once; what was committed stays. Go on with: opsh resume %s\n"):format(job.id)
  )
  local ok, err = host.protect(work_through, job, progress)
  if ok then
    ok, err = host.protect(function() job.ledger:set_state("done", nil, true) end)
  end
  if not ok then stop(job, err) end
  job.ledger:close()
  if ok then return end
  error(err, 0)
end

--- Applies what was planned.
---@param progress fun(step: table): { advance: fun(items: integer) }
function M.apply(job, progress)
  refuse_unmet(job)
  start(job)
  carry_out(job, progress)
end

--- Verifies a job that has nothing to apply.
function M.verify_idle(job)
  reading(job, function(session)
    for _, step in ipairs(job.steps) do
      step.done = figures.new()
      step.checks = verify(job, step, session)
    end
  end)
end

--- Reads a run's record; refuses when the database or the script is not what it was.
function M.reopen(target, id, load)
  local session = native_db.reader(target)
  local ok, result = host.protect(function()
    local record = ledger_reads.run(session, id)
    local identity = identify(session)
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
    return { record = record, identity = identity, steps = ledger_reads.steps(session, record.id) }
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

--- Goes on with a run from its ledger.
function M.resume(job, reopened, progress)
  job.id, job.identity = reopened.record.id, reopened.identity
  system.make_directory(job.directory)
  for _, recorded in ipairs(reopened.steps) do
    local step = job.steps[recorded.number]
    step.planned = figures.new(recorded.planned)
    step.planned.tally, step.planned.sample, step.planned.columns = recorded.planned.tally, {}, {}
    step.failures_allowed, step.is_done = recorded.planned.failures_allowed or 0, recorded.done
    job.committed = job.committed + recorded.batches
  end
  open(job)
  job.ledger:claim(job.id, 1)
  carry_out(job, progress)
end

return M
