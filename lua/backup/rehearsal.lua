--- The rung `--rehearse`: the backup is restored into a scratch database, and there the runbook is planned, applied,
--- checked and taken back, by the same code as everywhere. What it costs is measured, and in the end the contents must
--- be what they were. The target is at most read; ledger and journal are the scratch's.
local checks = require("opsh.host.runbook.checks")
local comparison = require("opsh.host.backup.comparison")
local errors = require("opsh.host.errors")
local hands = require("opsh.host.effects.hands")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local native_backup = require("opsh.native.backup")
local native_db = require("opsh.native.db")
local native_sandbox = require("opsh.native.sandbox")
local observation = require("opsh.host.backup.observation")
local planning = require("opsh.host.runbook.planning")
local slowest = require("opsh.host.backup.slowest")
local system = require("opsh.native.system")
local taking_back = require("opsh.host.backup.taking_back")
local workplace = require("opsh.host.workplace")

local M = {}

--- What goes on with a rehearsal, where a hint names it.
M.resume = "nothing: it was a rehearsal, and its database goes with it"

local function with_session(target, work) return jobs.reading_ledger({ target = target }, work) end

--- Since when the server runs, to the microsecond: sandboxes are copies of one another, down to the system identifier.
--- And the size of the database.
---@return { started: string, size: integer }
function M.look(session)
  return session:read([[
    select pg_catalog.pg_postmaster_start_time()::pg_catalog.text as started,
           pg_catalog.pg_database_size(pg_catalog.current_database()) as size]])[1]
end

local function is_subject(there, subject)
  if there.system_identifier ~= subject.system_identifier or there.database_oid ~= subject.database_oid then
    return false
  end
  return not there.sandbox or there.started == subject.started
end

--- The one thing that must not happen, whatever a connection string leads to: asked of the server, right before the
--- first write.
local function refuse_target(job, subject)
  local there = with_session(job.target, function(session)
    local identity = jobs.identify(session)
    identity.started = M.look(session).started
    return identity
  end)
  if subject and is_subject(there, subject) then
    errors.raise(
      "refused.target",
      ("the scratch is database %s itself, for which is rehearsed: nothing was written"):format(there.database),
      "let --scratch lead to another server, or leave it out"
    )
  end
  return there
end

