--- The end of a rehearsal: the run is taken back, and the contents must be what was restored.
local comparison = require("opsh.host.backup.comparison")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_backup = require("opsh.native.backup")
local redaction = require("opsh.host.runbook.redaction")
local system = require("opsh.native.system")
local undo = require("opsh.host.runbook.undo")

local M = {}

local kept_conflicts = 1000

local function undo_job(job, out)
  local original, identity = jobs.reading_ledger(job, function(reader) return undo.original(reader, job.id) end)
  return undo.job(original, identity, ladder.new_run_id(), {
    target = job.target,
    state = job.rehearsal.directory,
    say = out.say,
    command = job.command,
    reason = job.reason,
    resume = job.resume,
    of = job,
  })
end

--- Takes the run back: `job.rehearsal.undo`.
function M.run(job, out)
  local made, undoing = host.protect(undo_job, job, out)
  if not made then
    -- The runbook keeps no journal: its own decision, which the report says loudly.
    if undoing.kind ~= "refused.journal" then error(undoing, 0) end
    job.rehearsal.undo = { outcome = "impossible", message = undoing.message }
    return
  end
  local taken = { outcome = "done", rows = 0, left = 0, unrestored = {}, conflicts = {} }
  job.rehearsal.undo = taken
  local began = system.clock()
  system.make_directory(undoing.directory)
  ladder.apply(undoing, out.progress)
  taken.seconds = system.clock() - began
  jobs.reading_ledger(job, function(session)
    for _, step in ipairs(ledger_reads.steps(session, undoing.id)) do
      taken.rows = taken.rows + step.items
    end
    taken.left, taken.unrestored = ledger_reads.left_by_undo(session, undoing.id)
    taken.conflicts = redaction.conflicts(
      ledger_reads.conflicts(session, undoing.id, kept_conflicts),
      redaction.of_run(session, undoing.id)
    )
  end)
end

local function rows_of(contents, name)
  for _, entry in ipairs(contents.tables) do
    if entry.name == name then return entry.rows end
  end
end

--- Why a difference was to be expected; nil when it was not.
local function reason_of(difference, taken, before, after)
  if difference.wanted == "absent" or difference.found == "absent" then return nil end
  if difference.what == "sequence" then return "an undo does not turn sequences back" end
  if difference.what ~= "table" then return nil end
  for _, conflict in ipairs(taken.conflicts) do
    if conflict.table == difference.name then return "the undo left rows of it" end
  end
  local columns = {}
  for _, entry in ipairs(taken.unrestored) do
    if entry.table == difference.name then columns[#columns + 1] = entry.column end
  end
  -- Other values in these columns are no other rows.
  if #columns == 0 or rows_of(before, difference.name) ~= rows_of(after, difference.name) then return nil end
  return "the undo could not put back " .. table.concat(columns, ", ")
end

--- Compares with what was restored, opsh's own schema aside. Error: "check.undo" for a difference that nothing
--- explains.
function M.compare(job)
  local taken, before = job.rehearsal.undo, job.rehearsal.contents
  if taken.outcome ~= "done" then return end
  local after = jobs.reading_ledger(job, native_backup.contents)
  taken.differences = comparison.compare(before, after, { ignore = { "opsh" } })
  local unexpected, first = 0, nil
  for _, difference in ipairs(taken.differences) do
    difference.reason = reason_of(difference, taken, before, after)
    if not difference.reason then
      unexpected, first = unexpected + 1, first or difference
    end
  end
  taken.equal = unexpected == 0
  if taken.equal then return end
  errors.raise(
    "check.undo",
    ("the undo does not bring back what was there: %s %s differs%s"):format(
      first.what,
      first.name,
      unexpected > 1 and (", and %d more"):format(unexpected - 1) or ""
    ),
    "do not apply it as long as this is not understood; it would not come back"
  )
end

return M
