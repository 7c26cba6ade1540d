--- What a run's audit log says: decisions and actions, never row values. Each function appends one entry, which is on
--- the disk when it returns, and gives the head for the transaction that does what the entry announces. docs/audit.md
--- lists the events and what they hold.
local figures = require("opsh.host.runbook.figures")
local json = require("opsh.native.json")
local native_audit = require("opsh.native.audit")
local provenance = require("opsh.host.runbook.provenance")
local system = require("opsh.native.system")

local _, array = json.metatables()

local M = {}

-- A tally may have as many groups as there are rows; the ledger has them all.
local most_groups = 100

--- The file, in a run's folder.
M.file_name = "audit.jsonl"

--- The head that the database has of a run, or nil. The schema opsh must be there.
function M.recorded(session, run)
  return session:read("select a.entries, a.sha256 from opsh.audit as a where a.run = $1", { n = 1, run })[1]
end

--- Opens a run's log, and makes it where there is none.
---@param directory string of the run
---@param run string its id
---@param recorded? { entries: integer, sha256: string } what the database has; nil for a run that it does not know yet
function M.open(directory, run, recorded)
  return native_audit.open({
    path = directory .. "/" .. M.file_name,
    run = run,
    host = system.host(),
    recorded = recorded,
  })
end

-- Messages may quote what the server or a script says, and with it row values. These are opsh's own words.
local own_words = {
  audit = true,
  backup = true,
  check = true,
  connect = true,
  connection = true,
  file = true,
  in_doubt = true,
  interrupted = true,
  ledger = true,
  permission = true,
  refused = true,
  run = true,
  spool = true,
  usage = true,
}

--- What may be said of an error.
---@return { kind: string, sqlstate?: string, message?: string, where?: string }
function M.error_facts(err)
  local own = own_words[err.kind:match("^[^.]*")] and (not err.sqlstate or err.sqlstate == "")
  return {
    kind = err.kind,
    sqlstate = err.sqlstate ~= "" and err.sqlstate or nil,
    message = own and err.message or nil,
    where = err.where ~= "" and err.where or nil,
  }
end

--- What may be said of checks: what they counted, not what they found.
function M.check_facts(results)
  local list = {}
  for at, result in ipairs(results or {}) do
    local counted = result.counts and tonumber(result.found)
    list[at] = {
      name = result.name,
      outcome = result.outcome,
      sqlstate = result.sqlstate,
      found = counted and result.found or nil,
      expected = counted and result.expected or nil,
    }
  end
  return setmetatable(list, array)
end

local function to_milliseconds(seconds) return math.floor(seconds * 1000 + 0.5) / 1000 end

local function target_facts(target, identity)
  return {
    name = target.name,
    described = target.described,
    protected = target.protected or nil,
    protected_as = target.protected_as,
    confirmed = target.confirmed,
    insecure = target.insecure,
    system_identifier = identity.system_identifier,
    database = identity.database,
    database_oid = identity.database_oid,
    user = identity.user,
  }
end

--- Who does what, why, with which program and code, where: what a start and a resume share. To be asked for early, as
--- git may take its time.
---@param facts { command: string, reason?: string, script?: string, target: table, identity: table }
--- `identity` of the login that writes (jobs.identify)
---@return table
function M.circumstances(facts)
  local made = provenance.operator()
  made.command, made.reason = facts.command, facts.reason
  made.git = facts.script and provenance.repository(facts.script) or nil
  made.versions = provenance.versions(facts.identity.server_version)
  made.target = target_facts(facts.target, facts.identity)
  made.settings = facts.identity.settings
  return made
end

local function started(log, event, circumstances, facts)
  local made = figures.object(circumstances)
  made.title, made.script, made.sha256, made.undo_of = facts.title, facts.script, facts.sha256, facts.undo_of
  made.sources, made.params = figures.object(facts.sources), figures.object(facts.params)
  made.preconditions = M.check_facts(facts.preconditions)
  made.reading, made.backup = facts.reading, facts.backup
  return log:append(event, made)
end

--- A run that begins.
---@param circumstances table of M.circumstances
---@param facts table { title, script?, sha256?, sources? (sha256 by path), params? (masked), preconditions?,
--- reading? (reading.recorded), undo_of?, backup? (what it relies on) }
function M.run_started(log, circumstances, facts) return started(log, "run started", circumstances, facts) end

--- A simulation that begins: from here on rows are written that will be taken back. Its facts are those of a run.
function M.simulation_started(log, circumstances, facts)
  return started(log, "simulation started", circumstances, facts)
end

--- A simulation that is rolled back.
---@param facts { outcome: string, totals: table, transaction?: string, status?: string, err?: table }
function M.simulation_finished(log, facts, seconds)
  return log:append("simulation finished", {
    outcome = facts.outcome,
    transaction = facts.transaction,
    status = facts.status,
    totals = facts.totals,
    error = facts.err and M.error_facts(facts.err) or nil,
    seconds = to_milliseconds(seconds),
  })
end

