--- The figures of a report in one place: added up over its steps.
local shape = require("opsh.host.report.shape")

local M = {}

local ordered, there = shape.ordered, shape.there

local keys = {
  "planned",
  "items",
  "skipped",
  "failed",
  "rejected",
  "batches",
  "rows",
  "inserted",
  "updated",
  "deleted",
  "seconds",
  "checks",
  "incidents",
}

--- How many checks there are of each outcome, preconditions and those of all steps; of a plan they are values of now,
--- and judge nothing.
local function checks_of(facts)
  local counts = { pass = 0, fail = 0, error = 0, skip = 0 }
  local function count(results)
    for _, result in ipairs(results) do
      counts[result.outcome] = counts[result.outcome] + 1
    end
  end
  count(facts.preconditions)
  for _, step in ipairs(facts.steps) do
    count(step.checks)
  end
  return ordered({ "pass", "fail", "error", "skip" }, counts)
end

--- Rows by operation: of the journal, of a rehearsal's, or of what a simulation touched.
local function rows_of(facts, made)
  if facts.rung == "plan" or facts.rung == "verify" then return end
  local tables = {}
  if there(facts.rehearsal) then
    tables = facts.rehearsal.rows
  elseif there(facts.simulation) then
    -- Null where the server does not count rows.
    if not there(facts.simulation.tables) then return end
    tables = facts.simulation.tables
  else
    for _, step in ipairs(facts.steps) do
      for _, row in ipairs(step.changed) do
        tables[#tables + 1] = row
      end
    end
  end
  made.inserted, made.updated, made.deleted = 0, 0, 0
  for _, row in ipairs(tables) do
    made.inserted = made.inserted + row.inserted
    made.updated = made.updated + row.updated
    made.deleted = made.deleted + row.deleted
  end
end

--- The summary of a report.
---@param facts table made so far: steps, preconditions, times, incidents
---@param changed? integer rows that the ledger counts, also those of steps without a journal
function M.of(facts, changed)
  local made = { planned = 0, incidents = #facts.incidents, seconds = facts.times.seconds }
  for _, step in ipairs(facts.steps) do
    local planned, done = step.planned, step.done
    if there(planned) then
      made.planned = made.planned + planned.items
      made.rejected = (made.rejected or 0) + (there(done) and 0 or planned.rejected)
    end
    if there(done) then
      made.items, made.skipped = (made.items or 0) + done.items, (made.skipped or 0) + done.skipped
      made.failed, made.rejected = (made.failed or 0) + done.failed, (made.rejected or 0) + done.rejected
      made.batches = (made.batches or 0) + (there(step.batches) and step.batches or 0)
    end
  end
  rows_of(facts, made)
  made.rows = changed or made.inserted and made.inserted + made.updated + made.deleted
  made.checks = checks_of(facts)
  return ordered(keys, made)
end

return M
