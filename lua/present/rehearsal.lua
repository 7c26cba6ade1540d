--- What a rehearsal did, what it cost and what it foretells, as text. Computes nothing that the document has not.
local document = require("opsh.host.present.rehearsal_document")
local lang = require("opsh.host.lang")
local plan_text = require("opsh.host.present.plan")
local report = require("opsh.native.report")
local result = require("opsh.host.present.result")
local slowest = require("opsh.host.backup.slowest")
local sorted_names = require("opsh.host.sorted_names")
local text = require("opsh.native.text")

local M = {}

M.document, M.exit = document.of, document.exit

local shown_differences = 10

-- Who waits behind a lock that is more than writing rows takes.
local waits = {
  ShareUpdateExclusiveLock = "vacuum and changes of the table wait",
  ShareLock = "all who write wait",
  ShareRowExclusiveLock = "all who write wait",
  ExclusiveLock = "all who write or lock rows wait",
  AccessExclusiveLock = "all wait, also who only reads",
}

local labels = { "runbook", "target", "param", "backup", "scratch", "restored", "run" }

local function line(name, words)
  return ("%s  %s\n"):format(text.pad_right(lang.text(name), lang.widest(labels)), text.printable(words))
end

local function heading(job, place, out)
  local made, parts = job.rehearsal, {}
  parts[1] = ("%s  %s\n"):format(out.strong(lang.text("rehearse")), text.printable(lang.message(job.runbook.title)))
  parts[#parts + 1] = line("runbook", job.path)
  parts[#parts + 1] = line("target", lang.message(document.target_words(job, place)))
  for _, name in ipairs(sorted_names(job.params)) do
    parts[#parts + 1] = line("param", ("%s = %s"):format(name, table.concat(job.params[name], ", ")))
  end
  parts[#parts + 1] = line("backup", ("%s, %s%s"):format(
    made.backup.file,
    lang.text(made.backup.level),
    made.backup.taken and lang.format(", taken %s", made.backup.taken) or ""
  ))
  parts[#parts + 1] = line("scratch", lang.message(made.scratch.described))
  if made.restore then
    parts[#parts + 1] = line(
      "restored",
      lang.format(
        "in %s%s",
        report.duration(made.restore.seconds),
        made.restore.equal and lang.text(", and equal to its certificate") or ""
      )
    )
  end
  parts[#parts + 1] = line("run", job.id)
  return table.concat(parts)
end

local function rate(step, seconds)
  if not seconds or not step.done or step.done.items == 0 or seconds <= 0 then return "" end
  return lang.format(
    "\n  took %s, %s items/s\n",
    report.duration(seconds),
    report.number(math.floor(step.done.items / seconds + 0.5))
  )
end

local function rows_text(out, job)
  local measured, rows, many = job.rehearsal.measured, {}, #job.steps > 1
  for _, row in ipairs(measured.rows) do
    rows[#rows + 1] = {
      report.number(row.step),
      text.printable(row.table),
      report.number(row.inserted),
      report.number(row.updated),
      report.number(row.deleted),
    }
  end
  for _, row in ipairs(measured.unjournaled) do
    local name = lang.format("(no journal: %s)", lang.counted(row.rows, "row"))
    rows[#rows + 1] = { report.number(row.step), name, "", "", "" }
  end
  if #rows == 0 then return "" end
  local columns = {
    { title = "step", right = true },
    { title = "table" },
    { title = "inserted", right = true },
    { title = "updated", right = true },
    { title = "deleted", right = true },
  }
  if not many then
    table.remove(columns, 1)
    for _, row in ipairs(rows) do
      table.remove(row, 1)
    end
  end
  return lang.text("\nrows changed, also by triggers and cascades\n") .. out.table(columns, rows, 2)
end

local function locks_text(out, measured)
  local rows, strong, last = {}, {}, nil
  for _, lock in ipairs(measured.locks) do
    local time, batches = report.duration(lock.seconds), report.number(lock.batches)
    -- Who also reads what he writes is in nobody's way by that; the strongest of a table comes first.
    if lock.mode ~= "AccessShareLock" or lock.table ~= last then
      rows[#rows + 1] = { text.printable(lock.table), lock.mode, time, batches }
    end
    last = lock.table
    if lock.strong then
      strong[#strong + 1] = out.color(
        31,
        lang.format(
          "  %s: %s, for up to %s: %s",
          text.printable(lock.table),
          lock.mode,
          report.duration(lock.seconds),
          lang.text(waits[lock.mode])
        )
      ) .. "\n"
    end
  end
  if #rows == 0 then return "" end
  return lang.text("\nlocks on tables, and how long a batch held them at most\n")
    .. out.table({
      { title = "table" },
      { title = "mode" },
      { title = "longest", right = true },
      { title = "batches", right = true },
    }, rows, 2)
    .. (#strong > 0 and lang.text("\n  more than writing rows takes\n") .. table.concat(strong) or "")
end

local function costs_text(measured)
  local temporary = measured.temp_bytes > 0 and report.bytes(measured.temp_bytes) or lang.text("none")
  return "\n"
    .. plan_text.pairs({
      ["WAL"] = report.bytes(measured.wal_bytes),
      [lang.text("temporary files")] = temporary,
      [lang.text("growth of the database, at its peak")] = report.bytes(math.max(measured.growth_bytes, 0)),
      [lang.text("of it opsh's ledger and journal")] = report.bytes(math.max(measured.ledger_bytes, 0)),
    }, 2)
end

local function slowest_text(made)
  if not made.mark then return lang.text("\nslowest statement  not known: the scratch server does not log it\n") end
  local found = made.slowest
  if not found then return lang.format("\nslowest statement  none took %d ms\n", slowest.least_milliseconds) end
  local lines = { lang.format("\nslowest statement  %s\n", report.duration(found.milliseconds / 1000)) }
  for statement_line in (found.statement .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = "    " .. text.fit(text.printable(statement_line), 120) .. "\n"
  end
  lines[#lines + 1] = lang.text("  its plan\n")
  for _, plan_line in ipairs(found.plan) do
    lines[#lines + 1] = "    " .. plan_line .. "\n"
  end
  return table.concat(lines)
end

local function differences_text(out, list)
  if #list == 0 then return "" end
  local rows = {}
  for at = 1, math.min(#list, shown_differences) do
    local entry = list[at]
    rows[at] = {
      lang.message(entry.what),
      text.printable(entry.name),
      text.printable(tostring(entry.wanted or "")),
      text.printable(tostring(entry.found or "")),
      entry.reason and text.printable(lang.message(entry.reason)) or out.color(31, lang.text("not to be explained")),
    }
  end
  return out.table({
    { title = "" },
    { title = "name" },
    { title = "restored", right = true },
    { title = "after the undo", right = true },
    { title = "why" },
  }, rows, 2) .. (#list > #rows and lang.format("  and %s more\n", report.number(#list - #rows)) or "")
end

local function undo_text(out, taken)
  if not taken then return "" end
  if taken.outcome == "impossible" then
    return out.color(31, lang.format("\nundo  %s", text.printable(lang.message(taken.message)))) .. "\n"
  end
  local parts = { lang.format("\nundo  %s taken back", lang.counted(taken.rows, "row")) }
  if taken.seconds then parts[#parts + 1] = lang.format(" in %s", report.duration(taken.seconds)) end
  parts[#parts + 1] = lang.format(", %s left\n", report.number(taken.left))
  for _, entry in ipairs(taken.unrestored) do
    parts[#parts + 1] = lang.format(
      "  not put back: %s of %s, in %s\n",
      text.printable(entry.column),
      text.printable(entry.table),
      lang.counted(entry.rows, "row")
    )
  end
  if taken.differences then parts[#parts + 1] = differences_text(out, taken.differences) end
  return table.concat(parts)
end

local function prediction_text(made)
  local predicted = made.prediction
  if not predicted then return "" end
  local basis = not made.today and lang.text("as rehearsed; today's plan is not known")
    or predicted.scaled and lang.format(
      "today's plan has %s, rehearsed were %s",
      lang.counted(predicted.items, "item"),
      report.number(predicted.rehearsed)
    )
    or lang.format("today's plan has as many items, %s", report.number(predicted.items))
  return lang.format(
    "\nAn apply would take about %s (%s), if the server is as fast as this one.\n",
    report.duration(predicted.seconds),
    basis
  )
end

local function closing(job, out)
  local made = job.rehearsal
  if job.outcome == "nothing to do" then
    return lang.text("\nThere is nothing to do on this backup; nothing was rehearsed.\n")
  end
  if job.outcome ~= "rehearsed" then return "" end
  local words = lang.text(
    made.undo.outcome == "impossible" and "it cannot be undone"
      or #made.undo.differences == 0 and "taken back, and the contents are what they were"
      or "taken back, and the contents are what they were but for what is listed"
  )
  return ("\n%s\n"):format(
    out.strong(lang.format("Rehearsed: applied in %s, the checks pass, %s.", report.duration(made.seconds), words))
  )
end

function M.render(job, place, out)
  local made = job.rehearsal
  local parts = { "\n", heading(job, place, out) }
  local function add(part) parts[#parts + 1] = part end
  for _, step in ipairs(job.steps) do
    add(result.step(out, step, #job.steps > 1))
    add(rate(step, made.step_seconds and made.step_seconds[step.number]))
  end
  if made.measured then
    add(rows_text(out, job))
    add(locks_text(out, made.measured))
    add(costs_text(made.measured))
    add(slowest_text(made))
  end
  add(undo_text(out, made.undo))
  add(prediction_text(made))
  for _, objection in ipairs(made.objections or {}) do
    add(out.color(31, lang.format("an apply would be refused: %s", text.printable(lang.message(objection)))) .. "\n")
  end
  add(lang.text("\nnot rehearsed\n"))
  for _, words in ipairs(document.not_rehearsed(job)) do
    add(("  %s\n"):format(text.printable(lang.message(words))))
  end
  add(closing(job, out))
  return table.concat(parts)
end

return M
