--- What a run may use up: rows that it changes, time, tables and columns. An undo has no `job.budgets`: the way back
--- must not be the one that is shut.
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local jobs = require("opsh.host.runbook.job")
local ledger_reads = require("opsh.host.runbook.ledger")
local report = require("opsh.native.report")

local M = {}

local function lowered(configured, given, option, least, whole)
  local value = given[option] and given[option][1]
  if not value then return configured end
  local number = tonumber(value)
  if not number or number < least or number >= 2 ^ 53 or (whole and number % 1 ~= 0) then
    errors.raise(
      "usage.value",
      ("--%s wants %s, not %q"):format(option, whole and "a whole number" or "a number of seconds", value)
    )
  end
  if configured and number > configured then
    errors.raise(
      "usage.value",
      ("--%s may only lower the target's budget, which is %s"):format(option, report.number(configured)),
      "raise it in opsh.config.lua"
    )
  end
  return number
end

--- The budgets of a run.
---@param configured table|nil of the target
---@param given table<string, string[]> options, which may only lower them
---@return { max_rows?: integer, max_seconds?: number, batch?: integer, tables?: table } `batch`: items, of one batch
function M.of(configured, given)
  configured = configured or {}
  return {
    max_rows = lowered(configured.max_rows, given, "max-rows", 0, true),
    max_seconds = lowered(configured.max_seconds, given, "max-seconds", 0.001, false),
    batch = lowered(nil, given, "batch", 1, true),
    tables = configured.tables,
  }
end

--- `tables` as two lists: names, and the columns of each, false where all are allowed.
local function allowed_tables(tables)
  local names, columns, limited = {}, {}, {}
  for at, name in ipairs(tables) do
    names[at], columns[at] = name, false
  end
  for name in pairs(tables) do
    if type(name) == "string" then limited[#limited + 1] = name end
  end
  table.sort(limited)
  for _, name in ipairs(limited) do
    names[#names + 1], columns[#columns + 1] = name, tables[name]
  end
  return names, columns
end

--- Refuses a step that declares a table which the budget does not name, and notes for its batches which columns they
--- may set. A partition is allowed with the table that it belongs to.
---@param step table with `write_oids`
---@param session userdata of the login that writes
function M.limit_tables(job, step, session)
  local tables = job.budgets and job.budgets.tables
  if not tables or step.schema then return end
  local names, columns = allowed_tables(tables)
  local found = session:read(
    [[
    with recursive above (written, oid) as (
      select w.oid, w.oid from pg_catalog.unnest($1::pg_catalog.oid[]) as w (oid)
      union all
      select a.written, i.inhparent
      from above as a
      join pg_catalog.pg_class as c on c.oid = a.oid and c.relispartition
      join pg_catalog.pg_inherits as i on i.inhrelid = c.oid)
    select pg_catalog.min(b.place)::pg_catalog.int4 as place
    from pg_catalog.unnest($1::pg_catalog.oid[]) with ordinality as w (oid, place)
    left join above as a on a.written = w.oid
    left join pg_catalog.unnest($2::pg_catalog.text[]) with ordinality as b (name, place)
      on pg_catalog.to_regclass(b.name)::pg_catalog.oid = a.oid
    group by w.place order by w.place]],
    { n = 2, step.write_oids, names }
  )
  step.column_limits = {}
  for at, row in ipairs(found) do
    if not row.place then
      errors.raise(
        "refused.budget",
        ("step %s writes %s, and the budget of this target allows only %s"):format(
          step.name,
          step.writes[at].name,
          table.concat(names, ", ")
        ),
        "see budgets.tables in opsh.config.lua",
        job.runbook.path
      )
    end
    if columns[row.place] then
      step.column_limits[#step.column_limits + 1] = { oid = step.write_oids[at], columns = columns[row.place] }
    end
  end
end

--- Refuses a schema step that has something to do where only rows of certain tables may change.
---@param step table planned
function M.limit_schema(job, step)
  local tables = job.budgets and job.budgets.tables
  if not tables or not step.schema or step.planned.items == 0 then return end
  errors.raise(
    "refused.budget",
    ("step %s is a schema step, and the budget of this target allows only rows of certain tables"):format(step.name),
    "see budgets.tables in opsh.config.lua",
    job.runbook.path
  )
end

--- What an apply would be refused for, or nothing: each item changes a row or more, as a rule.
function M.excess(job)
  local most, items = job.budgets and job.budgets.max_rows, 0
  if not most then return nil end
  for _, step in ipairs(job.steps) do
    items = items + (step.planned and step.planned.items or 0)
  end
  if items <= most then return nil end
  return ("%s are planned, and the budget is %s"):format(counted(items, "item"), counted(most, "row"))
end

--- Refuses to begin what does not fit.
function M.require_plan(job)
  local excess = M.excess(job)
  if not excess then return end
  errors.raise(
    "refused.budget",
    excess .. ": nothing was written",
    "plan fewer items, or raise max_rows (--max-rows, budgets in opsh.config.lua)"
  )
end

--- Between batches. A resume has its own time.
function M.require_time(job, now)
  local most = job.budgets and job.budgets.max_seconds
  if not most or now - job.began <= most then return end
  errors.raise(
    "refused.budget",
    ("the time of this run is used up: max_seconds is %s"):format(report.number(most)),
    "a resume has as much time again"
  )
end

--- In a batch, before its COMMIT.
---@param rows integer that it changes
function M.require_rows(job, rows)
  local most = job.budgets and job.budgets.max_rows
  if not most or (job.rows_changed or 0) + rows <= most then return end
  errors.raise(
    "refused.budget",
    ("with this batch the run would have changed %s, and the budget is %s"):format(
      counted((job.rows_changed or 0) + rows, "row"),
      counted(most, "row")
    ),
    "the batch is rolled back; raise max_rows (--max-rows, budgets in opsh.config.lua) to go on"
  )
end

--- After its COMMIT.
function M.spend(job, rows) job.rows_changed = (job.rows_changed or 0) + rows end

--- What a run has changed already, of a run that goes on.
function M.recall(job)
  job.rows_changed =
    jobs.reading_ledger(job, function(session) return ledger_reads.changed_rows(session, job.id) end)
end

return M
