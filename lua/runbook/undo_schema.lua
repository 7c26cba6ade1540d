--- Taking back what schema steps made: by their `undo`, so the script is needed, the very one of the run. Their items
--- are in the database.
local alone = require("opsh.host.runbook.alone")
local batches = require("opsh.host.runbook.batch")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local handles = require("opsh.host.runbook.handles")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local load = require("opsh.host.runbook.load")
local native_undo = require("opsh.native.undo")
local options = require("opsh.host.options")
local recorded_script = require("opsh.host.runbook.recorded_script")

local object = json.metatables()

local M = {}

local counted_as = "definitions taken back"

local function has_definitions(reader)
  return reader:read("select pg_catalog.to_regclass('opsh.definition') is not null as there")[1].there
end

--- The schema steps of a run that made something, or may have: the last one first, as are their batches.
function M.recorded(reader, run)
  if not has_definitions(reader) then return {} end
  return reader:read(
    [[
    select s.number, s.name, s.writes, pg_catalog.array_agg(d.batch order by d.batch desc) as batches,
           pg_catalog.sum(pg_catalog.cardinality(d.items))::pg_catalog.int8 as rows
    from opsh.step as s join opsh.definition as d on (d.run, d.step) = (s.run, s.number)
    where s.run = $1 and d.items <> '{}' group by s.number, s.name, s.writes order by s.number desc]],
    { n = 1, run }
  )
end

--- What of that an undo would take back: the items' keys.
function M.definitions(reader, run)
  if not has_definitions(reader) then return {} end
  return reader:read(
    [[
    select s.number as step, s.name,
           (select pg_catalog.array_agg(v.value order by v.place)
            from pg_catalog.unnest(i.item::pg_catalog.text[]) with ordinality as v (value, place)
            where v.place = any (d.keys)) as key
    from opsh.definition as d join opsh.step as s on (s.run, s.number) = (d.run, d.step)
    cross join lateral pg_catalog.unnest(d.items) with ordinality as i (item, place)
    where d.run = $1 order by s.number desc, d.batch desc, i.place desc]],
    { n = 1, run }
  )
end

--- An undo that took schema steps back is not taken back itself.
function M.refuse_redo(reader, run)
  if not run.undo_of then return end
  local step = reader:read(
    [[
    select s.name from opsh.step as s
    where s.run = $1 and pg_catalog.to_jsonb(s) ->> 'kind' = 'schema'
      and exists (select from opsh.batch as b where (b.run, b.step) = (s.run, s.number)) limit 1]],
    { n = 1, run.id }
  )[1]
  if not step then return end
  errors.raise(
    "refused.undo",
    ("run %s took back the schema step %s: that is not undone again"):format(run.id, step.name),
    "apply the runbook again: its plan finds what is missing"
  )
end

local Schema = {}
Schema.__index = Schema

--- Loads the script, once it is needed. Raises "refused.script", and "refused.undo" for a step without `undo`.
function Schema:open(steps)
  if self.job then return end
  local ok, runbook = host.protect(
    recorded_script.load,
    self.original,
    function(path) return load.load(path, options.taken()) end
  )
  if not ok then
    errors.raise(
      "refused.script",
      ("step %s of run %s is a schema step, and its undo cannot be had: %s"):format(
        steps[1].name,
        self.original.id,
        runbook.message
      ),
      "put back the script that the run was started with; nothing was undone"
    )
  end
  self.job = jobs.new(
    runbook,
    self.target,
    self.original.params,
    { directory = self.directory, sample = 0, recorded = true }
  )
  for _, step in ipairs(steps) do
    if not self.job.steps[step.number].undo then
      errors.raise(
        "refused.undo",
        ("step %s of run %s is a schema step without undo"):format(step.name, self.original.id),
        "what it made is taken back by hand, or by a runbook of its own; nothing was undone"
      )
    end
  end
end

--- Steps of the undo, from what the run made.
---@return table[]
function Schema:steps(reader)
  local found, made = M.recorded(reader, self.original.id), {}
  if #found > 0 then self:open(found) end
  for at, recorded in ipairs(found) do
    local declared = self.job.steps[recorded.number]
    local planned = figures.new({ items = recorded.rows, seen = recorded.rows })
    planned.tally = {}
    made[at] = {
      number = recorded.number,
      name = recorded.name,
      kind = "items",
      key = declared.key,
      schema = self,
      autocommit = declared.autocommit,
      planned = planned,
      batches = recorded.batches,
      writes = recorded.writes,
      write_oids = {},
      defines = declared.defines,
      undo = declared.undo,
      journaled = false,
      failures_allowed = 0,
    }
  end
  return made
end

--- What an undo of this run does about its schema steps.
---@param original table its record
---@param given { target: table, directory: string, job?: table } `job`: of the runbook, where one is at hand
function M.of(original, given)
  return setmetatable(
    { original = original, target = given.target, directory = given.directory, job = given.job },
    Schema
  )
end

local function record(batch, step, place, items, counts)
  batch:record({
    step = step.number,
    number = place.number,
    position = place.number,
    first_key = items:key(1),
    last_key = items:key(items:size()),
    items = counts[counted_as] or 0,
    left_out = {},
    figures = json.encode({
      counts = setmetatable(counts, object),
      labels = setmetatable({}, object),
      totals = setmetatable({}, object),
    }),
  })
end

local function kept(job, step, place, batch)
  return batch:kept({ run = job.undo_of, step = step.number, number = place.original })
end

local function attempt(job, step, place)
  return batches.with_batch(job, step, function(batch)
    local items = kept(job, step, place, batch)
    local of = step.schema.job
    local tx = handles.transaction(batch, batches.with_items(of.scope, items))
    of.state.batch = batch
    local ok, err = host.protect(step.undo, tx, batches.author_items(items, batch, step, step.undo), of.ctx)
    of.state.batch = nil
    if not ok then error(err, 0) end
    record(batch, step, place, items, { [counted_as] = items:size() })
    local outcome, token = batch:finish()
    return outcome, token, items:size()
  end)
end

local function attempt_alone(job, step, place)
  local items = batches.with_batch(job, step, function(batch)
    local found = kept(job, step, place, batch)
    batch:rollback()
    return found
  end)
  alone.define(job, step, items, step.undo, step.schema.job.ctx)
  return batches.with_batch(job, step, function(batch)
    record(batch, step, place, items, { [counted_as] = items:size() })
    local outcome, token = batch:finish()
    return outcome, token, items:size()
  end)
end

--- What would take data along that is not the run's stays, and is listed.
local function leave(job, step, place, why)
  return batches.with_batch(job, step, function(batch)
    local items = kept(job, step, place, batch)
    record(batch, step, place, items, {})
    for row = 1, items:size() do
      native_undo.leave(
        batch,
        { run = job.id, step = step.number, number = place.number },
        "step " .. step.name,
        items:key(row),
        why
      )
    end
    local outcome, token = batch:finish()
    return outcome, token, items:size()
  end)
end

--- Takes one batch of a schema step back, exactly once. Returns the number of its items.
function M.take_back(job, step, place)
  local work, why = step.autocommit and attempt_alone or attempt, nil
  for number = 1, batches.most_attempts do
    local ok, outcome, token, items = host.protect(work, job, step, place, why)
    if ok then
      batches.settle(job, step, place, outcome, token)
      return items
    end
    if outcome.kind == "refused.loss" then
      work, why = leave, outcome.message
    elseif number == batches.most_attempts or not batches.passes(outcome, step, number, job.say) then
      error(outcome, 0)
    end
  end
end

return M
