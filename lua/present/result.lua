--- What an apply did, as text, and its exit status.
local charts = require("opsh.host.present.charts")
local checks = require("opsh.host.runbook.checks")
local checks_text = require("opsh.host.present.checks")
local document = require("opsh.host.present.document")
local effects = require("opsh.host.present.effects")
local errors = require("opsh.host.errors")
local facts_ledger = require("opsh.host.report.facts_ledger")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local lang = require("opsh.host.lang")
local plan_text = require("opsh.host.present.plan")
local report = require("opsh.native.report")
local reports = require("opsh.host.present.reports")
local required = require("opsh.host.present.required")
local text = require("opsh.native.text")

local M = {}

-- How wide charts are, on a terminal that is at least so wide.
local chart_columns, least_width = 30, 60
local most_bars, widest_label = 8, 24
-- Fewer batches make no line.
local least_batches = 3

--- Items that were taken from the plan and not worked on.
local function left_out(job)
  local count = 0
  for _, step in ipairs(job.steps) do
    if step.done then count = count + step.done.skipped + step.done.rejected + step.done.failed end
  end
  return count
end

M.left_out = left_out

--- Items by label, as bars: the most first.
local function labels_text(out, step)
  local rows, most, width, numbers = {}, 0, 0, 0
  for label, count in pairs(step.done.labels) do
    local shown = text.fit(text.printable(label), widest_label)
    if tonumber(count) then rows[#rows + 1] = { label = shown, count = tonumber(count) } end
  end
  if out.width < least_width or #rows < 2 then return "" end
  table.sort(rows, function(one, other)
    if one.count ~= other.count then return one.count > other.count end
    return one.label < other.label
  end)
  for at = 1, math.min(#rows, most_bars) do
    most = math.max(most, rows[at].count)
    width, numbers = math.max(width, text.width(rows[at].label)), math.max(numbers, #report.number(rows[at].count))
  end
  local lines = { "\n" }
  for at = 1, math.min(#rows, most_bars) do
    lines[#lines + 1] = ("  %s  %s  %s\n"):format(
      text.pad_right(rows[at].label, width),
      text.pad_left(report.number(rows[at].count), numbers),
      charts.bar(rows[at].count, most, chart_columns)
    )
  end
  if #rows > most_bars then lines[#lines + 1] = lang.format("  and %s more\n", report.number(#rows - most_bars)) end
  return table.concat(lines)
end

--- How fast the batches were, one after the other.
local function pace_text(out, step)
  if out.width < least_width or not step.pace or #step.pace < least_batches then return "" end
  local rates, items, seconds = {}, 0, 0
  for at, point in ipairs(step.pace) do
    rates[at] = point.items / math.max(point.seconds, 0.001)
    items, seconds = items + point.items, seconds + point.seconds
  end
  local rate = report.number(math.floor(items / math.max(seconds, 0.001)))
  return lang.format("\n  items/s  %s  %s\n", charts.spark(rates, chart_columns), rate)
end

--- What became of a step; empty when it did not begin.
function M.step(out, step, many)
  local done = step.done
  if not done then return "" end
  local heading = plan_text.step_heading(out, step, many)
  local shown_checks = step.checks and #step.checks > 0 and "\n" .. checks_text.render(out, step.checks, 2) or ""
  if step.kind and step.kind ~= "items" then return heading .. effects.done(step.record) .. shown_checks end
  local figures = { [lang.text("items")] = done.items, [lang.text("batches")] = done.batches }
  local planned = step.planned or {}
  for _, label in ipairs(step.skip or {}) do
    local count = planned.labels and planned.labels[label]
    if count then figures[lang.format("skipped: %s", text.printable(label))] = count end
  end
  if done.rejected > 0 then figures[lang.text("rejected, left out")] = done.rejected end
  if done.skipped > 0 then figures[lang.text("changed since the plan, left out")] = done.skipped end
  if done.failed > 0 then figures[lang.text("failed, left out")] = done.failed end
  for name, count in pairs(done.counts) do
    figures[figures[name] and lang.format("%s (counted by apply)", name) or name] = count
  end
  return heading
    .. plan_text.pairs(figures, 2)
    .. labels_text(out, step)
    .. pace_text(out, step)
    .. effects.released(step)
    .. shown_checks
end

--- The batches of a run, where there is a terminal for their chart; not worth an error.
local function learn_pace(job, out)
  if out.json or out.width < least_width or not job.ledger then return end
  local ok, lines = host.protect(
    jobs.reading_ledger,
    job,
    function(session) return facts_ledger.time_lines(session, job.id) end
  )
  for _, step in ipairs(ok and job.steps or {}) do
    step.pace = lines[step.number]
  end
end

function M.render(job, place, out)
  local parts = { "\n", plan_text.heading(job, place, out, "apply") }
  if job.id then parts[#parts + 1] = lang.format("run      %s\n", job.id) end
  parts[#parts + 1] = required.heading(job.backup)
  for _, step in ipairs(job.steps) do
    parts[#parts + 1] = M.step(out, step, #job.steps > 1)
  end
  parts[#parts + 1] = reports.render(job)
  parts[#parts + 1] = effects.incidents(out, job)
  return table.concat(parts)
end

--- How long it was to take, and how long it took.
local function rehearsed(job)
  local found = job.rehearsed
  if not found or not found.took then return "" end
  local changed = job.rows_changed or 0
  return lang.format(
    "Rehearsed %s, took %s; %s (rehearsal %s, %s ago%s).\n",
    report.duration(found.seconds),
    report.duration(found.took),
    changed == found.rows and lang.format("%s changed, as rehearsed", lang.counted(changed, "row"))
      or lang.format("rehearsed %s, changed %s", lang.counted(found.rows, "row"), report.number(changed)),
    found.id,
    report.duration(found.age),
    found.scaled and lang.format(", with %s", lang.counted(found.rehearsed, "item")) or ""
  )
end

local function closing(job, count)
  if job.outcome == "nothing to do" then
    local rejected = count > 0 and lang.format("Rejected: %s.\n", lang.counted(count, "item")) or ""
    return lang.text("\nNothing to do; nothing was written.\n") .. rejected
  end
  if count == 1 then return lang.format("\nDone; 1 item was left out: opsh show %s lists it.\n", job.id) end
  if count > 1 then
    return lang.format("\nDone; %s were left out: opsh show %s lists them.\n", lang.counted(count, "item"), job.id)
  end
  return lang.text("\nDone.\n")
end

--- Prints the result; returns the exit status.
function M.finish(job, place, out)
  local count, passed = left_out(job), true
  for _, step in ipairs(job.steps) do
    passed = passed and checks.passed(step.checks or {})
  end
  if job.outcome == "nothing to do" and not passed then
    errors.raise("check.failed", "there is nothing to do, and the checks do not pass", "the checks show what is wrong")
  end
  if out.json then
    out.document(document.of(job, place, "apply"))
  else
    learn_pace(job, out)
    out.text(M.render(job, place, out) .. closing(job, count) .. rehearsed(job))
  end
  return count > 0 and 8 or 0
end

return M
