--- What an undo would do, and what it did, as text.
local effects = require("opsh.host.present.effects")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local plan_text = require("opsh.host.present.plan")
local report = require("opsh.native.report")
local rows_of = require("opsh.host.runbook.rows")
local text = require("opsh.native.text")

local null = json.decode("null")

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

return M
