--- The plans of a job: all that can be made at the start, in one snapshot; the others at their turn.
local apply = require("opsh.host.runbook.apply")
local audit = require("opsh.host.runbook.audit")
local budgets = require("opsh.host.runbook.budgets")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local finally = require("opsh.host.effects.finally")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_plan = require("opsh.native.plan")
local plan = require("opsh.host.runbook.plan")
local plans = require("opsh.host.runbook.plans")
local reading = require("opsh.host.runbook.reading")
local report = require("opsh.host.report.declared")
local schema_steps = require("opsh.host.runbook.schema_steps")
local system = require("opsh.native.system")
local unindexed = require("opsh.host.runbook.unindexed")

local _, array = json.metatables()

-- So many items of a schema step are shown, whatever the sample.
local most_definitions = 1000

local M = {}

-- What is said of steps without items instead of a plan.
local itemless = {
  effect = require("opsh.host.effects.effect_steps").foretell,
  manual = require("opsh.host.runbook.manual_steps").foretell,
}

local function plan_step(job, step, session, request)
  request = request or {}
  job.ctx.planned = figures.new()
  step.spool_path = request.spool or plans.spool_path(job.directory, step)
  local planned = plan.make(step, {
    reader = session,
    ctx = job.ctx,
    scope = job.scope,
    runbook = job.runbook,
    spool = step.spool_path,
    rejections = plans.rejections_path(step.spool_path),
    -- Each is something that a person should have read.
    sample = step.schema and math.max(job.sample, most_definitions) or job.sample,
    behind = request.behind,
  })
  if not step.planned then
    step.planned = planned
    report.require_columns(step, job.runbook.path)
    job.ctx.planned = planned
    step.summary_figures = plan.summary(step, planned, job.ctx)
  end
  if step.schema and #step.owns > 0 and step.planned.items > 0 then
    local function require_owner(login) schema_steps.require_owner(step, login) end
    if job.target.reader then jobs.reading_ledger(job, require_owner) else require_owner(session) end
  end
  budgets.limit_schema(job, step)
  step.failures_allowed = figures.allowed(step.max_failures, step.planned.items)
end

