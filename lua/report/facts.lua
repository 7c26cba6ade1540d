--- What is known of a run, a plan, a rehearsal or a verification, as one document: the facts that every report format
--- is made of. They come from its folder, from the ledger and from the journal, at its end as later, so that
--- `opsh report` makes the very same. docs/report.schema.json says what is in it; what the run document of --json has
--- is in it as it stands there.
local audit = require("opsh.host.runbook.audit")
local checklist = require("opsh.host.report.checklist")
local clipping = require("opsh.host.report.clipping")
local document = require("opsh.host.present.document")
local errors = require("opsh.host.errors")
local facts_ledger = require("opsh.host.report.facts_ledger")
local facts_log = require("opsh.host.report.facts_log")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local ledger = require("opsh.host.runbook.ledger")
local origin = require("opsh.host.report.facts_origin")
local places = require("opsh.host.report.places")
local redaction = require("opsh.host.runbook.redaction")
local shape = require("opsh.host.report.shape")
local summary = require("opsh.host.report.summary")
local system = require("opsh.native.system")
local tables = require("opsh.host.report.tables")

local M = {}

local null, ordered, as_array, first_of = shape.null, shape.ordered, shape.list, shape.first_of

--- Of the document; rises when a field goes away or changes its meaning.
M.format = 1

local function read_json(path)
  if system.file_kind(path) ~= "file" then return nil end
  local ok, value = host.protect(function() return json.decode(system.read_file(path)) end)
  return ok and type(value) == "table" and value or nil
end

