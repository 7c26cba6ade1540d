--- A rehearsal as the document of --json: the run document, and what is known only of a rehearsal.
local document = require("opsh.host.present.document")
local effects = require("opsh.host.present.effects")
local json = require("opsh.native.json")
local result = require("opsh.host.present.result")
local slowest = require("opsh.host.backup.slowest")

local M = {}

local null = json.decode("null")
local _, array = json.metatables()

local function ordered(keys, fields)
  for _, key in ipairs(keys) do
    if fields[key] == nil then fields[key] = null end
  end
  return setmetatable(fields, { __columns = keys })
end

local function as_list(values, make)
  local list = {}
  for at, value in ipairs(values or {}) do
    list[at] = make(value)
  end
  return setmetatable(list, array)
end

local function same(value) return value end

--- Some fields of each, in this order.
local function rows(values, ...)
  local keys = { ... }
  return as_list(values, function(value)
    local made = {}
    for _, key in ipairs(keys) do
      made[key] = value[key]
    end
    return ordered(keys, made)
  end)
end

--- The target in words.
function M.target_words(job, place)
  local made = job.rehearsal
  local subject = made.subject
  if not made.today then
    return subject and ("not asked; the backup is of database %s"):format(subject.database) or "not asked"
  end
  return ("%s%s on PostgreSQL %s, only read"):format(
    place.target.name and place.target.name .. ": " or "",
    subject.database,
    subject.server_version
  )
end

--- What a rehearsal cannot tell.
function M.not_rehearsed(job)
  local list = {
    "other sessions: nobody else had rows or tables locked, or changed them",
    "privileges: it ran as the scratch server's superuser or owner, not as the target's login",
  }
  if job.rehearsal.scratch.kind == "sandbox" then
    list[#list + 1] = "the target's machine and settings: memory, disks, replicas that a commit waits for"
  end
  for _, line in ipairs(effects.not_done(job)) do
    list[#list + 1] = line
  end
  return list
end

local function undo_of(taken)
  if not taken then return null end
  return ordered({ "outcome", "message", "seconds", "rows", "left", "unrestored", "equal", "differences" }, {
    outcome = taken.outcome,
    message = taken.message,
    seconds = taken.seconds,
    rows = taken.rows,
    left = taken.left,
    unrestored = rows(taken.unrestored, "table", "column", "rows"),
    equal = taken.equal,
    differences = rows(taken.differences, "what", "name", "wanted", "found", "reason"),
  })
end

local function slowest_of(made)
  if not made.slowest then return null end
  return ordered({ "milliseconds", "statement", "plan" }, {
    milliseconds = made.slowest.milliseconds,
    statement = made.slowest.statement,
    plan = as_list(made.slowest.plan, same),
  })
end

local function steps_of(job)
  local list = {}
  for at, step in ipairs(job.steps) do
    local seconds = job.rehearsal.step_seconds and job.rehearsal.step_seconds[step.number]
    list[at] = ordered({ "step", "seconds" }, { step = step.number, seconds = seconds })
  end
  return setmetatable(list, array)
end

local function rehearsal_of(job)
  local made = job.rehearsal
  if not made.restore then return null end
  local measured = made.measured or {}
  local backup_keys = { "id", "file", "sha256", "level", "origin", "taken", "database", "size" }
  local prediction = made.prediction
  return ordered({
    "backup",
    "scratch",
    "restore",
    "seconds",
    "steps",
    "rows",
    "unjournaled",
    "locks",
    "wal_bytes",
    "temp_bytes",
    "growth_bytes",
    "ledger_bytes",
    "slowest",
    "slowest_known_from_milliseconds",
    "undo",
    "prediction",
    "objections",
    "not_rehearsed",
  }, {
    backup = ordered(backup_keys, document.plain(made.backup)),
    scratch = ordered({ "kind", "database", "server_version", "durable" }, {
      kind = made.scratch.kind,
      database = made.scratch.database,
      server_version = made.scratch.server_version,
      durable = made.scratch.durable,
    }),
    restore = ordered({ "seconds", "equal", "differences" }, {
      seconds = made.restore.seconds,
      equal = made.restore.equal,
      differences = rows(made.restore.differences, "what", "name", "wanted", "found"),
    }),
    seconds = made.seconds,
    steps = steps_of(job),
    rows = rows(measured.rows, "step", "table", "inserted", "updated", "deleted"),
    unjournaled = rows(measured.unjournaled, "step", "rows"),
    locks = rows(measured.locks, "table", "mode", "seconds", "batches", "strong"),
    wal_bytes = measured.wal_bytes,
    temp_bytes = measured.temp_bytes,
    growth_bytes = measured.growth_bytes,
    ledger_bytes = measured.ledger_bytes,
    slowest = slowest_of(made),
    slowest_known_from_milliseconds = made.mark and slowest.least_milliseconds,
    undo = undo_of(made.undo),
    prediction = prediction and ordered({ "seconds", "items", "rehearsed_items", "scaled", "basis" }, {
      seconds = prediction.seconds,
      items = prediction.items,
      rehearsed_items = prediction.rehearsed,
      scaled = prediction.scaled,
      basis = made.today and "plan of today" or "rehearsal",
    }),
    objections = as_list(made.objections, same),
    not_rehearsed = as_list(M.not_rehearsed(job), same),
  })
end

--- The exit status of a rehearsal that went through.
function M.exit(job)
  local taken = job.rehearsal.undo
  local left = taken and taken.outcome == "done" and (taken.left > 0 or #taken.unrestored > 0)
  return (left or result.left_out(job) > 0) and 8 or 0
end

--- The run document; its target is the one that is rehearsed for.
function M.of(job, place, _, err, exit)
  local made = document.of(job, place, "rehearse", err, exit or M.exit(job))
  made.target = document.target({ identity = job.rehearsal.subject }, place)
  made.rehearsal = rehearsal_of(job)
  local columns = getmetatable(made).__columns
  table.insert(columns, #columns, "rehearsal")
  return made
end

return M
