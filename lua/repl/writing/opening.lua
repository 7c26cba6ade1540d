--- How a transaction begins at the prompt: under the guards of an apply, and never without a person's word.
local again = require("opsh.host.commands.again")
local asking = require("opsh.host.repl.writing.asking")
local audit = require("opsh.host.runbook.audit")
local budgets = require("opsh.host.runbook.budgets")
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local ladder = require("opsh.host.runbook.ladder")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_journal = require("opsh.native.journal")
local options = require("opsh.host.options")
local required = require("opsh.host.backup.required")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")
local transaction = require("opsh.host.repl.writing.transaction")
local workplace = require("opsh.host.workplace")

local object = json.metatables()

local M = {}

-- A transaction may wait so long for its person, unless the target says otherwise (`idle`).
local usual_idle = 300

-- The server ends it when opsh cannot (a stopped process, a machine that sleeps), so many seconds later.
local belt = 30

--- The login that writes, for a transaction that a person thinks in.
local function writing_target(session, place, seconds)
  local target = {}
  for name, value in pairs(place.target) do
    target[name] = value
  end
  target.functions, target.foreign_tables = session.functions, session.foreign_tables
  target.raw_text, target.idle_seconds = nil, seconds + belt
  place.target.confirmed = nil
  return target
end

--- The one step of such a run. What a runbook that is there hides, it hides too.
local function step_of(bench)
  local planned = figures.new()
  planned.tally = {}
  return {
    number = 1,
    name = "statements",
    kind = "items",
    writes = {},
    write_oids = {},
    journaled = true,
    failures_allowed = 0,
    planned = planned,
    redact = bench.brought and bench.brought.runbook.redact or nil,
  }
end

local function new_job(bench, place, given, how)
  local id = ladder.new_run_id()
  local job = {
    id = id,
    target = place.target,
    identity = jobs.identify(bench.session:own_reader()),
    directory = ("%s/runs/%s"):format(place.state, id),
    runbook = {
      title = "a transaction at the prompt",
      path = ledger_reads.typed,
      real_path = ledger_reads.typed,
      sources = setmetatable({}, object),
    },
    params = setmetatable({}, object),
    state = {},
    steps = { step_of(bench) },
    failures_left = {},
    committed = 0,
    incidents = {},
    say = bench.say,
    command = how.typed,
    -- Of the figures that a report has the ledger knows all.
    document = function() return setmetatable({}, object) end,
    reason = how.reason and secrets.redacted(how.reason) or options.reason_of(given),
    resume = again.resume(bench.given, id),
    undo = again.command(bench.given, "undo", id),
    command_for = function(...) return again.command(bench.given, ...) end,
    open_ledger = function() return native_journal.ledger(place.target) end,
  }
  bench.session:rest()
  return job
end

--- Whether the person said why there is to be no backup.
local function with_backup(given, how, reason)
  local made = {}
  for name, value in pairs(given) do
    made[name] = value
  end
  made["no-backup"] = how.no_backup and { "" } or given["no-backup"]
  if made["no-backup"] and not reason then
    errors.raise(
      "usage.value",
      "a transaction without a backup wants a reason",
      "\\write no-backup REASON, or --reason where opsh is started"
    )
  end
  return made
end

local function stop(job, err)
  if job.epoch then
    ladder.stop(job, err)
  elseif job.audit then
    host.protect(audit.run_stopped, job.audit, "failed", err, system.clock() - job.began)
  elseif system.file_kind(job.directory) then
    system.remove_tree(job.directory)
  end
  if job.ledger then job.ledger:close() end
end

--- Begins a transaction, or raises what stands in the way; then nothing was written.
---@param bench table of workbench.open
---@param how { typed: string, reason?: string, no_backup: boolean }
---@return table transaction
function M.begin(bench, how)
  local place = bench.session:place()
  local seconds = config.seconds(place.target.idle) or usual_idle
  local job = new_job(bench, place, bench.given, how)
  local given = with_backup(bench.given, how, job.reason)
  workplace.announce(place.target, "prompt", job.id)
  guards.admit(place, job.identity, given, true)
  if not place.target.protected then
    guards.require_answer("\\write begins a transaction that writes", job.identity.database, given)
  end
  required.admit(job, place, given)
  job.budgets = budgets.of(place.target.budgets, given)
  required.find(job, place, given)
  asking.require_begin(job, place, given, seconds)
  local ok, result = host.protect(function()
    required.secure(job, place, given, bench.out)
    -- Its bytes are let go of when the run begins; what it says is asked with each table.
    local held = job.backup_held
    held = { certificate = held.certificate, path = held.path, wants = held.wants }
    job.target, job.began = writing_target(bench.session, place, seconds), system.clock()
    system.make_directory(job.directory)
    ladder.start(job)
    job.backup_held = held
    audit.step_started(job.audit, job.steps[1])
    return transaction.begin(bench, job, seconds)
  end)
  if ok then return result end
  required.release(job)
  stop(job, result)
  error(result, 0)
end

return M
