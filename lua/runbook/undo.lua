--- Taking a run back: a run of its own, which works through the original's journal from its end. It needs the database
--- alone: no file of the original, and not its runbook.
local audit = require("opsh.host.runbook.audit")
local batches = require("opsh.host.runbook.batch")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local native_undo = require("opsh.native.undo")
local planning = require("opsh.host.runbook.planning")
local redaction = require("opsh.host.runbook.redaction")
local system = require("opsh.native.system")
local undo_schema = require("opsh.host.runbook.undo_schema")
local undone_effects = require("opsh.host.effects.undone_effects")

local object, array = json.metatables()

local M = {}

local function refuse_undone(run)
  local undone = ledger_reads.undone(run)
  if undone == "being undone" then
    errors.raise(
      "refused.undone",
      ("run %s is being undone: run %s is %s"):format(run.id, run.last_undo, run.last_undo_state),
      ("opsh resume %s goes on with it; opsh undo %s takes back what it did"):format(run.last_undo, run.last_undo)
    )
  elseif undone then
    errors.raise(
      "refused.undone",
      ("run %s is undone, by run %s"):format(run.id, run.undone_by),
      ("opsh undo %s takes that back"):format(run.undone_by)
    )
  end
end

local function refuse_without_journal(reader, run)
  if run.pruned_at then
    errors.raise(
      "refused.journal",
      ("the journal of run %s was dropped on %s: it cannot be undone any more"):format(run.id, run.pruned_at),
      "what it changed is in a backup from before it"
    )
  end
  local has_journal = ledger_reads.has_journal(reader)
  local before = not has_journal
    or reader:read(
      [[
    select r.started_at < pg_catalog.min(v.installed_at) as before
    from opsh.run as r, opsh.version as v where r.id = $1 and v.version >= 2 group by r.started_at]],
      { n = 1, run.id }
    )[1].before
  if before then
    errors.raise(
      "refused.journal",
      ("run %s is older than the journal in this database: it cannot be undone"):format(run.id),
      "what it changed is in a backup from before it"
    )
  end
  local unjournaled = reader:read(
    [[
    select s.name from opsh.step as s
    where s.run = $1 and not s.journaled and coalesce(pg_catalog.to_jsonb(s) ->> 'kind', 'items') <> 'schema'
      and exists (select from opsh.batch as b where (b.run, b.step) = (s.run, s.number))
    order by s.number limit 1]],
    { n = 1, run.id }
  )[1]
  if unjournaled then
    errors.raise(
      "refused.journal",
      ("step %s of run %s kept no journal (journal = false): it cannot be undone"):format(unjournaled.name, run.id),
      "what it changed is in a backup from before it"
    )
  end
end

--- Reads a run and refuses one that cannot be taken back.
---@return table run, table identity
function M.original(reader, id)
  local run, identity = ledger_reads.run(reader, id), jobs.identify(reader)
  ledger_reads.require_database(run, identity)
  refuse_undone(run)
  refuse_without_journal(reader, run)
  undo_schema.refuse_redo(reader, run)
  return run, identity
end

--- The steps of a run that have something in the journal, each with its batches: the last one first.
local function journaled_steps(reader, run)
  local steps = reader:read(
    [[
    select s.number, s.name, s.writes, j.batches, j.rows
    from opsh.step as s
    cross join lateral (
      select pg_catalog.array_agg(distinct c.batch) as batches,
             pg_catalog.sum(pg_catalog.cardinality(c.keys))::pg_catalog.int8 as rows
      from opsh.journal as c where (c.run, c.step) = (s.run, s.number)) as j
    where s.run = $1 and j.batches is not null order by s.number desc]],
    { n = 1, run }
  )
  for _, step in ipairs(steps) do
    table.sort(step.batches, function(one, other) return one > other end)
  end
  return steps
end

--- Whether a run has something in the journal, or made something in schema steps.
function M.has_work(reader, run)
  local found = reader:read(
    "select exists (select from opsh.journal as j where j.run = $1) as there",
    { n = 1, run.id }
  )
  return found[1].there or #undo_schema.recorded(reader, run.id) > 0
end

--- The tables that taking a step back may change: those that it declared, and all that its journal knows, by the names
--- that they have now.
local function writes_of(reader, run, recorded)
  local declared, row_security = {}, false
  for at, written in ipairs(recorded.writes) do
    declared[at] = written.name
    row_security = row_security or written.row_security
  end
  local found = reader:read(
    [[
    select distinct pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
      and (c.oid in (select pg_catalog.to_regclass(d.name)::pg_catalog.oid
                     from pg_catalog.unnest($3::pg_catalog.text[]) as d (name))
           or c.oid in (select j.leaf from opsh.journal as j where j.run = $1 and j.step = $2::pg_catalog.int4))
    order by name]],
    { n = 3, run, recorded.number, declared }
  )
  local writes = {}
  for at, row in ipairs(found) do
    writes[at] = { name = row.name, row_security = row_security or false }
  end
  return writes
end

