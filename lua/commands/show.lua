--- `opsh show RUN`: one run from the ledger.
local again = require("opsh.host.commands.again")
local arguments = require("opsh.host.commands.arguments")
local changes = require("opsh.host.commands.changes")
local effects = require("opsh.host.present.effects")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local ledger = require("opsh.host.runbook.ledger")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local plan_text = require("opsh.host.present.plan")
local redaction = require("opsh.host.runbook.redaction")
local report = require("opsh.native.report")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local undo_text = require("opsh.host.present.undo")
local workplace = require("opsh.host.workplace")

local object, array = json.metatables()
local listed = 1000

local function heading(out, run)
  local lines = { ("%s  %s\n"):format(out.strong("run " .. run.id), text.printable(run.title)) }
  local function add(name, value)
    lines[#lines + 1] = ("%s  %s\n"):format(text.pad_right(name, 8), text.printable(value))
  end
  add("state", (run.interrupted and "interrupted" or run.state) .. (run.message and ": " .. run.message or ""))
  if run.undo_of then add("undoes", "run " .. run.undo_of) end
  local undone = ledger.undone(run)
  if undone then add("undone", "by run " .. run.last_undo .. (undone == "undone" and "" or ", which is not done")) end
  if run.pruned_at then add("journal", "dropped on " .. run.pruned_at) end
  add("runbook", run.runbook)
  add("by", ("%s with opsh %s"):format(run.operator, run.version))
  if run.reason then add("why", run.reason) end
  add("started", run.started .. " UTC" .. (run.finished and ", finished " .. run.finished or ""))
  for name, texts in pairs(run.params) do
    add("param", ("%s = %s"):format(name, table.concat(texts, ", ")))
  end
  return table.concat(lines)
end

local function steps_text(out, reader, run, steps)
  local rows, parts = {}, {}
  for at, step in ipairs(steps) do
    rows[at] = { tostring(step.number), step.name, step.done and "done" or "open" }
    local figures = {
      report.number(step.planned.items),
      report.number(step.items),
      report.number(step.skipped),
      report.number(step.failed),
      report.number(step.batches),
      report.duration(step.seconds),
    }
    for column = 1, #figures do
      rows[at][#rows[at] + 1] = step.effects and "" or figures[column]
    end
    if step.effects then
      rows[at][3] = step.effects.state or rows[at][3]
      parts[#parts + 1] = ("\n%s\n"):format(text.printable(step.name)) .. effects.done(step.effects)
    end
    parts[#parts + 1] = effects.of_batches(step.name, ledger.batch_effects(reader, run.id, step.number))
    local done = ledger.done(reader, run.id, step.number)
    if next(done.counts) then
      parts[#parts + 1] = ("\n%s\n"):format(text.printable(step.name)) .. plan_text.pairs(done.counts, 2)
    end
  end
  return "\n"
    .. out.table({
      { title = "step", right = true },
      { title = "name" },
      { title = "state" },
      { title = "planned", right = true },
      { title = "done", right = true },
      { title = "left out", right = true },
      { title = "failed", right = true },
      { title = "batches", right = true },
      { title = "took", right = true },
    }, rows)
    .. table.concat(parts)
end

local function left_out_text(out, items)
  if #items == 0 then return "" end
  local rows = {}
  for at, item in ipairs(items) do
    rows[at] =
      { tostring(item.step), tostring(item.batch), item.key, item.outcome, item.sqlstate or "", item.message or "" }
  end
  return "\nleft out\n"
    .. out.table({
      { title = "step", right = true },
      { title = "batch", right = true },
      { title = "key" },
      { title = "why" },
      { title = "SQLSTATE" },
      { title = "message" },
    }, rows)
    .. (#items == listed and ("the first %d; opsh.left_out has them all\n"):format(listed) or "")
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
      conflicts = undo and undo_text.conflict_list(undo.conflicts) or nil,
      unrestored = undo and undo_text.unrestored_list(undo.unrestored) or nil,
      run = run,
      steps = setmetatable({ unpack(steps) }, array),
      left_out = setmetatable({ unpack(left_out) }, array),
    })
  end
  out.text(heading(out, run) .. steps_text(out, reader, run, steps) .. left_out_text(out, left_out))
  local undo = undo_of(reader, run, undo_text.shown + 1)
  if undo then
    local more = ("select from opsh.conflict where run = '%s' shows them all"):format(run.id)
    out.text(undo_text.left(out, undo, more))
  end
  if run.state ~= "done" and not undone then out.text(("\nGo on with: %s\n"):format(again.resume(given, run.id))) end
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
