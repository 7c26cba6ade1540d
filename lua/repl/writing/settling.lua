--- What became of a transaction of the prompt whose opsh is gone: it is committed or it never was, and the ledger says
--- which.
local audit = require("opsh.host.runbook.audit")
local counted = require("opsh.host.counted")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local ledger_reads = require("opsh.host.runbook.ledger")
local record = require("opsh.host.repl.writing.record")
local system = require("opsh.native.system")

local M = {}

--- Takes the run over and writes down how it ended.
---@param run table of ledger.run
---@param options { target: table, identity: table, state: string, say: function, command: string }
function M.settle(run, options)
  local step = { number = 1, name = "statements", planned = figures.new() }
  local job = {
    id = run.id,
    target = options.target,
    identity = options.identity,
    directory = ("%s/runs/%s"):format(options.state, run.id),
    steps = { step },
    committed = 0,
    began = system.clock(),
    command = options.command,
  }
  system.make_directory(job.directory)
  local ok, err = host.protect(function()
    ladder.open(job)
    job.ledger:end_former_session(job.id, 1)
    local function reading(work, ...) return jobs.reading_ledger(job, work, ...) end
    job.audit =
      audit.open(job.directory, job.id, reading(function(session) return audit.recorded(session, job.id) end))
    local head = audit.run_resumed(job.audit, ladder.circumstances(job, options.identity), run)
    job.ledger:claim(job.id, 1, head)
    job.epoch = run.epoch + 1
    local standing = reading(function(session) return ledger_reads.standing(session, job.id, step.number) end)
    job.committed = standing.number
    if standing.number == 0 then
      ladder.stop(job, { kind = "run.given_up", message = "its opsh ended before the COMMIT: nothing was committed" })
      return options.say(("run %s was never committed: nothing of it is there"):format(job.id))
    end
    record.done(job, step, system.clock() - job.began)
    options.say(("run %s is committed: %s"):format(job.id, counted(step.done.items, "row")))
  end)
  if job.ledger then job.ledger:close() end
  if not ok then error(err, 0) end
end

return M