local function numbers_of(version)
  local numbers = {}
  for number in tostring(version):gmatch("%d+") do
    numbers[#numbers + 1] = tonumber(number)
  end
  return numbers
end

local function is_newer(version, than)
  local one, other = numbers_of(version), numbers_of(than)
  for at = 1, 3 do
    local left, right = one[at] or 0, other[at] or 0
    if left ~= right then return left > right end
  end
  return false
end

--- What a newer opsh has written may mean something else than it did.
local function refuse_newer(id, ...)
  for at = 1, select("#", ...) do
    local version = select(at, ...)
    if version ~= nil and version ~= null and is_newer(version, host.version()) then
      errors.raise(
        "refused.version",
        ("%s was made by opsh %s, and this is opsh %s"):format(id, version, host.version()),
        "make its report with an opsh that is at least as new"
      )
    end
  end
end

local function rung_of(found, shown, start, event, record)
  local by_kind = { plans = "plan", rehearsals = "rehearse", verifications = "verify" }
  if by_kind[found.kind] then return by_kind[found.kind] end
  if event == "simulation started" then return "simulate" end
  if record and record.undo_of or start.undo_of then return "undo" end
  return shown.rung or "apply"
end

--- Why a run is in its state, where its own document does not say it any more.
local function error_of(shown, record, entries)
  if shown.error ~= nil and shown.error ~= null then return shown.error end
  local last = entries[#entries]
  local recorded = last and last.event == "run stopped" and last.details.error
  if not recorded and not (record and record.message) then return null end
  recorded = recorded or {}
  return ordered({ "kind", "message", "hint", "sqlstate", "where" }, {
    kind = first_of(recorded.kind, "run.stopped"),
    message = first_of(recorded.message, record and record.message, "see the audit log"),
    sqlstate = recorded.sqlstate,
    where = recorded.where,
  })
end

--- Whether a run has gone on since it was shown: another opsh was killed then, or worked on another machine.
local function is_stale(shown, record)
  if not record then return false end
  return record.state == "running" or record.state == "done" and shown.outcome == "failed"
end

--- How it ended. That of a run that was killed only the ledger knows; while it is at work, nobody.
local function outcome_of(shown, record, entries)
  if record and record.state == "running" then return record.interrupted and "interrupted" or "running", null end
  if shown.outcome then return shown.outcome, shown.exit end
  if record then return record.state == "done" and "done" or "failed", null end
  local last = entries[#entries]
  return last and last.event == "run stopped" and "failed" or "interrupted", null
end

--- The steps of a run that no ledger knows, with what the audit log has of their time.
local function steps_without_ledger(shown, entries)
  local seconds, checked = facts_log.step_seconds(entries), facts_log.checks(entries)
  for _, step in ipairs(shown.steps or {}) do
    step.seconds, step.finished = seconds[step.number] or null, null
    step.timeline, step.changed = as_array(), as_array()
    if #step.checks == 0 and checked[step.number] then step.checks = checked[step.number] end
  end
  return shown.steps or {}
end

-- The keys of a step in the document of a run, and those that only a report has, behind the one that they belong to.
local step_keys = {}
for _, key in ipairs(document.step_keys) do
  step_keys[#step_keys + 1] = key
  for _, more in ipairs(({ schema = { "finished", "seconds" }, batches = { "timeline", "changed" } })[key] or {}) do
    step_keys[#step_keys + 1] = more
  end
end

local function steps_of(found, shown, entries, reader, record)
  local steps
  if record then
    steps = facts_ledger.steps(reader, found.id, shown.steps)
    local seconds, checked = facts_log.step_seconds(entries), facts_log.checks(entries)
    for _, step in ipairs(steps) do
      step.seconds = seconds[step.number] or step.seconds
      if #step.checks == 0 and checked[step.number] then step.checks = checked[step.number] end
      step.timeline, step.changed = step.timeline or as_array(), step.changed or as_array()
    end
  else
    steps = steps_without_ledger(shown, entries)
  end
  local list = {}
  for at, step in ipairs(steps) do
    local made = {}
    for _, key in ipairs(step_keys) do
      made[key] = step[key]
    end
    list[at] = ordered(step_keys, made)
  end
  return as_array(list)
end

--- What an undo takes back: the parts of its document that no other rung has.
local function undo_of(shown, start, record)
  local of = record and record.undo_of or start.undo_of
  if not of then return null end
  local keys = { "of", "tables", "definitions", "restored", "left", "conflicts", "unrestored", "effects" }
  return ordered(keys, {
    of = of,
    tables = shown.tables or as_array(),
    definitions = shown.definitions or as_array(),
    restored = shown.restored,
    left = shown.left,
    conflicts = shown.conflicts or as_array(),
    unrestored = shown.unrestored or as_array(),
    effects = shown.effects,
  })
end

local function undone_of(record)
  local undone = record and ledger.undone(record)
  return undone and ordered({ "state", "by" }, { state = undone, by = record.last_undo }) or null
end

local keys = {
  "kind",
  "format",
  "opsh",
  "made",
  "id",
  "rung",
  "state",
  "outcome",
  "exit",
  "summary",
  "runbook",
  "target",
  "environment",
  "operator",
  "reason",
  "command",
  "times",
  "params",
  "reading",
  "preconditions",
  "plan",
  "drift",
  "backup",
  "steps",
  "steps_left_out",
  "simulation",
  "rehearsal",
  "rehearsed",
  "undo",
  "undone",
  "verify",
  "compensations",
  "left_out",
  "changes",
  "reports",
  "tables",
  "incidents",
  "error",
  "audit",
  "checklist",
}

local function known_to(reader, found)
  if not reader or found.kind ~= "runs" then return nil end
  local ok, record = host.protect(ledger.run, reader, found.id)
  if ok then return record end
  if record.kind ~= "usage.run" then error(record, 0) end
end

--- The id of a plan, and what it was made of.
local function plan_of(shown, plan)
  if shown.plan ~= nil and shown.plan ~= null then return shown.plan end
  return plan and ordered({ "id", "identity" }, { id = plan.id, identity = plan.identity }) or null
end

--- Those of the document; of a resume, which asks no preconditions, what the log has of the start.
local function preconditions_of(shown, start)
  local own = shown.preconditions
  if own and #own > 0 or not start.preconditions then return own or as_array() end
  return facts_log.checks_of(start.preconditions)
end

--- The rows that the journal has: how many, and the first.
local function changes_of(steps, reader, id, hidden)
  local total = 0
  for _, step in ipairs(steps) do
    for _, row in ipairs(step.changed) do
      total = total + row.inserted + row.updated + row.deleted
    end
  end
  return ordered({ "total", "list" }, { total = total, list = facts_ledger.changes(reader, id, hidden) })
end

--- The sources of what a report is about, as lang.of takes them.
function M.sources(made)
  local sources = {}
  for _, source in ipairs(made.runbook.sources) do
    sources[source.path] = source.sha256
  end
  return sources
end

--- The facts.
---@param found { kind: string, id: string, directory: string } of places.lua
---@param reader? userdata that reads the ledger; without it what the folder has is all there is
---@return table document
function M.of(found, reader)
  local shown = read_json(places.shown(found.directory)) or {}
  local plan = found.kind == "plans" and read_json(found.directory .. "/plan.json") or nil
  local entries = facts_log.entries(found.directory)
  local start, event = facts_log.start(entries)
  local record = known_to(reader, found)
  if is_stale(shown, record) then shown = {} end
  refuse_newer(found.id, shown.opsh, record and record.version, start.versions and start.versions.opsh)
  if not (shown.format or record or #entries > 0) then
    errors.raise("usage.run", ("there is nothing of %s here"):format(found.id), "its report is made where it ran")
  end
  local journaled = record and ledger.has_journal(reader)
  local hidden = record and redaction.of_run(reader, found.id) or {}
  local outcome, exit = outcome_of(shown, record, entries)
  local made = {
    kind = "report",
    format = M.format,
    opsh = host.version(),
    made = system.utc_now(),
    id = found.id,
    rung = rung_of(found, shown, start, event, record),
    state = record and (record.interrupted and "interrupted" or record.state),
    outcome = outcome,
    exit = exit,
    runbook = origin.runbook(shown, start, record, plan),
    target = origin.target(shown, start, record, plan),
    environment = origin.environment(shown, start, record),
    operator = origin.operator(shown, start, record, plan),
    reason = first_of(start.reason, record and record.reason, plan and plan.reason),
    command = first_of(start.command, plan and plan.command),
    times = origin.times(found, shown, entries, record, plan),
    params = first_of(shown.params, record and record.params, start.params, shape.object()),
    reading = first_of(shown.reading, start.reading),
    preconditions = preconditions_of(shown, start),
    plan = plan_of(shown, plan),
    drift = shown.drift,
    backup = first_of(shown.backup, start.backup),
    steps = steps_of(found, shown, entries, reader, journaled and record or nil),
    steps_left_out = first_of(shown.steps_left_out, as_array()),
    simulation = shown.simulation,
    rehearsal = shown.rehearsal,
    rehearsed = shown.rehearsed,
    undo = undo_of(shown, start, record),
    undone = undone_of(record),
    verify = shown.verify,
    compensations = first_of(shown.compensations, as_array()),
    left_out = journaled and facts_ledger.left_out(reader, found.id, hidden) or null,
    reports = first_of(shown.reports, as_array()),
    tables = tables.document(record and reader, found.id, found.directory),
    incidents = first_of(record and record.incidents, shown.incidents, as_array()),
    error = outcome == "failed" and error_of(shown, record, entries) or null,
    audit = facts_log.chain(
      found.directory,
      found.id,
      entries,
      record and audit.recorded(reader, found.id),
      found.kind ~= "runs" or event == "simulation started"
    ),
  }
  made.summary = summary.of(made, journaled and ledger.changed_rows(reader, found.id) or nil)
  made.changes = journaled and changes_of(made.steps, reader, found.id, hidden) or null
  made.checklist = checklist.of(made)
  return clipping.all(ordered(keys, made))
end

return M
