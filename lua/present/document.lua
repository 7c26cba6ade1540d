--- What --json prints: one document, the same for plan, apply and failure. docs/json.md describes it.
local copied = require("opsh.host.copied")
local effects = require("opsh.host.present.effects")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local planning = require("opsh.host.runbook.planning")
local plans = require("opsh.host.present.plans")
local reports = require("opsh.host.present.reports")
local rejections = require("opsh.host.present.rejections")
local required = require("opsh.host.present.required")
local unindexed = require("opsh.host.present.unindexed")

local M = {}

--- Of the document; rises when a field goes away or changes its meaning.
M.format = 1

local null = json.decode("null")
local object, array = json.metatables()

local function as_object(fields) return setmetatable(fields or {}, object) end
local function as_array(list) return setmetatable(list or {}, array) end

--- An object whose keys come in this order.
local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end

local function kept_plan(plan)
  return plan and plan.id and ordered({ "id", "identity" }, { id = plan.id, identity = plan.identity })
end

local function figures(values)
  if not values then return null end
  return ordered({ "seen", "items", "skipped", "rejected", "failed", "labels", "totals", "counts" }, {
    seen = values.seen,
    items = values.items,
    skipped = values.skipped,
    rejected = values.rejected,
    failed = values.failed,
    labels = as_object(values.labels and M.plain(values.labels)),
    totals = as_object(values.totals and M.plain(values.totals)),
    counts = as_object(values.counts and M.plain(values.counts)),
  })
end

--- What was planned or done, for any document.
---@param values? table of runbook.figures
M.figures = figures

--- A copy without the metatable that answers 0 for everything.
M.plain = copied

