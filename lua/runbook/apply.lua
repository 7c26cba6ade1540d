--- Works through a step's spooled items, batch by batch.
local alone = require("opsh.host.runbook.alone")
local batch = require("opsh.host.runbook.batch")
local batch_effects = require("opsh.host.effects.batch_effects")
local batch_size = require("opsh.host.runbook.batch_size")
local budgets = require("opsh.host.runbook.budgets")
local checks = require("opsh.host.runbook.checks")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_journal = require("opsh.native.journal")
local native_plan = require("opsh.native.plan")
local system = require("opsh.native.system")

local M = {}

local collect_after = 4 * 2 ^ 20 -- bytes

--- Of a step without a journal only that its tables are there, and are none of opsh's own.
local function oids_of(step, session)
  local oids = {}
  for _, written in ipairs(step.writes) do
    local found = session:read(
      [[select c.oid::pg_catalog.text as oid, n.nspname = 'opsh' as is_ledger
        from (select pg_catalog.to_regclass($1)::pg_catalog.oid as oid) as named
        left join pg_catalog.pg_class as c on c.oid = named.oid
        left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace]],
      { n = 1, written.name }
    )
    if not found[1].oid and step.schema then
      -- It may be what the step makes.
      found[1].is_ledger = false
    elseif not found[1].oid then
      errors.raise(
        "sql.undefined_table",
        ("there is no table %s, which is declared in writes"):format(written.name),
        "check the name and the search_path of the role"
      )
    end
    if found[1].is_ledger then
      errors.raise(
        "refused.ledger",
        ("writes names %s, a table of opsh's own ledger"):format(written.name),
        "a runbook leaves the schema opsh alone: it says what was done, and where a resume goes on"
      )
    end
    oids[#oids + 1] = found[1].oid
  end
  return oids
end

local function resolve(run, step, session)
  local ok, result = host.protect(function()
    if not step.journaled then return oids_of(step, session) end
    step.tables = native_journal.examine(session, step.writes)
    return step.tables:oids()
  end)
  if ok then
    step.write_oids = result
    return
  end
  if result.kind:find("^refused") or result.kind == "sql.undefined_table" or result.kind == "permission.denied" then
    result.message = ("step %s: %s"):format(step.name, result.message)
    result.where = run.runbook.path
    if step.after and result.kind == "sql.undefined_table" then
      result.hint = ("let step %s make it, or check the name"):format(step.after)
    end
  end
  error(result, 0)
end

--- Finds the tables of these steps as the login that writes sees them: `step.write_oids`, and, unless the step says
--- `journal = false`, what the journal needs to know as `step.tables`. Refuses what is not there, and what cannot be
--- journaled.
---@param session? userdata of that login; without it one is found
function M.resolve_writes(run, steps, session)
  local function all(login)
    for _, step in ipairs(steps) do
      resolve(run, step, login)
      budgets.limit_tables(run, step, login)
    end
  end
  if #steps == 0 then return end
  if session then
    all(session)
  elseif run.target.reader then
    jobs.reading_ledger(run, all)
  else
    all(run.state.session)
  end
end

--- Verifies inside the transaction of an atomic step; raises when a check does not pass.
local function gate_of(run, step)
  if not step.verify then return nil end
  return function(batch_, counts, items, done)
    batch_:begin_checks()
    run.ctx.planned = step.planned
    run.ctx.done =
      figures.new({ seen = items, items = items, counts = counts, labels = done.labels, totals = done.totals })
    local function serve(...) return run.hands.serve("check", step.verify, ...) end
    step.checks = checks.run(serve, run.ctx, function(work, ...)
      batch_:savepoint()
      local results = { host.attempt(work, ...) }
      batch_:rollback_to_savepoint()
      return unpack(results, 1, table.maxn(results))
    end, run.runbook.redact)
    batch_:end_checks()
    if not checks.passed(step.checks) then
      errors.raise(
        "check.failed",
        ("step %s: its checks did not pass, so nothing of it was kept"):format(step.name),
        "the checks show what is wrong; the plan can be run again"
      )
    end
  end
end

local function place(position, number, items, before)
  return {
    number = number,
    position = position + items:size(),
    first_key = items:key(1),
    last_key = items:key(items:size()),
    gate = before,
  }
end

local function no_more() end

--- All items in one go, without splitting the transaction.
local function run_atomic(run, step, spool, progress, done)
  local items = spool:take(2 ^ 31)
  if not items then return end
  done(items:size(), batch.run(run, step, place(0, 1, items, gate_of(run, step)), items))
  progress.advance(items:size())
end

--- Works through a step's items, batch by batch.
---@param run table
---@param step table with `spool_path`, `planned`, `write_oids`
---@param progress { advance: fun(items: integer) }
---@param standing { number: integer, position: integer, failed: integer } how far it is
---@param request? { most?: integer, done?: fun(items: integer, result: table) } `most` items; not for an atomic step.
--- `done` is told of each batch
function M.from(run, step, progress, standing, request)
  request = request or {}
  local done = request.done or no_more
  -- A plan that was made again may find more than the one that was shown: no more than that is worked on.
  local last = math.min(step.planned.items, standing.position + (request.most or math.huge))
  run.failures_left[step.number] = step.failures_allowed - standing.failed
  local position = standing.position - (step.spool_begins or 0)
  local spool = native_plan.spool(step.spool_path, position, step.key)
  progress.advance(standing.position)
  if step.atomic then return standing.number == 0 and run_atomic(run, step, spool, progress, done) end
  local size, number = batch_size.new(step.batch, run.budgets and run.budgets.batch), standing.number
  position = standing.position
  local uncollected = 0
  while true do
    local items = position < last and spool:take(math.min(size.size, last - position))
    if not items then break end
    budgets.require_time(run, system.clock())
    number = number + 1
    local began = system.clock()
    local work = step.autocommit and alone.run or batch.run
    local ok, result = host.protect(work, run, step, place(position, number, items), items)
    if not ok then
      result.batch = ("batch %d of step %s"):format(number, step.name)
      error(result, 0)
    end
    size.learn(items:size(), system.clock() - began)
    done(items:size(), result)
    -- The items of a batch lie in native memory, which Lua does not see grow.
    uncollected = uncollected + items:memory()
    if uncollected >= collect_after then
      collectgarbage()
      uncollected = 0
    end
    position = position + items:size()
    progress.advance(items:size())
  end
end

--- The keys of what a plan that was made again finds missing.
local function missing(step)
  local items = native_plan.spool(step.spool_path, 0, step.key):take(2 ^ 31)
  local keys = {}
  for row = 1, items and items:size() or 0 do
    keys[table.concat(items:key(row), "\0")] = true
  end
  return keys
end

--- Runs a step to its end, from wherever the ledger says that it stands.
function M.step(run, step, progress)
  local standing, waiting = jobs.reading_ledger(
    run,
    function(session)
      return ledger_reads.standing(session, run.id, step.number),
        ledger_reads.waiting_effects(session, run.id, step.number)
    end
  )
  run.state.session:close()
  run.state.session = nil
  if step.autocommit and step.spool_begins then
    local keys = missing(step)
    local settled = alone.settle(run, step, standing, function(key) return keys[table.concat(key, "\0")] end)
    standing.number, standing.position = standing.number + settled, standing.position + settled
    step.spool_begins = standing.position
  end
  if run.hands.acts then batch_effects.catch_up(run, step, waiting) end
  M.from(run, step, progress, standing)
end

return M
