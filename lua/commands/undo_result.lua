--- The end of an undo, whether it was begun or resumed: read from the ledger, so that it says what all of it did.
local jobs = require("opsh.host.runbook.job")
local lang = require("opsh.host.lang")
local ledger_reads = require("opsh.host.runbook.ledger")
local present = require("opsh.host.present.undo")
local undo_document = require("opsh.host.present.undo_document")
local redaction = require("opsh.host.runbook.redaction")
local system = require("opsh.native.system")

local M = {}

local listed = 1000
local all = 2 ^ 31

--- Prints what was done; returns the exit status.
function M.finish(job, place, out, given)
  job.outcome = "done"
  local csv = given.csv and given.csv[1]
  jobs.reading_ledger(job, function(session)
    local rows, unrestored = ledger_reads.left_by_undo(session, job.id)
    local most = csv and all or out.json and listed or present.shown + 1
    local conflicts = redaction.conflicts(
      ledger_reads.conflicts(session, job.id, most),
      redaction.of_run(session, job.id)
    )
    job.undone = { rows = rows, unrestored = unrestored, conflicts = conflicts }
  end)
  if csv then system.write_file(csv, present.csv(job.undone.conflicts)) end
  local exit = (job.undone.rows > 0 or #job.undone.unrestored > 0) and 8 or 0
  if out.json then
    out.document(undo_document.of(job, place, "undo", nil, exit))
  else
    local more = csv and lang.format("%s has them all", csv)
      or lang.format("opsh show %s shows more, select from opsh.conflict where run = '%s' all of them", job.id, job.id)
    out.text(present.result(job, place, out, job.undone, more))
  end
  return exit
end

return M
