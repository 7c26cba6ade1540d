--- What an undo would do, and what it did, as a document.
local document = require("opsh.host.present.document")
local effects = require("opsh.host.present.effects")
local host = require("opsh.native.host")
local json = require("opsh.native.json")

local null = json.decode("null")
local object, array = json.metatables()

local M = {}

local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end
local function as_array(list) return setmetatable({ unpack(list) }, array) end

local function as_object(fields)
  local made = setmetatable({}, object)
  for name, value in pairs(fields) do
    made[name] = value
  end
  return made
end

--- Conflicts for a document.
function M.conflicts(conflicts)
  local list = {}
  for at, conflict in ipairs(conflicts) do
    local made = { table = conflict.table, key = as_array(conflict.key), reason = conflict.reason }
    for _, name in ipairs({ "column", "old", "wrote", "found" }) do
      local value = rawget(conflict, name)
      made[name] = value == nil and null or value
    end
    list[at] = ordered({ "table", "key", "reason", "column", "old", "wrote", "found" }, made)
  end
  return setmetatable(list, array)
end

--- Columns that could not be put back, for a document.
function M.unrestored(unrestored)
  local list = {}
  for at, entry in ipairs(unrestored) do
    list[at] =
      ordered({ "table", "column", "rows" }, { table = entry.table, column = entry.column, rows = entry.rows })
  end
  return setmetatable(list, array)
end

local function planned_tables(plan)
  local list = {}
  for at, entry in ipairs(plan.tables) do
    list[at] = ordered({ "table", "gone", "rows", "conflicts", "indirect", "triggers", "unsettable", "gained" }, {
      table = entry.table,
      gone = entry.gone,
      rows = as_object(entry.rows),
      conflicts = as_object(entry.left),
      indirect = as_array(entry.indirect),
      triggers = as_array(entry.triggers),
      unsettable = as_array(entry.unsettable),
      gained = as_array(entry.gained),
    })
  end
  return setmetatable(list, array)
end

--- What the run did beyond the database: the steps that are taken back, or would be, and what stays.
local function beyond_document(job)
  local found, taken_back, stays = job.effects and job.effects.found, {}, {}
  for at, due in ipairs(found and found.due or {}) do
    taken_back[at] = due.name
  end
  for at, one in ipairs(found and found.stays or {}) do
    stays[at] = ordered({ "step", "what" }, { step = one.step, what = one.what })
  end
  return ordered({ "steps", "left", "stays" }, {
    steps = setmetatable(taken_back, array),
    left = job.effects and job.effects.left or false,
    stays = setmetatable(stays, array),
  })
end

local function planned_definitions(plan)
  local list = {}
  for at, entry in ipairs(plan and plan.definitions or {}) do
    list[at] = ordered({ "step", "name", "key" }, { step = entry.step, name = entry.name, key = as_array(entry.key) })
  end
  return setmetatable(list, array)
end

--- The document of an undo: of a plan, of a result, or of a failure. docs/undo.md explains the fields.
function M.of(job, place, _, err, exit)
  local plan, undo = job.undo_plan, job.undone
  local restored = 0
  for _, step in ipairs(job.steps or {}) do
    if step.done then restored = restored + step.done.items end
  end
  return ordered({
    "format",
    "opsh",
    "rung",
    "outcome",
    "exit",
    "run",
    "undo_of",
    "target",
    "tables",
    "definitions",
    "restored",
    "left",
    "conflicts",
    "unrestored",
    "effects",
    "incidents",
    "error",
  }, {
    format = document.format,
    opsh = host.version(),
    rung = job.planned_only and "undo plan" or "undo",
    outcome = err and "failed" or job.outcome,
    exit = exit or 0,
    run = not job.planned_only and job.id or null,
    undo_of = job.undo_of,
    target = document.target(job, place),
    tables = plan and planned_tables(plan) or setmetatable({}, array),
    definitions = planned_definitions(plan),
    restored = job.planned_only and plan and plan.restored or restored,
    left = undo and undo.rows or plan and plan.left or 0,
    conflicts = M.conflicts(undo and undo.conflicts or plan and plan.conflicts or {}),
    unrestored = M.unrestored(undo and undo.unrestored or {}),
    effects = beyond_document(job),
    incidents = effects.incidents_document(job.effects or {}),
    error = document.error_of(err),
  })
end

return M