--- What a database that has been in use has, and a restored one has not: statistics, tidied tables, and pages that go
--- into the WAL whole at their first change. Also the schemas in which the target's login looks for names.
local function settle_in(job, subject)
  local lines = {}
  if subject and subject.settings and subject.settings.search_path ~= "" then
    -- As the server wrote it: a list of quoted names.
    lines[1] = ('alter database :"DBNAME" set search_path = %s;\n'):format(subject.settings.search_path)
  end
  lines[#lines + 1] = "vacuum (analyze);\n"
  if job.rehearsal.scratch.kind == "sandbox" then lines[#lines + 1] = "checkpoint;\n" end
  local path = job.rehearsal.directory .. "/settle.sql"
  system.write_file(path, table.concat(lines))
  local ok, err = host.protect(native_sandbox.load, job.target.conninfo, path)
  system.remove_tree(path)
  if not ok then error(err, 0) end
end

--- Restores, and shows that what came out is what the certificate says, where it says something.
local function restore(job, request, out)
  local rehearsal = job.rehearsal
  local certificate = request.certificate
  local restored = request.scratch:restore(request.archive, certificate, {
    jobs = request.jobs,
    tables = certificate.only_tables,
  }, out)
  if restored.sha256 ~= certificate.sha256 then
    errors.raise(
      "backup.changed",
      ("backup %s is not what was certified: its sha256 is %s, and the certificate has %s"):format(
        request.path,
        restored.sha256,
        certificate.sha256
      ),
      "rehearse with another one; this one is damaged, or was replaced"
    )
  end
  rehearsal.scratch.database, rehearsal.restore = restored.database, { seconds = restored.seconds }
  job.target.conninfo, job.target.insecure = restored.conninfo, restored.target.insecure
  job.target.described = native_db.describe(job.target)
  rehearsal.scratch.server_version = refuse_target(job, request.subject).server_version
  rehearsal.contents = with_session(job.target, native_backup.contents)
  if not certificate.tables then return end
  local differences = comparison.compare(certificate, rehearsal.contents, { tables = certificate.only_tables })
  rehearsal.restore.equal, rehearsal.restore.differences = #differences == 0, differences
  if #differences == 0 then return end
  errors.raise(
    "backup.differs",
    ("backup %s does not restore to what its certificate says: %s %s differs"):format(
      request.path,
      differences[1].what,
      differences[1].name
    ),
    "rehearse with another one, and do not rely on this one"
  )
end

--- Times each step, less what looking at it took.
local function timed(progress, observer, seconds)
  return function(step)
    local shown, began, looked = progress(step), system.clock(), observer.looked
    return {
      advance = shown.advance,
      finish = function()
        shown.finish()
        seconds[step.number] = system.clock() - began - (observer.looked - looked)
      end,
    }
  end
end

--- Applies; what it took and did is known also when it fails.
local function apply(job, out)
  local made = job.rehearsal
  local observer = observation.begin(job.target)
  job.observe = observer.before_commit
  made.mark = made.scratch.kind == "sandbox" and with_session(job.target, slowest.mark) or nil
  made.step_seconds = {}
  local began = system.clock()
  local ok, err = host.protect(ladder.apply, job, timed(out.progress, observer, made.step_seconds))
  made.seconds = system.clock() - began - observer.looked
  local measured, problem = host.protect(function()
    made.measured = observer.finish(job.id)
    if made.mark then
      made.slowest = with_session(job.target, function(session) return slowest.since(session, made.mark) end)
    end
  end)
  observer.close()
  if not ok then error(err, 0) end
  if not measured then error(problem, 0) end
end

--- An error as it is for a rehearsal: nothing can be resumed, and its checks judge a copy.
local function of_rehearsal(err)
  err.run = nil
  if err.kind == "check.failed" then err.hint = "the checks show what would be wrong after an apply" end
  return err
end

local function work(job, request, out)
  -- The plan of today had its own.
  job.hands.default()
  out.say(("restoring backup %s into %s"):format(request.path, job.rehearsal.scratch.described))
  restore(job, request, out)
  settle_in(job, request.subject)
  out.say("planning")
  planning.all(job)
  ladder.refuse_unmet(job)
  if not planning.has_work(job) then
    job.outcome = "nothing to do"
    ladder.verify_idle(job)
    for _, step in ipairs(job.steps) do
      if not checks.passed(step.checks) then
        errors.raise("check.failed", "there is nothing to do on this backup, and the checks do not pass")
      end
    end
    return
  end
  out.say(("applying in the scratch database; rehearsal %s"):format(job.id))
  apply(job, out)
  out.say("taking it back")
  taking_back.run(job, out)
  out.say("comparing the contents")
  taking_back.compare(job)
  job.outcome = "rehearsed"
end

--- A job of the ladder's that will work in a scratch database, which is not there yet.
---@param runbook table
---@param place table of workplace.open
---@param given table<string, string[]> options and params
---@param id string of the rehearsal
---@param options { directory: string, sample: integer } `directory` of the rehearsal
function M.job(runbook, place, given, id, options)
  local target = {
    time_zone = place.target.time_zone,
    statement_seconds = place.target.statement_seconds,
    lock_seconds = place.target.lock_seconds,
    sandbox = true,
  }
  workplace.announce(target, "rehearse", id)
  local job = jobs.new(runbook, target, given, {
    directory = ("%s/runs/%s"):format(options.directory, id),
    sample = options.sample,
  })
  job.id, job.resume, job.hands = id, M.resume, hands.resting(job)
  return job
end

--- Rehearses. `job.rehearsal` says what came of it, also when it fails; so does its audit log.
---@param job table of M.job, with `rehearsal` { directory, backup, scratch }
---@param request table { scratch, archive, certificate, path, jobs?, subject? }
--- `subject`: the database that is rehearsed for, as jobs.identify gives it, and with the `started` of M.look
--- when it was asked; where it is known
---@param out table of screen.open
function M.run(job, request, out)
  local ok, err = host.protect(work, job, request, out)
  for _, step in ipairs(job.steps) do
    if step.spool_path then host.protect(system.remove_tree, step.spool_path) end
  end
  if not ok then error(of_rehearsal(err), 0) end
end

return M