local function tally(step)
  if not step.planned or not step.planned.tally then return as_array() end
  local rows = {}
  local keys = {}
  for at, name in ipairs(step.tally) do
    keys[at] = name
  end
  keys[#keys + 1] = "count"
  for at, row in ipairs(step.planned.tally) do
    rows[at] = ordered(keys, M.plain(row))
  end
  return as_array(rows)
end

local function sample(step)
  local planned = step.planned
  if not planned or not planned.sample then return as_array() end
  local rows = {}
  for at, values in ipairs(planned.sample) do
    local row = {}
    for column, name in ipairs(planned.columns) do
      row[name] = values[column] == nil and null or values[column]
    end
    rows[at] = ordered(planned.columns, row)
  end
  return as_array(rows)
end

--- Results of checks, for any document.
function M.check_results(results)
  local list = {}
  for at, result in ipairs(results or {}) do
    local rows = {}
    for row_at, row in ipairs(result.rows or {}) do
      rows[row_at] = row
    end
    list[at] = ordered({ "name", "outcome", "found", "expected", "message", "rows" }, {
      name = result.name,
      outcome = result.outcome,
      found = result.found or null,
      expected = result.expected or null,
      message = result.message or null,
      rows = as_array(rows),
    })
  end
  return as_array(list)
end

--- What is to be known of a schema step; null of others.
local function schema(step)
  if not step.schema then return null end
  return ordered({ "autocommit", "undo", "proved", "loses_data" }, {
    autocommit = step.autocommit == true,
    undo = step.undo ~= nil,
    proved = step.defines.proved,
    loses_data = step.loses_data or null,
  })
end

--- The keys of a step, in their order.
M.step_keys = {
  "number",
  "name",
  "kind",
  "after",
  "writes",
  "journaled",
  "schema",
  "planned",
  "summary",
  "tally",
  "sample",
  "rejected",
  "checks_now",
  "done",
  "batches",
  "checks",
  "effects",
  "manual",
}

local function steps(job)
  local list = {}
  for at, step in ipairs(job.steps) do
    local own = effects.document(step)
    list[at] = ordered(M.step_keys, {
      number = step.number,
      name = step.name,
      kind = step.kind or "items",
      effects = own.effects,
      manual = own.manual,
      after = step.after or null,
      writes = as_array(planning.written_names(step)),
      journaled = step.journaled,
      schema = schema(step),
      planned = figures(step.planned),
      summary = step.summary_figures and as_object(M.plain(step.summary_figures)) or null,
      tally = tally(step),
      sample = sample(step),
      rejected = rejections.document(step),
      checks_now = M.check_results(step.checks_now),
      done = figures(step.done),
      batches = step.done and step.done.batches or null,
      checks = M.check_results(step.checks),
    })
  end
  return as_array(list)
end

local function params(job)
  local made = as_object()
  for name, texts in pairs(job.params) do
    made[name] = as_array({ unpack(texts) })
  end
  return made
end

--- What the session that read was, what was declared for it, and what shows that it wrote nothing.
local function reading(job)
  local facts, evidence = job.reading, job.evidence
  if not facts then return null end
  local functions, foreign_tables = {}, {}
  for at, called in ipairs(job.declared.functions) do
    functions[at] = ordered({ "name", "volatility", "language" }, M.plain(called))
  end
  for at, foreign in ipairs(job.declared.foreign_tables) do
    foreign_tables[at] = ordered({ "name", "server" }, M.plain(foreign))
  end
  local evidence_keys = { "transactions", "transaction_id", "changed_rows", "read_only" }
  return ordered({ "level", "user", "superuser", "functions", "foreign_tables", "evidence" }, {
    level = facts.level,
    user = facts.user,
    superuser = facts.superuser,
    functions = as_array(functions),
    foreign_tables = as_array(foreign_tables),
    evidence = evidence and ordered(evidence_keys, M.plain(evidence)) or null,
  })
end

local function target(job, place)
  local identity = job.identity or {}
  return ordered({ "name", "database", "user", "server_version", "system_identifier", "database_oid" }, {
    name = place.target.name or null,
    database = identity.database or null,
    user = identity.user or null,
    server_version = identity.server_version or null,
    system_identifier = identity.system_identifier or null,
    database_oid = identity.database_oid or null,
  })
end

M.target = target

local function error_of(err)
  if not err then return null end
  return ordered({ "kind", "message", "hint", "sqlstate", "where" }, {
    kind = err.kind,
    message = err.message,
    hint = err.hint or null,
    sqlstate = err.sqlstate or null,
    where = err.where or null,
  })
end

M.error_of = error_of

--- What a rehearsal foretold of an apply, beside what became of it.
local function rehearsed(job)
  local found = job.rehearsed
  if not found then return null end
  local keys = { "id", "age_seconds", "seconds", "took_seconds", "items", "rehearsed_items", "rows", "changed_rows" }
  return ordered(keys, {
    id = found.id,
    age_seconds = found.age,
    seconds = found.seconds,
    took_seconds = found.took or null,
    items = found.items,
    rehearsed_items = found.rehearsed,
    rows = found.rows,
    changed_rows = job.rows_changed or 0,
  })
end

local function steps_left_out(job)
  local list = {}
  for at, step in ipairs(job.steps_left_out) do
    list[at] = ordered({ "name", "when" }, { name = step.name, when = step.when })
  end
  return as_array(list)
end

--- The document of a job.
---@param rung "plan"|"simulate"|"rehearse"|"apply"
function M.of(job, place, rung, err, exit)
  return ordered(
    {
      "format",
      "opsh",
      "rung",
      "outcome",
      "exit",
      "run",
      "runbook",
      "target",
      "params",
      "reading",
      "preconditions",
      "plan",
      "drift",
      "backup",
      "steps",
      "steps_left_out",
      "unindexed",
      "rehearsed",
      "compensations",
      "reports",
      "incidents",
      "error",
    },
    {
      format = M.format,
      opsh = host.version(),
      rung = rung,
      outcome = err and "failed" or job.outcome or "planned",
      exit = exit or M.exit(job),
      run = job.id or null,
      runbook = ordered(
        { "path", "title", "sha256" },
        { path = job.path or job.runbook.path, title = job.runbook.title, sha256 = job.runbook.sha256 }
      ),
      target = target(job, place),
      params = params(job),
      reading = reading(job),
      preconditions = M.check_results(job.preconditions),
      plan = not err and kept_plan(job.plan) or null,
      drift = plans.drift_document(job.drift),
      backup = required.document(job.backup),
      steps = steps(job),
      steps_left_out = steps_left_out(job),
      unindexed = unindexed.document(job),
      rehearsed = rehearsed(job),
      compensations = effects.compensations_document(job),
      reports = reports.document(job),
      incidents = effects.incidents_document(job),
      error = error_of(err),
    }
  )
end

function M.exit(job)
  for _, step in ipairs(job.steps) do
    if step.done and step.done.skipped + step.done.rejected + step.done.failed > 0 then return 8 end
  end
  return 0
end

--- The document of a failure before there was a job.
function M.failure(err, exit)
  return ordered(
    { "format", "opsh", "outcome", "exit", "error" },
    { format = M.format, opsh = host.version(), outcome = "failed", exit = exit, error = error_of(err) }
  )
end

return M