--- A rehearsal that begins: a backup is going to be restored into a scratch database, and the runbook applied there.
--- The target is that of the circumstances; where only the backup speaks of it, what the backup says.
---@param facts table as of M.run_started, with `backup`
---@param scratch { kind: string }
function M.rehearsal_started(log, circumstances, facts, scratch)
  circumstances.scratch = { kind = scratch.kind }
  return started(log, "rehearsal started", circumstances, facts)
end

--- A rehearsal that is over, and its scratch database gone.
---@param facts { outcome: string, apply_seconds?: number, undo?: table, err?: table }
function M.rehearsal_finished(log, facts, seconds)
  return log:append("rehearsal finished", {
    outcome = facts.outcome,
    apply_seconds = facts.apply_seconds and to_milliseconds(facts.apply_seconds),
    undo = facts.undo,
    error = facts.err and M.error_facts(facts.err) or nil,
    seconds = to_milliseconds(seconds),
  })
end

--- A run that goes on.
---@param circumstances table of M.circumstances
---@param former { state: string, interrupted: boolean } what the ledger says of it (ledger.run)
function M.run_resumed(log, circumstances, former)
  local made = figures.object(circumstances)
  made.former_state = former.interrupted and "interrupted" or former.state
  return log:append("run resumed", made)
end

--- What effects are going to be done, as they are described.
function M.foretold(list)
  if not list then return nil end
  local made = setmetatable({}, array)
  for at, entry in ipairs(list) do
    made[at] = entry.what
  end
  return made
end

--- What steps are going to do.
---@param records table[] of planning.record
---@param plan? table of drift.audit_facts: the plan, and what it was compared with
function M.planned(log, records, plan)
  local steps = {}
  for at, record in ipairs(records) do
    local planned, groups = json.decode(record.planned), {}
    for place, group in ipairs(planned.tally or {}) do
      if place <= most_groups then groups[place] = group end
    end
    steps[at] = {
      step = record.number,
      name = record.name,
      seen = planned.seen,
      items = planned.items,
      skipped = planned.skipped,
      rejected = planned.rejected,
      labels = planned.labels,
      totals = planned.totals,
      tally = setmetatable(groups, array),
      tally_groups = #(planned.tally or {}),
      failures_allowed = planned.failures_allowed,
      writes = json.decode(record.writes),
      journaled = record.journaled,
      kind = record.kind ~= "items" and record.kind or nil,
      autocommit = record.autocommit,
      loses_data = record.loses_data,
      effects = M.foretold(record.foretold),
      manual = record.manual,
    }
  end
  return log:append("planned", { plan = plan, steps = setmetatable(steps, array) })
end

--- A plan that was made again, because its rows were lost, behind so many that are worked on.
---@param step { number: integer, name: string }
function M.planned_again(log, step, position)
  return log:append("planned again", { step = step.number, name = step.name, position = position })
end

---@param step { number: integer, name: string }
function M.step_started(log, step) return log:append("step started", { step = step.number, name = step.name }) end

---@param step { number: integer, name: string }
---@param done table figures of its committed batches
---@param seconds number that this process worked on it
function M.step_finished(log, step, done, seconds)
  return log:append("step finished", {
    step = step.number,
    name = step.name,
    items = done.items,
    skipped = done.skipped,
    failed = done.failed,
    batches = done.batches,
    counts = figures.object(done.counts),
    seconds = to_milliseconds(seconds),
  })
end

--- The outcomes of a step's checks.
function M.checked(log, step, results)
  return log:append("checked", { step = step.number, name = step.name, checks = M.check_facts(results) })
end

--- A transaction of the prompt that is about to be committed: what was typed is known by then, and not before.
---@param step { number: integer, name: string }
---@param script { sha256: string, statements: integer }
---@param changed { table: string, operation: string, rows: integer }[]
function M.committing(log, step, script, changed)
  return log:append("committing", {
    step = step.number,
    name = step.name,
    statements = script.statements,
    sha256 = script.sha256,
    changes = setmetatable(changed, array),
  })
end

--- A run that is left before its end.
---@param state? string that the ledger gets; nil when it cannot be written
---@param seconds number since this process began with the run
function M.run_stopped(log, state, err, seconds)
  return log:append("run stopped", { state = state, error = M.error_facts(err), seconds = to_milliseconds(seconds) })
end

--- A run that is done.
---@param totals { items: integer, skipped: integer, rejected: integer, failed: integer, batches: integer }
---@param rehearsed? { id: string, seconds: number, took: number } of rehearsals.expect: how long it was to take
function M.run_finished(log, totals, seconds, rehearsed)
  return log:append("run finished", {
    outcome = "done",
    totals = totals,
    seconds = to_milliseconds(seconds),
    rehearsed = rehearsed and {
      id = rehearsed.id,
      seconds = to_milliseconds(rehearsed.seconds),
      took = to_milliseconds(rehearsed.took),
    },
  })
end

--- A run whose journal is dropped: it cannot be undone any more.
---@param circumstances table of M.circumstances
---@param facts { rows: integer, older_than: string }
function M.journal_pruned(log, circumstances, facts)
  local made = figures.object(circumstances)
  made.rows, made.older_than = facts.rows, facts.older_than
  return log:append("journal pruned", made)
end

return M