--- The columns of the tables that these steps write, as the login that writes sees them: a plan is good for these.
local function written_tables(job, steps, session)
  local oids, tables, last = {}, setmetatable({}, array), nil
  for _, step in ipairs(steps) do
    for _, oid in ipairs(step.write_oids) do
      oids[#oids + 1] = oid
    end
  end
  local function columns(reader)
    return reader:read(
      [[
      select c.oid::pg_catalog.text as oid, pg_catalog.format('%I.%I', n.nspname, c.relname) as "table",
             a.attname::pg_catalog.text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
      join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.oid = any ($1::pg_catalog.oid[])
      order by "table", c.oid, a.attnum]],
      { n = 1, "{" .. table.concat(oids, ",") .. "}" }
    )
  end
  for _, row in ipairs(job.target.reader and jobs.reading_ledger(job, columns) or columns(session)) do
    if row.oid ~= last then tables[#tables + 1] = { name = row.table, columns = {} } end
    last = row.oid
    table.insert(tables[#tables].columns, { name = row.name, type = row.type })
  end
  return tables
end

--- Where a schema step has nothing to make, what comes after it can be planned: what it needs is there.
local function plan_behind_schema(job, session)
  local idle = {}
  for _, step in ipairs(job.steps) do
    if step.kind == "items" and idle[step.after] then
      apply.resolve_writes(job, { step })
      for _, written in ipairs(written_tables(job, { step }, session)) do
        job.tables[#job.tables + 1] = written
      end
      plan_step(job, step, session)
      if not job.id then step.checks_now = jobs.verify(job, step, session) end
    end
    idle[step.name] = step.schema and step.planned and step.planned.items == 0
  end
end

--- Plans every step that can be planned now, in one snapshot. Reads only.
function M.all(job)
  system.make_directory(job.directory)
  jobs.reading(job, function(session)
    job.identity = jobs.identify(session)
    if job.admit then job.admit(job.identity) end
    job.ledger_version = ledger_reads.is_installed(session)
    job.reading, job.declared = reading.facts(session), reading.declared(session, job.runbook)
    if job.runbook.preconditions then job.preconditions = jobs.check(job, job.runbook.preconditions, session) end
    local now = {}
    for _, step in ipairs(job.steps) do
      if step.kind == "items" and not step.after then now[#now + 1] = step end
    end
    apply.resolve_writes(job, now)
    job.tables = written_tables(job, now, session)
    for _, step in ipairs(now) do
      plan_step(job, step, session)
      -- An apply runs them when the step is done; before, they cost time and judge nothing.
      if not job.id then step.checks_now = jobs.verify(job, step, session) end
    end
    plan_behind_schema(job, session)
    if not job.id then job.unindexed = unindexed.keys(job, session) end
    for _, step in ipairs(job.steps) do
      if itemless[step.kind] then
        itemless[step.kind](job, step)
        if not job.id and not step.after then step.checks_now = jobs.verify(job, step, session) end
      end
    end
    finally.foretell(job)
  end)
end

--- Plans a job anew that has been planned, and of which nothing was written. Another database than before is refused.
function M.again(job)
  local before = job.identity
  for _, step in ipairs(job.steps) do
    step.planned, step.summary_figures, step.spool_path, step.write_oids = nil, nil, nil, nil
  end
  M.all(job)
  if
    job.identity.system_identifier ~= before.system_identifier
    or job.identity.database_oid ~= before.database_oid
  then
    errors.raise(
      "refused.target",
      ("the target led to database %s, and now leads to %s of another server or place"):format(
        before.database,
        job.identity.database
      ),
      "nothing was written; plan again"
    )
  end
end

--- Whether a run works on the database at all; one of effects and questions alone writes nothing but the ledger.
function M.has_items(job)
  for _, step in ipairs(job.steps) do
    if step.kind == "items" then return true end
  end
  return false
end

--- Whether there is anything to apply; a step that is planned later may have something. Effects and questions are
--- part of the work on items: without any they are not for nothing, unless the runbook has nothing else.
function M.has_work(job)
  for _, step in ipairs(job.steps) do
    if not step.planned or step.planned.items > 0 then return true end
  end
  return not M.has_items(job)
end

--- The tables that a step declares.
function M.written_names(step)
  local names = {}
  for at, written in ipairs(step.writes) do
    names[at] = written.name
  end
  return names
end

--- What the ledger keeps of a step and its plan.
function M.record(step)
  local planned = step.planned
  debug.setmetatable(planned.tally, array)
  local writes = {}
  for at, written in ipairs(step.writes) do
    writes[at] = { name = written.name, row_security = written.row_security }
  end
  local figures_of_plan = {
    seen = planned.seen,
    items = planned.items,
    skipped = planned.skipped,
    rejected = planned.rejected,
    labels = planned.labels,
    totals = planned.totals,
    tally = planned.tally,
    failures_allowed = step.failures_allowed,
    redact = step.redact and step.redact[1] and step.redact or nil,
  }
  return {
    number = step.number,
    name = step.name,
    planned = json.encode(figures_of_plan),
    writes = json.encode(writes),
    journaled = step.journaled,
    kind = step.schema and "schema" or step.kind or "items",
    autocommit = step.autocommit,
    loses_data = step.loses_data,
    rejections = planned.rejected > 0 and plans.rejections_path(step.spool_path) or nil,
    foretold = step.foretold,
    manual = step.manual,
  }
end

--- Plans a step inside a batch of a simulation, which sees what earlier steps wrote.
function M.inside(job, step, batch)
  apply.resolve_writes(job, { step }, batch)
  plan_step(job, step, batch)
end

--- Makes sure that a step has a plan and a spool from where it stands: a later step is planned at its turn, and a spool
--- that is gone or damaged is planned again behind the last key that was worked on.
function M.prepare(job, step, session)
  if not step.write_oids then apply.resolve_writes(job, { step }) end
  if not step.planned then
    plan_step(job, step, session)
    local record = M.record(step)
    job.ledger:record_step(record, audit.planned(job.audit, { record }))
    return
  end
  if step.spool_path then return end
  -- To its end: what is damaged further on must be known before a batch is.
  local path = plans.spool_path(job.directory, step)
  local ok, err = host.protect(native_plan.check_spool, path)
  -- Of what runs outside a transaction only the catalog knows whether it was done.
  if ok and not step.autocommit then
    step.spool_path = path
    return
  end
  if not ok and err.kind == "interrupted" then error(err, 0) end
  local standing = jobs.reading_ledger(
    job,
    function(ledger) return ledger_reads.standing(ledger, job.id, step.number) end
  )
  local why = step.autocommit and "what is still missing in step %s decides: planning again behind its last key"
    or "the spooled plan of step %s is gone (%s): planning again behind its last key"
  job.say(why:format(step.name, not ok and err.message))
  audit.planned_again(job.audit, step, standing.position)
  step.spool_begins = standing.position
  plan_step(job, step, session, {
    behind = standing.last_key,
    spool = ("%s/step-%d-from-%d.plan"):format(job.directory, step.number, standing.position),
  })
end

return M
