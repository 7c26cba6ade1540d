--- What an undo would do, and what it did, as text and as a document.
local counted = require("opsh.host.counted")
local document = require("opsh.host.present.document")
local effects = require("opsh.host.present.effects")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local plan_text = require("opsh.host.present.plan")
local report = require("opsh.native.report")
local rows_of = require("opsh.host.runbook.rows")
local text = require("opsh.native.text")

local null = json.decode("null")
local object, array = json.metatables()

local M = {}

--- So many conflicts are shown; --csv has them all.
M.shown = 20

local widest_cell = 40
local operations = { "insert", "update", "delete" }
-- PostgreSQL's oid of the type text.
local text_type = 25

local function cell(value)
  if value == nil or value == null then return "NULL" end
  return text.fit(text.printable(tostring(value)), widest_cell)
end

--- What differs in a conflict; a row that is left as a whole has no values.
local function value_cell(conflict, name)
  if conflict[name] == nil and not rawget(conflict, "column") then return "" end
  return cell(conflict[name])
end

--- Conflicts as a table.
---@param verb string over the value that the undo puts back
function M.conflicts(out, conflicts, verb)
  local rows = {}
  for at = 1, math.min(#conflicts, M.shown) do
    local conflict = conflicts[at]
    rows[at] = {
      text.printable(conflict.table),
      text.printable(table.concat(conflict.key, ", ")),
      conflict.reason,
      text.printable(conflict.column or ""),
      value_cell(conflict, "wrote"),
      value_cell(conflict, "found"),
      value_cell(conflict, "old"),
    }
  end
  return out.table({
    { title = "table" },
    { title = "key" },
    { title = "why" },
    { title = "column" },
    { title = "run wrote" },
    { title = "found" },
    { title = verb },
  }, rows, 2)
end

--- Conflicts as CSV, all that are given.
function M.csv(conflicts)
  local names = { "table", "key", "reason", "column", "old", "wrote", "found" }
  local types, list = {}, {}
  for at in ipairs(names) do
    types[at] = text_type
  end
  local row_metatable = rows_of.metatable(names, types)
  for at, conflict in ipairs(conflicts) do
    local row = {}
    for _, name in ipairs(names) do
      row[name] = rawget(conflict, name)
    end
    row.key = table.concat(conflict.key, ", ")
    list[at] = setmetatable(row, row_metatable)
  end
  return report.csv(setmetatable(list, row_metatable.__list))
end

local function tables_text(out, plan)
  local rows = {}
  for _, entry in ipairs(plan.tables) do
    for _, operation in ipairs(operations) do
      local all = entry.rows[operation]
      if all then
        rows[#rows + 1] = {
          text.printable(entry.table),
          operation,
          report.number(all - entry.left[operation]),
          report.number(entry.left[operation]),
        }
      end
    end
  end
  return "\n"
    .. out.table({
      { title = "table" },
      { title = "the run's" },
      { title = "to take back", right = true },
      { title = "conflicts", right = true },
    }, rows)
end

--- What schema steps made: their items.
local function definitions_text(out, plan)
  if #plan.definitions == 0 then return "" end
  local rows = {}
  for at, entry in ipairs(plan.definitions) do
    rows[at] = { text.printable(entry.name), text.printable(table.concat(entry.key, ", ")) }
  end
  return "\n" .. out.table({ { title = "schema step" }, { title = "to take back" } }, rows)
end

local function warnings(plan)
  local lines = {}
  local function add(entry, words, names)
    if #names == 0 then return end
    for at, name in ipairs(names) do
      names[at] = text.printable(name)
    end
    lines[#lines + 1] = ("%s: %s %s\n"):format(text.printable(entry.table), words, table.concat(names, ", "))
  end
  for _, entry in ipairs(plan.tables) do
    if entry.gone then lines[#lines + 1] = text.printable(entry.table) .. ": the table is not there any more\n" end
    add(entry, "triggers or cascades of the run changed", entry.indirect)
    add(entry, "has triggers, which may keep a column from being put back:", entry.triggers)
    add(entry, "no statement can set back", entry.unsettable)
    add(entry, "has gained columns; a row that comes back gets their defaults:", entry.gained)
  end
  return #lines > 0 and "\n" .. table.concat(lines) or ""
end

local function heading(job, place, out)
  return plan_text.heading(job, place, out, job.planned_only and "plan" or "undo")
    .. ("undoes   run %s\n"):format(job.undo_of)
end

--- What the run did beyond the database: what is taken back, and what stays.
local function beyond_text(out, job)
  local found = job.effects and job.effects.found
  if not found then return "" end
  local lines = {}
  for _, due in ipairs(found.due) do
    lines[#lines + 1] = ("  %s: %s\n"):format(
      text.printable(due.name),
      job.effects.left and out.color(31, "left as it is, by --leave-effects") or "taken back by its compensation"
    )
  end
  for _, one in ipairs(found.stays) do
    lines[#lines + 1] = ("  %s: %s: stays, nothing takes it back\n"):format(
      text.printable(one.step),
      text.printable(one.what)
    )
  end
  return #lines > 0 and "\nbeyond the database\n" .. table.concat(lines) or ""
end

--- The plan as text; `again` is the command line, to say how to apply.
function M.plan(job, place, out, again)
  local plan = job.undo_plan
  local parts = { heading(job, place, out) }
  local function add(part) parts[#parts + 1] = part end
  local beyond = beyond_text(out, job)
  if plan.batches == 0 and #job.steps == 0 then
    add("\nNothing to undo: the run changed no rows.\n" .. beyond)
    return table.concat(parts)
  end
  if plan.batches > 0 then add(tables_text(out, plan)) end
  add(definitions_text(out, plan))
  add(beyond)
  add(warnings(plan))
  if plan.left > 0 then
    add(("\n%s would be left:\n"):format(counted(plan.left, "change")))
    add(M.conflicts(out, plan.conflicts, "would restore"))
    if plan.conflict_count > M.shown then
      add(("  the first %d of %s; --csv=FILE writes them all\n"):format(M.shown, report.number(plan.conflict_count)))
    end
  end
  if again then add(("\nNothing was written. To undo: %s --apply\n"):format(again)) end
  return table.concat(parts)
end

--- The figures of an undo, as `opsh show` and the result print them.
function M.left(out, undo, more)
  local parts = {}
  local function add(part) parts[#parts + 1] = part end
  if undo.rows > 0 then
    local were = undo.rows == 1 and "was left as it is" or "were left as they are"
    add(("\n%s %s:\n"):format(counted(undo.rows, "row"), were))
    add(M.conflicts(out, undo.conflicts, "would restore"))
    if #undo.conflicts > M.shown then add(("  the first %d; %s\n"):format(M.shown, more)) end
  end
  if #undo.unrestored > 0 then
    local rows = {}
    for at, entry in ipairs(undo.unrestored) do
      rows[at] = { text.printable(entry.table), text.printable(entry.column), report.number(entry.rows) }
    end
    add("\ncolumns that could not be put back: a trigger sets them, or the server\n")
    add(out.table({ { title = "table" }, { title = "column" }, { title = "rows", right = true } }, rows, 2))
  end
  return table.concat(parts)
end

--- What was taken back of a step's rows.
local function rows_text(step)
  local shown = { rows = step.done.items, batches = step.done.batches }
  if step.done.skipped > 0 then shown["left as they are"] = step.done.skipped end
  for name, count in pairs(step.done.counts) do
    if count > 0 then shown[name] = count end
  end
  return plan_text.pairs(shown, 2)
end

--- What an undo did.
---@param undo { rows: integer, conflicts: table[], unrestored: table[] } from the ledger
function M.result(job, place, out, undo, more)
  local parts = { "\n", heading(job, place, out), ("run      %s\n"):format(job.id) }
  for _, step in ipairs(job.steps) do
    parts[#parts + 1] = ("\n%s %s\n"):format(out.strong("step"), text.printable(step.name))
      .. (step.take_back and effects.done(step.record) or rows_text(step))
  end
  parts[#parts + 1] = beyond_text(out, job)
  parts[#parts + 1] = M.left(out, undo, more)
  local whole = undo.rows == 0 and #undo.unrestored == 0
  parts[#parts + 1] = whole and "\nUndone.\n" or "\nUndone, but for what is listed.\n"
  return table.concat(parts)
end

local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end
local function as_array(list) return setmetatable({ unpack(list) }, array) end

--- Conflicts for a document.
function M.conflict_list(conflicts)
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
function M.unrestored_list(unrestored)
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
      rows = setmetatable(entry.rows, object),
      conflicts = setmetatable(entry.left, object),
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
function M.document(job, place, _, err, exit)
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
    conflicts = M.conflict_list(undo and undo.conflicts or plan and plan.conflicts or {}),
    unrestored = M.unrestored_list(undo and undo.unrestored or {}),
    effects = beyond_document(job),
    error = document.error_of(err),
  })
end

return M
