--- What the ledger and the journal say of a run, for its report.
local changes = require("opsh.host.report.changes")
local changes_text = require("opsh.host.present.changes")
local document = require("opsh.host.present.document")
local effects = require("opsh.host.present.effects")
local figures = require("opsh.host.runbook.figures")
local ledger = require("opsh.host.runbook.ledger")
local redaction = require("opsh.host.runbook.redaction")
local shape = require("opsh.host.report.shape")

local M = {}

local null, ordered, as_array = shape.null, shape.ordered, shape.list

--- So many changes and items that were left out stand in a report; their numbers are exact.
M.shown = 100

-- So many points a step's time line has; of more batches several make one.
local most_points = 500

local function copies(rows, keys)
  local list = {}
  for at, row in ipairs(rows) do
    local made = {}
    for _, key in ipairs(keys) do
      made[key] = row[key]
    end
    list[at] = ordered(keys, made)
  end
  return as_array(list)
end

local point_keys =
  { "number", "batches", "items", "skipped", "failed", "rows", "seconds", "pause_seconds", "attempts", "at" }

--- The batches of all steps by the steps' numbers, each with its rows and how long nothing was done before it.
---@return table<integer, table[]>
function M.time_lines(reader, run)
  local rows = reader:read(
    [[
    with changed (step, batch, rows) as (
      select j.step, j.batch, pg_catalog.sum(pg_catalog.cardinality(j.keys)) from opsh.journal as j
      where j.run = $1 group by j.step, j.batch),
    batch as (
      select b.step, b.number, b.items, b.skipped, b.failed, b.milliseconds / 1000.0 as seconds, b.committed_at,
             coalesce(c.rows, (b.figures ->> 'rows')::pg_catalog.int8, 0) as rows,
             coalesce((b.figures ->> 'attempts')::pg_catalog.int4, 1) as attempts,
             extract(epoch from b.committed_at - pg_catalog.lag(b.committed_at) over before) - b.milliseconds / 1000.0
               as pause,
             (pg_catalog.count(*) over (partition by b.step) - 1) / $2::pg_catalog.int8 + 1 as group_size
      from opsh.batch as b left join changed as c on (c.step, c.batch) = (b.step, b.number)
      where b.run = $1 window before as (order by b.committed_at, b.step, b.number))
    select b.step, pg_catalog.min(b.number) as number, pg_catalog.count(*) as batches,
           pg_catalog.sum(b.items)::pg_catalog.int8 as items, pg_catalog.sum(b.skipped)::pg_catalog.int8 as skipped,
           pg_catalog.sum(b.failed)::pg_catalog.int8 as failed, pg_catalog.sum(b.rows)::pg_catalog.int8 as rows,
           pg_catalog.sum(b.seconds)::pg_catalog.float8 as seconds,
           pg_catalog.round(pg_catalog.sum(greatest(b.pause, 0)), 3)::pg_catalog.float8 as pause_seconds,
           pg_catalog.max(b.attempts) as attempts,
           pg_catalog.to_char(pg_catalog.max(b.committed_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
    from batch as b group by b.step, (b.number - 1) / b.group_size order by b.step, pg_catalog.min(b.number)]],
    { n = 2, run, most_points }
  )
  local by_step = {}
  for _, row in ipairs(rows) do
    by_step[row.step] = by_step[row.step] or {}
    table.insert(by_step[row.step], row)
  end
  return by_step
end

--- The rows that steps changed, by table and operation.
local function changed(reader, run)
  local by_step = {}
  for _, row in
    ipairs(reader:read(
      [[
    select j.step, j.table_name as "table",
           coalesce(pg_catalog.sum(r.n) filter (where j.operation = 'insert'), 0)::pg_catalog.int8 as inserted,
           coalesce(pg_catalog.sum(r.n) filter (where j.operation = 'update'), 0)::pg_catalog.int8 as updated,
           coalesce(pg_catalog.sum(r.n) filter (where j.operation = 'delete'), 0)::pg_catalog.int8 as deleted,
           coalesce(pg_catalog.sum(r.n) filter (where not j.direct), 0)::pg_catalog.int8 as indirect
    from opsh.journal as j cross join lateral pg_catalog.cardinality(j.keys) as r (n)
    where j.run = $1 group by j.step, j.table_name order by j.step, j.table_name]],
      { n = 1, run }
    ))
  do
    by_step[row.step] = by_step[row.step] or {}
    table.insert(by_step[row.step], row)
  end
  return by_step
end

local changed_keys = { "table", "inserted", "updated", "deleted", "indirect" }

--- What is kept of the steps beside their figures. Columns that a schema of an earlier version lacks are null.
local function recorded_steps(reader, run)
  return reader:read(
    [[
    select s.number, s.name, s.planned, s.done_at is not null as done, pg_catalog.to_jsonb(s) ->> 'kind' as kind,
           coalesce(pg_catalog.to_jsonb(s) -> 'writes', '[]') as writes,
           coalesce((pg_catalog.to_jsonb(s) ->> 'journaled')::pg_catalog.bool, true) as journaled,
           nullif(pg_catalog.to_jsonb(s) -> 'effects', 'null'::pg_catalog.jsonb) as effects,
           (select coalesce(pg_catalog.sum(b.milliseconds), 0)::pg_catalog.float8 / 1000 from opsh.batch as b
            where (b.run, b.step) = (s.run, s.number)) as seconds
    from opsh.step as s where s.run = $1 order by s.number]],
    { n = 1, run }
  )
end

--- A step as the run document has it, of the ledger alone: of a run whose opsh was killed, and of an undo.
local function bare_step(recorded)
  local names, itemless = {}, recorded.kind == "effect" or recorded.kind == "manual"
  for at, written in ipairs(recorded.writes) do
    names[at] = written.name
  end
  local own = effects.document({
    kind = recorded.kind,
    record = recorded.effects,
    manual = recorded.effects and recorded.effects.question or null,
  })
  return {
    number = recorded.number,
    name = recorded.name,
    kind = itemless and recorded.kind or "items",
    after = null,
    writes = as_array(names),
    journaled = recorded.journaled,
    schema = null,
    planned = document.figures(figures.new(recorded.planned)),
    summary = null,
    tally = recorded.planned.tally or as_array(),
    sample = as_array(),
    rejected = as_array(),
    checks_now = as_array(),
    done = null,
    batches = null,
    checks = as_array(),
    effects = own.effects,
    manual = own.manual,
  }
end

--- The steps of a run: those of its document, where there is one, with what is committed.
---@param shown table[] steps of the run document, or nothing
---@return table[] steps of a report, as Lua tables by name
function M.steps(reader, run, shown)
  local by_number, made = {}, {}
  for _, step in ipairs(shown or {}) do
    by_number[step.number] = step
    made[#made + 1] = step
  end
  local lines, tables = M.time_lines(reader, run), changed(reader, run)
  for _, recorded in ipairs(recorded_steps(reader, run)) do
    local step = by_number[recorded.number]
    if not step then
      step = bare_step(recorded)
      made[#made + 1] = step
    end
    local done = ledger.done(reader, run, recorded.number)
    -- A step that was planned and not begun has nothing that is done.
    if recorded.done or done.batches > 0 or step.done ~= null then
      step.done, step.batches = document.figures(done), done.batches
    end
    step.finished, step.seconds = recorded.done, recorded.seconds
    step.timeline = copies(lines[recorded.number] or {}, point_keys)
    step.changed = copies(tables[recorded.number] or {}, changed_keys)
  end
  table.sort(made, function(one, other) return one.number < other.number end)
  return made
end

local left_out_keys = { "step", "batch", "key", "outcome", "label", "sqlstate", "message" }

--- Items that the plan rejected or that were not worked on: how many, and the first.
---@param hidden table<string, boolean> columns whose values are masked: a message may quote them, and so may a key
function M.left_out(reader, run, hidden)
  local total = reader:read(
    "select pg_catalog.count(*) as total from opsh.left_out as l where l.run = $1",
    { n = 1, run }
  )[1].total
  local rows = ledger.left_out(reader, run, M.shown)
  for _, row in ipairs(rows) do
    if next(hidden) then
      rawset(row, "message", redaction.mask(row.message))
      rawset(row, "key", redaction.mask(row.key))
    end
  end
  return ordered({ "total", "list" }, { total = total, list = copies(rows, left_out_keys) })
end

--- The first of the rows that a run changed.
---@param hidden table<string, boolean>
function M.changes(reader, run, hidden)
  local list = {}
  for change in changes.walk(reader, run, { limit = M.shown }, hidden) do
    list[#list + 1] = changes_text.object(change)
  end
  return as_array(list)
end

return M
