--- What an undo would do, and what it did, as text and as a document.
local document = require("opsh.host.present.document")
local effects = require("opsh.host.present.effects")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
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
      lang.text(conflict.reason),
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

--- Conflicts as rows, all that are given.
function M.conflict_rows(conflicts)
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
  return setmetatable(list, row_metatable.__list)
end

--- The same as CSV.
function M.csv(conflicts) return report.csv(M.conflict_rows(conflicts)) end

local function tables_text(out, plan)
  local rows = {}
  for _, entry in ipairs(plan.tables) do
    for _, operation in ipairs(operations) do
      local all = entry.rows[operation]
      if all then
        rows[#rows + 1] = {
          text.printable(entry.table),
          lang.text(operation),
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
    rows[at] = { text.printable(lang.message(entry.name)), text.printable(table.concat(entry.key, ", ")) }
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
    lines[#lines + 1] = ("%s: %s %s\n"):format(text.printable(entry.table), lang.text(words), table.concat(names, ", "))
  end
  for _, entry in ipairs(plan.tables) do
    if entry.gone then
      lines[#lines + 1] = lang.format("%s: the table is not there any more\n", text.printable(entry.table))
    end
    add(entry, "triggers or cascades of the run changed", entry.indirect)
    add(entry, "has triggers, which may keep a column from being put back:", entry.triggers)
    add(entry, "no statement can set back", entry.unsettable)
    add(entry, "has gained columns; a row that comes back gets their defaults:", entry.gained)
  end
  return #lines > 0 and "\n" .. table.concat(lines) or ""
end

local function heading(job, place, out)
  return plan_text.heading(job, place, out, job.planned_only and "plan" or "undo")
    .. lang.format("undoes   run %s\n", job.undo_of)
end

--- What the run did beyond the database: what is taken back, and what stays.
local function beyond_text(out, job)
  local found = job.effects and job.effects.found
  if not found then return "" end
  local lines = {}
  for _, due in ipairs(found.due) do
    lines[#lines + 1] = ("  %s: %s\n"):format(
      text.printable(lang.message(due.name)),
      job.effects.left and out.color(31, lang.text("left as it is, by --leave-effects"))
        or lang.text("taken back by its compensation")
    )
  end
  for _, one in ipairs(found.stays) do
    lines[#lines + 1] = lang.format(
      "  %s: %s: stays, nothing takes it back\n",
      text.printable(lang.message(one.step)),
      text.printable(lang.message(one.what))
    )
  end
  return #lines > 0 and lang.text("\nbeyond the database\n") .. table.concat(lines) or ""
end

--- The plan as text; `again` is the command line, to say how to apply.
function M.plan(job, place, out, again)
  local plan = job.undo_plan
  local parts = { heading(job, place, out) }
  local function add(part) parts[#parts + 1] = part end
  local beyond = beyond_text(out, job)
  if plan.batches == 0 and #job.steps == 0 then
    add(lang.text("\nNothing to undo: the run changed no rows.\n") .. beyond)
    return table.concat(parts)
  end
  if plan.batches > 0 then add(tables_text(out, plan)) end
  add(definitions_text(out, plan))
  add(beyond)
  add(warnings(plan))
  if plan.left > 0 then
    add(lang.format("\n%s would be left:\n", lang.counted(plan.left, "change")))
    add(M.conflicts(out, plan.conflicts, "would restore"))
    if plan.conflict_count > M.shown then
      local all = report.number(plan.conflict_count)
      add(lang.format("  the first %d of %s; --csv=FILE writes them all\n", M.shown, all))
    end
  end
  if again then add(lang.format("\nNothing was written. To undo: %s --apply\n", again)) end
  return table.concat(parts)
end

--- The figures of an undo, as `opsh show` and the result print them.
function M.left(out, undo, more)
  local parts = {}
  local function add(part) parts[#parts + 1] = part end
  if undo.rows > 0 then
    local form = undo.rows == 1 and "\n%s was left as it is:\n" or "\n%s were left as they are:\n"
    add(lang.format(form, lang.counted(undo.rows, "row")))
    add(M.conflicts(out, undo.conflicts, "would restore"))
    if #undo.conflicts > M.shown then add(lang.format("  the first %d; %s\n", M.shown, more)) end
  end
  if #undo.unrestored > 0 then
    local rows = {}
    for at, entry in ipairs(undo.unrestored) do
      rows[at] = { text.printable(entry.table), text.printable(entry.column), report.number(entry.rows) }
    end
    add(lang.text("\ncolumns that could not be put back: a trigger sets them, or the server\n"))
    add(out.table({ { title = "table" }, { title = "column" }, { title = "rows", right = true } }, rows, 2))
  end
  return table.concat(parts)
end

--- What was taken back of a step's rows.
local function rows_text(step)
  local shown = { [lang.text("rows")] = step.done.items, [lang.text("batches")] = step.done.batches }
  if step.done.skipped > 0 then shown[lang.text("left as they are")] = step.done.skipped end
  for name, count in pairs(step.done.counts) do
    if count > 0 then shown[lang.text(name)] = count end
  end
  return plan_text.pairs(shown, 2)
end

--- What an undo did.
---@param undo { rows: integer, conflicts: table[], unrestored: table[] } from the ledger
function M.result(job, place, out, undo, more)
  local parts = { "\n", heading(job, place, out), lang.format("run      %s\n", job.id) }
  for _, step in ipairs(job.steps) do
    parts[#parts + 1] = plan_text.step_heading(out, step, false)
      .. (step.take_back and effects.done(step.record) or rows_text(step))
  end
  parts[#parts + 1] = beyond_text(out, job)
  parts[#parts + 1] = effects.incidents(out, job.effects or {})
  parts[#parts + 1] = M.left(out, undo, more)
  local whole = undo.rows == 0 and #undo.unrestored == 0
  parts[#parts + 1] = lang.text(whole and "\nUndone.\n" or "\nUndone, but for what is listed.\n")
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
    conflicts = M.conflict_list(undo and undo.conflicts or plan and plan.conflicts or {}),
    unrestored = M.unrestored_list(undo and undo.unrestored or {}),
    effects = beyond_document(job),
    incidents = effects.incidents_document(job.effects or {}),
    error = document.error_of(err),
  })
end

return M