--- What an undo would do, as things are now. Reads only.
---@param most_conflicts integer that are listed; all are counted
---@return table plan
function M.plan(reader, run, most_conflicts, progress)
  local planner = native_undo.planner(reader, most_conflicts)
  local steps, count = journaled_steps(reader, run.id), 0
  for _, step in ipairs(steps) do
    local shown = progress({ name = "reading the journal of " .. step.name, planned = { items = #step.batches } })
    shown.advance(0)
    for _, number in ipairs(step.batches) do
      planner:add({ run = run.id, step = step.number, number = number })
      shown.advance(1)
    end
    shown.finish()
    count = count + #step.batches
  end
  local plan = planner:plan()
  redaction.conflicts(plan.conflicts, redaction.of_run(reader, run.id))
  plan.batches, plan.steps = count, steps
  plan.definitions = undo_schema.definitions(reader, run.id)
  return plan
end

local function attempt(job, step, place)
  return batches.with_batch(job, step, function(batch)
    local original = { run = job.undo_of, step = step.number, number = place.original }
    local undone = native_undo.restore(batch, original, job.id)
    local made = undone:figures()
    local restored = made.inserts + made.updates + made.deletes
    batch:record({
      step = step.number,
      number = place.number,
      position = place.number,
      first_key = {},
      last_key = {},
      items = restored,
      left_out = {},
      figures = json.encode({
        counts = {
          ["inserts taken back"] = made.inserts,
          ["updates taken back"] = made.updates,
          ["deletes taken back"] = made.deletes,
        },
        labels = setmetatable({}, object),
        totals = setmetatable({}, object),
        unrestored = setmetatable(made.unrestored, array),
      }),
    })
    undone:record(batch, { run = job.id, step = step.number, number = place.number })
    local outcome, token = batch:finish()
    return outcome, token, restored + made.left
  end)
end

--- Takes one batch of the original back, exactly once.
local function take_back(job, step, place)
  for number = 1, batches.most_attempts do
    local ok, outcome, token, rows = host.protect(attempt, job, step, place)
    if ok then
      batches.settle(job, step, place, outcome, token)
      return rows
    end
    if number == batches.most_attempts or not batches.passes(outcome, step, number) then error(outcome, 0) end
  end
end

local function work_on(job, step, progress)
  if step.take_back then return step.take_back(job, step) end
  local standing = jobs.reading_ledger(
    job,
    function(session) return ledger_reads.standing(session, job.id, step.number) end
  )
  progress.advance(standing.number > 0 and jobs.reading_ledger(job, function(session)
    local done = ledger_reads.done(session, job.id, step.number)
    return done.items + done.skipped
  end) or 0)
  for at = standing.number + 1, #step.batches do
    local place = { number = at, original = step.batches[at] }
    local ok, result = host.protect(step.schema and undo_schema.take_back or take_back, job, step, place)
    if not ok then
      result.batch = ("the undo of batch %d of step %s"):format(place.original, step.name)
      error(result, 0)
    end
    progress.advance(result)
  end
end

--- The steps of an undo.
---@param effects? table of undone_effects.lua
---@param schema table of undo_schema.lua
local function steps_of(target, original, effects, schema)
  local reader = native_db.host_reader(target)
  local ok, result = host.protect(function()
    local steps = {}
    for at, recorded in ipairs(journaled_steps(reader, original)) do
      local planned = figures.new({ items = recorded.rows, seen = recorded.rows })
      planned.tally = {}
      steps[at] = {
        number = recorded.number,
        name = recorded.name,
        planned = planned,
        batches = recorded.batches,
        writes = writes_of(reader, original, recorded),
        journaled = true,
        failures_allowed = 0,
      }
    end
    for _, step in ipairs(effects and effects:steps(reader) or {}) do
      steps[#steps + 1] = step
    end
    for _, step in ipairs(schema:steps(reader)) do
      steps[#steps + 1] = step
    end
    table.sort(steps, function(one, other) return one.number > other.number end)
    return steps
  end)
  reader:close()
  if not ok then error(result, 0) end
  return result
end

--- Once the original is fenced out: until then it may have gone on.
local function settle_steps(job)
  local known = {}
  for _, step in ipairs(job.steps) do
    known[step.number] = step
  end
  job.steps = steps_of(job.target, job.undo_of, job.effects, job.schema)
  for _, step in ipairs(job.steps) do
    if known[step.number] then
      step.is_done = known[step.number].is_done
    else
      local record = planning.record(step)
      job.ledger:record_step(record, audit.planned(job.audit, { record }))
    end
  end
end

--- A job of the ladder's that takes a run back. What it takes back is read again once the run cannot go on.
---@param original table its record
---@param identity table of the database
---@param id string of the undo
---@param options { target: table, state: string, say: function, command: string, reason?: string, resume: string,
--- effects?: table, of?: table } `of`: the run's own job, where it is at hand
function M.job(original, identity, id, options)
  local directory = options.state .. "/runs/" .. id
  local schema = undo_schema.of(original, { target = options.target, directory = directory, job = options.of })
  return {
    id = id,
    undo_of = original.id,
    undone_before = original.undone_by,
    target = options.target,
    identity = identity,
    directory = directory,
    runbook = {
      title = "undo of " .. original.title,
      path = original.runbook,
      real_path = original.runbook,
      sources = setmetatable({}, object),
    },
    params = setmetatable({}, object),
    state = {},
    steps = steps_of(options.target, original.id, options.effects, schema),
    schema = schema,
    effects = options.effects,
    failures_left = {},
    committed = 0,
    began = system.clock(),
    settle_steps = settle_steps,
    work_on = work_on,
    say = options.say,
    command = options.command,
    reason = options.reason,
    resume = options.resume,
  }
end

--- The job of an undo that was left part-way.
---@param record table of the undo's run
---@param options table as of M.job
function M.reopened(record, identity, options)
  local reader = native_db.host_reader(options.target)
  local ok, original = host.protect(ledger_reads.run, reader, record.undo_of)
  reader:close()
  if not ok then error(original, 0) end
  options.effects = undone_effects.of(original, {
    target = options.target,
    directory = options.state .. "/runs/" .. record.id,
  })
  return M.job(original, identity, record.id, options)
end

return M
