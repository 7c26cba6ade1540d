--- `opsh show RUN`: one run from the ledger.
local again = require("opsh.host.commands.again")
local arguments = require("opsh.host.commands.arguments")
local changes = require("opsh.host.commands.changes")
local effects = require("opsh.host.present.effects")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local ledger = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local plan_text = require("opsh.host.present.plan")
local redaction = require("opsh.host.runbook.redaction")
local report = require("opsh.native.report")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local undo_document = require("opsh.host.present.undo_document")
local undo_text = require("opsh.host.present.undo")
local workplace = require("opsh.host.workplace")

local object, array = json.metatables()
local listed = 1000

local labels = { "state", "undoes", "undone", "journal", "runbook", "by", "why", "started", "param" }

local function heading(out, run)
  lang.of(run.sources, run.runbook)
  local lines =
    { ("%s  %s\n"):format(out.strong(lang.format("run %s", run.id)), text.printable(lang.message(run.title))) }
  local width = lang.widest(labels, 8)
  local function add(name, value)
    lines[#lines + 1] = ("%s  %s\n"):format(text.pad_right(lang.text(name), width), text.printable(value))
  end
  local state = lang.text(run.interrupted and "interrupted" or run.state)
  add("state", state .. (run.message and ": " .. lang.message(run.message) or ""))
  if run.undo_of then add("undoes", lang.format("run %s", run.undo_of)) end
  local undone = ledger.undone(run)
  if undone then
    add("undone", lang.format(undone == "undone" and "by run %s" or "by run %s, which is not done", run.last_undo))
  end
  if run.pruned_at then add("journal", lang.format("dropped on %s", run.pruned_at)) end
  add("runbook", run.runbook)
  add("by", lang.format("%s with opsh %s", run.operator, run.version))
  if run.reason then add("why", run.reason) end
  add("started", run.started .. " UTC" .. (run.finished and lang.format(", finished %s", run.finished) or ""))
  for name, texts in pairs(run.params) do
    add("param", ("%s = %s"):format(name, table.concat(texts, ", ")))
  end
  return table.concat(lines)
end

local function steps_text(out, reader, run, steps)
  local rows, parts, rejects = {}, {}, false
  for _, step in ipairs(steps) do
    rejects = rejects or step.rejected > 0
  end
  for at, step in ipairs(steps) do
    rows[at] = { tostring(step.number), lang.message(step.name), lang.text(step.done and "done" or "open") }
    local figures = {
      report.number(step.planned.items),
      report.number(step.items),
      report.number(step.skipped),
      report.number(step.failed),
      report.number(step.batches),
      report.duration(step.seconds),
    }
    if rejects then table.insert(figures, 3, report.number(step.rejected)) end
    for column = 1, #figures do
      rows[at][#rows[at] + 1] = step.effects and "" or figures[column]
    end
    if step.effects then
      rows[at][3] = step.effects.state and lang.text(step.effects.state) or rows[at][3]
      parts[#parts + 1] = ("\n%s\n"):format(text.printable(lang.message(step.name))) .. effects.done(step.effects)
    end
    parts[#parts + 1] = effects.of_batches(step.name, ledger.batch_effects(reader, run.id, step.number))
    local done = ledger.done(reader, run.id, step.number)
    if next(done.counts) then
      parts[#parts + 1] = ("\n%s\n"):format(text.printable(lang.message(step.name))) .. plan_text.pairs(done.counts, 2)
    end
  end
  local columns = { { title = "step", right = true }, { title = "name" }, { title = "state" } }
  for _, title in ipairs({ "planned", "done", "left out", "failed", "batches", "took" }) do
    columns[#columns + 1] = { title = title, right = true }
  end
  if rejects then table.insert(columns, 6, { title = "rejected", right = true }) end
  return "\n" .. out.table(columns, rows) .. table.concat(parts)
end

local function left_out_text(out, items)
  if #items == 0 then return "" end
  local rows = {}
  for at, item in ipairs(items) do
    rows[at] = {
      tostring(item.step),
      item.batch and tostring(item.batch) or "",
      item.key,
      item.label and ("%s: %s"):format(lang.text(item.outcome), item.label) or lang.text(item.outcome),
      item.sqlstate or "",
      item.message and lang.message(item.message) or "",
    }
  end
  return lang.text("\nleft out\n")
    .. out.table({
      { title = "step", right = true },
      { title = "batch", right = true },
      { title = "key" },
      { title = "why" },
      { title = "SQLSTATE" },
      { title = "message" },
    }, rows)
    .. (#items == listed and lang.format("the first %d; opsh.left_out has them all\n", listed) or "")
end

--- What an undo left, or nil for another run.
local function undo_of(reader, run, most)
  if not run.undo_of then return nil end
  local rows, unrestored = ledger.left_by_undo(reader, run.id)
  local conflicts = redaction.conflicts(ledger.conflicts(reader, run.id, most), redaction.of_run(reader, run.id))
  return { rows = rows, unrestored = unrestored, conflicts = conflicts }
end

local function show(given, out, reader, id)
  if given.changes then return changes.show(given, out, reader, id) end
  local run = ledger.run(reader, id)
  local undone = ledger.undone(run)
  local steps, left_out = ledger.steps(reader, run.id), ledger.left_out(reader, run.id, listed)
  if out.json then
    run.state = run.interrupted and "interrupted" or run.state
    for _, step in ipairs(steps) do
      local counts = setmetatable({}, object)
      for name, count in pairs(ledger.done(reader, run.id, step.number).counts) do
        counts[name] = count
      end
      rawset(step, "counts", counts)
    end
    local undo = undo_of(reader, run, listed)
    return out.document({
      conflicts = undo and undo_document.conflicts(undo.conflicts) or nil,
      unrestored = undo and undo_document.unrestored(undo.unrestored) or nil,
      run = run,
      steps = setmetatable({ unpack(steps) }, array),
      left_out = setmetatable({ unpack(left_out) }, array),
    })
  end
  out.text(heading(out, run) .. steps_text(out, reader, run, steps) .. left_out_text(out, left_out))
  out.text(effects.incidents(out, run))
  local undo = undo_of(reader, run, undo_text.shown + 1)
  if undo then
    local more = lang.format("select from opsh.conflict where run = '%s' shows them all", run.id)
    out.text(undo_text.left(out, undo, more))
  end
  if run.state ~= "done" and not undone and (run.interrupted or not ledger.is_typed(run)) then
    out.text(lang.format("\nGo on with: %s\n", again.resume(given, run.id)))
  end
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh show",
    description = "Shows one run: its steps, their figures, and the items that were left out.",
    options = options.join(changes.options, options.host),
    positionals = { { name = "RUN", help = "Its id, or the beginning of it.", required = true } },
  })
  if not given then return 0 end
  changes.check(given)
  local out, place = screen.open(given), workplace.open(given)
  local ok, result = host.protect(function()
    local reader = native_db.host_reader(place.target)
    show(given, out, reader, words[1])
    reader:close()
  end)
  place.close()
  if not ok then error(result, 0) end
  return 0
end
