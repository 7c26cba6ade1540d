--- A plan as text.
local charts = require("opsh.host.present.charts")
local checks = require("opsh.host.runbook.checks")
local checks_text = require("opsh.host.present.checks")
local effects = require("opsh.host.present.effects")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local params = require("opsh.host.runbook.params")
local planning = require("opsh.host.runbook.planning")
local report = require("opsh.native.report")
local reports = require("opsh.host.present.reports")
local rejections = require("opsh.host.present.rejections")
local required = require("opsh.host.present.required")
local sorted_names = require("opsh.host.sorted_names")
local text = require("opsh.native.text")
local unindexed = require("opsh.host.present.unindexed")

local M = {}

local null = json.decode("null")
local tally_rows = 20
local widest_cell = 60
local bar_columns, bars_from = 20, 70

local function figure(value)
  if type(value) == "number" and value == math.floor(value) and math.abs(value) < 2 ^ 63 then
    return report.number(value)
  end
  if value == nil or value == null then return "" end
  return tostring(value)
end

M.figure = figure

--- Names and figures, aligned.
function M.pairs(values, indent)
  local rows, names_width, figures_width = {}, 0, 0
  for _, name in ipairs(sorted_names(values)) do
    local row = { text.printable(tostring(name)), text.printable(figure(values[name])) }
    rows[#rows + 1] = row
    names_width, figures_width = math.max(names_width, text.width(row[1])), math.max(figures_width, text.width(row[2]))
  end
  local lines = {}
  for at, row in ipairs(rows) do
    lines[at] = (" "):rep(indent)
      .. text.pad_right(row[1], names_width)
      .. "  "
      .. text.pad_left(row[2], figures_width)
      .. "\n"
  end
  return table.concat(lines)
end

local function is_numeric(rows, column)
  local any = false
  for _, row in ipairs(rows) do
    if row[column] ~= null and row[column] ~= nil then
      if not tonumber(row[column]) then return false end
      any = true
    end
  end
  return any
end

local function tally(out, step)
  local planned = step.planned
  if #step.tally == 0 or #planned.tally == 0 then return "" end
  local columns, rows = {}, {}
  for at, name in ipairs(step.tally) do
    columns[at] = { name = name }
  end
  columns[#columns + 1] = { title = "items", right = true }
  -- Where there is room: the groups are sorted, so that the first is the largest.
  local with_bars = out.width >= bars_from
  if with_bars then columns[#columns + 1] = { name = "" } end
  for at = 1, math.min(#planned.tally, tally_rows) do
    local row = {}
    for column, name in ipairs(step.tally) do
      row[column] = figure(planned.tally[at][name])
    end
    row[#row + 1] = figure(planned.tally[at].count)
    if with_bars then row[#row + 1] = charts.bar(planned.tally[at].count, planned.tally[1].count, bar_columns) end
    rows[at] = row
  end
  for at = 1, #step.tally do
    columns[at].right = is_numeric(rows, at)
  end
  local more = #planned.tally - #rows
  return "\n"
    .. out.table(columns, rows, 2)
    .. (more > 0 and lang.format("  and %s; --json has them all\n", lang.counted(more, "more group")) or "")
end

local function sample(out, planned)
  if not planned.sample or #planned.sample == 0 then return "" end
  local columns, rows = {}, {}
  for at, name in ipairs(planned.columns) do
    columns[at] = { name = name, right = is_numeric(planned.sample, at) }
  end
  for at, row in ipairs(planned.sample) do
    rows[at] = {}
    for column = 1, #columns do
      local value = row[column]
      rows[at][column] = (value == nil or value == null) and "NULL" or text.fit(text.printable(value), widest_cell)
    end
  end
  local all = lang.counted(planned.items, "item")
  local heading = #rows < planned.items and lang.format("the first %s of %s", report.number(#rows), all) or all
  return ("\n  %s\n"):format(heading) .. out.table(columns, rows, 2)
end

local function checks_now(out, step)
  if not step.checks_now or #step.checks_now == 0 then return "" end
  return lang.text("\n  checks, as they are now\n") .. checks_text.render(out, step.checks_now, 2, true)
end

--- What is to be known of a schema step.
local function schema_text(out, step)
  local lines = {}
  local function add(line, alarming)
    lines[#lines + 1] = ("  %s\n"):format(alarming and out.color(31, line) or line)
  end
  add(
    lang.text(
      step.undo and "schema step: no journal of rows; its undo takes back what it made"
        or "schema step without undo: it cannot be undone"
    ),
    not step.undo
  )
  if step.autocommit then add(lang.text("autocommit: one statement an item, outside a transaction")) end
  if step.journal == false then add(lang.text("journal = false: whether it changes rows is not looked at"), true) end
  if step.loses_data then
    add(lang.format("loses data, which no journal has: %s", text.printable(lang.message(step.loses_data))), true)
  end
  return table.concat(lines)
end

--- The items of a schema step, each with its DDL where the plan has that as a column, to be read in full.
local function definitions(out, step)
  local planned, place = step.planned, {}
  for at, name in ipairs(planned.columns or {}) do
    place[name] = at
  end
  if not place.ddl then return sample(out, planned) end
  local parts = {}
  for _, row in ipairs(planned.sample or {}) do
    local key = {}
    for at, name in ipairs(step.key) do
      key[at] = text.printable(tostring(row[place[name]]))
    end
    local note = place.note and row[place.note]
    parts[#parts + 1] = ("\n  %s%s\n"):format(
      table.concat(key, ", "),
      (note == nil or note == null) and "" or ("  (%s)"):format(text.printable(note))
    )
    for line in (tostring(row[place.ddl]) .. "\n"):gmatch("(.-)\n") do
      parts[#parts + 1] = ("    %s\n"):format(text.printable(line))
    end
  end
  local more = planned.items - #(planned.sample or {})
  if more > 0 then parts[#parts + 1] = lang.format("\n  and %s\n", lang.counted(more, "more item")) end
  return table.concat(parts)
end

--- The line above what is said of a step.
---@param many boolean whether there are several
function M.step_heading(out, step, many)
  local word = many and lang.format("step %d", step.number) or lang.text("step")
  return ("\n%s %s\n"):format(out.strong(word), text.printable(lang.message(step.name)))
end

--- Whether a simulation comes to a step that is planned after another: it works off what came before, where its one
--- transaction can have that.
local function can_be_simulated(steps, step)
  local by_name = {}
  for _, other in ipairs(steps) do
    by_name[other.name] = other
  end
  while step do
    if step.kind ~= "items" or step.autocommit then return false end
    step = step.after and by_name[step.after]
  end
  return true
end

---@param alone boolean whether this is all that the command does
local function step_text(out, step, job, alone)
  local parts = {}
  local function add(line) parts[#parts + 1] = line end
  add(M.step_heading(out, step, #job.steps > 1))
  if step.schema then
    add(schema_text(out, step))
  elseif not step.journaled then
    add(("  %s\n"):format(out.color(31, lang.text("no journal: this step cannot be undone"))))
  end
  if step.kind ~= "items" then
    add(effects.planned(out, step))
    add(checks_now(out, step))
    return table.concat(parts)
  end
  if not step.planned then
    add(lang.format("  planned after %s\n", text.printable(lang.message(step.after))))
    if alone then
      add(
        lang.text(
          can_be_simulated(job.steps, step)
              and "  its rows are known when its turn comes; --simulate=all shows them before\n"
            or "  its rows are known when its turn comes\n"
        )
      )
    end
    return table.concat(parts)
  end
  local planned = step.planned
  local shown = step.summary_figures
    or {
      [lang.text("seen")] = planned.seen,
      [lang.text("items")] = planned.items,
      [lang.text("skipped")] = planned.skipped,
    }
  add(M.pairs(shown, 2))
  if next(planned.labels) then add("\n" .. M.pairs(planned.labels, 2)) end
  if next(planned.totals) then add("\n" .. M.pairs(planned.totals, 2)) end
  add(tally(out, step))
  add(step.schema and definitions(out, step) or sample(out, planned))
  add(rejections.render(out, step))
  add(checks_now(out, step))
  local names = planning.written_names(step)
  if #names > 0 then
    add(lang.format(step.schema and "\n  will change or make %s\n" or "\n  will write %s\n", table.concat(names, ", ")))
  end
  return table.concat(parts)
end

--- What the run has not, and how it would.
local function left_out(job)
  local names, order = {}, {}
  for _, step in ipairs(job.steps_left_out) do
    if not names[step.when] then
      names[step.when], order[#order + 1] = {}, step.when
    end
    table.insert(names[step.when], text.printable(lang.message(step.name)))
  end
  local lines = {}
  for at, when in ipairs(order) do
    lines[at] = lang.format("left out without --%s: %s\n", params.option_name(when), table.concat(names[when], ", "))
  end
  return #lines > 0 and "\n" .. table.concat(lines) or ""
end

local levels = {
  ["reader login"] = "a reader login: it may write no table",
  standby = "a standby: nothing can be written there",
  ["role-less"] = "role-less: this login may write",
}

--- What the session that read was, and what the runbook answers for.
local function reading(job, place, out)
  local facts, lines = job.reading, {}
  if not facts then return "" end
  lines[1] = lang.format("read as  %s, %s\n", text.printable(facts.user), lang.text(levels[facts.level]))
  for _, called in ipairs(job.declared.functions) do
    lines[#lines + 1] = lang.format(
      "declared function %s (%s, %s)\n",
      text.printable(called.name),
      called.volatility,
      text.printable(called.language)
    )
  end
  for _, foreign in ipairs(job.declared.foreign_tables) do
    lines[#lines + 1] = lang.format(
      "declared foreign table %s (server %s)\n",
      text.printable(foreign.name),
      text.printable(foreign.server)
    )
  end
  if facts.superuser and not place.target.sandbox then
    lines[#lines + 1] = out.color(
      31,
      lang.format(
        "warning: %s is a superuser: what a read-only transaction cannot stop is held back by opsh's own gate alone; "
          .. "name a reader login\n",
        text.printable(facts.user)
      )
    )
  end
  return table.concat(lines)
end

--- What shows that a plan wrote nothing: made only of evidence that holds.
local function nothing_written(job)
  local evidence = job.evidence
  if not evidence or evidence.transactions == 0 then return lang.text("Nothing was written.") end
  return lang.format(
    "Nothing was written: no transaction id, %s changed rows in statistics, read-only still on.",
    report.number(evidence.changed_rows)
  )
end

--- The heading that plan and result share.
function M.heading(job, place, out, rung)
  local lines = { ("%s  %s\n"):format(out.strong(lang.text(rung)), text.printable(lang.message(job.runbook.title))) }
  local identity = job.identity
  lines[#lines + 1] = lang.format("runbook  %s\n", text.printable(job.path or job.runbook.path))
  lines[#lines + 1] = lang.format(
    "target   %s%s on PostgreSQL %s, as %s\n",
    place.target.name and place.target.name .. ": " or "",
    text.printable(identity.database),
    identity.server_version,
    text.printable(identity.user)
  )
  if job.plan and job.plan.id then
    lines[#lines + 1] = lang.format("plan     %s, identity %s\n", job.plan.id, job.plan.identity:sub(1, 12))
  end
  for _, name in ipairs(sorted_names(job.params)) do
    local given = table.concat(job.params[name], ", ")
    lines[#lines + 1] = lang.format("param    %s = %s\n", name, text.printable(given))
  end
  return table.concat(lines)
end

---@param again? string the command line, to say how to apply
function M.render(job, place, out, again)
  local parts = { M.heading(job, place, out, "plan"), reading(job, place, out) }
  if job.preconditions and #job.preconditions > 0 then
    parts[#parts + 1] = lang.text("\npreconditions\n") .. checks_text.render(out, job.preconditions, 2)
  end
  for _, step in ipairs(job.steps) do
    parts[#parts + 1] = step_text(out, step, job, again ~= nil)
  end
  parts[#parts + 1] = effects.planned_finally(out, job)
  parts[#parts + 1] = reports.render(job)
  parts[#parts + 1] = unindexed.render(job)
  parts[#parts + 1] = left_out(job)
  if not job.ledger_version then
    parts[#parts + 1] = lang.text(
      "\nThe first apply creates the schema opsh in this database; opsh schema prints its DDL.\n"
    )
  end
  if again then
    local met = not job.preconditions or checks.passed(job.preconditions)
    parts[#parts + 1] = ("\n%s\n"):format(nothing_written(job))
    parts[#parts + 1] = not met and lang.text("The preconditions are not met: apply would refuse.\n")
      or planning.has_work(job) and required.outlook(job.backup) .. lang.format("To apply: %s --apply\n", again)
      or lang.text("There is nothing to do.\n")
  end
  return table.concat(parts)
end

return M
