--- What `opsh RUNBOOK --rehearse` does: finds the backup and the scratch, rehearses there, and keeps what came of it
--- for the apply that comes later.
local again = require("opsh.host.commands.again")
local audit = require("opsh.host.runbook.audit")
local budgets = require("opsh.host.runbook.budgets")
local chosen = require("opsh.host.backup.chosen")
local errors = require("opsh.host.errors")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local native_backup = require("opsh.native.backup")
local options = require("opsh.host.options")
local planning = require("opsh.host.runbook.planning")
local present = require("opsh.host.present.rehearsal")
local rehearsal = require("opsh.host.backup.rehearsal")
local rehearsals = require("opsh.host.backup.rehearsals")
local places = require("opsh.host.report.places")
local reports = require("opsh.host.report.writing")
local scratches = require("opsh.host.backup.scratch")
local screen = require("opsh.host.present.screen")
local slowest = require("opsh.host.backup.slowest")
local system = require("opsh.native.system")
local workplace = require("opsh.host.workplace")

local M = {}

local function value_of(given, name) return given[name] and given[name][1] end

local function refuse_options(given)
  if given.keep and given.sandbox then
    errors.raise(
      "usage.option",
      "--keep could mean the server of --sandbox or the one that --rehearse starts",
      "start the one of --sandbox with opsh sandbox start"
    )
  end
  if given.keep and given.scratch then
    errors.raise("usage.option", "--keep is for a throw-away server, not for that of --scratch", "leave one out")
  end
end

--- Whether the backup is all there is: a file is named, and no database is. A database is named by an option or by
--- libpq's environment.
local function is_alone(given)
  local file = value_of(given, "backup")
  if not file or file == "now" or given.db or given.target or given.sandbox then return false end
  for _, variable in ipairs({ "PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE" }) do
    if (system.environment(variable) or "") ~= "" then return false end
  end
  return true
end

--- What the target's plan is now, and what an apply of it would be refused for. Only reads.
local function plan_today(job, given, place)
  workplace.announce(place.target, "rehearse", job.id)
  local folder = job.rehearsal.directory .. "/today"
  local today = jobs.new(job.runbook, place.target, given, { directory = folder, sample = 0 })
  -- An id spares it the checks, which say nothing before an apply.
  today.id, today.say = job.id, job.say
  function today.admit(identity)
    guards.admit(place, identity, given, false)
    today.budgets = budgets.of(place.target.budgets, given)
  end
  local ok, err = host.protect(function()
    planning.all(today)
    -- Of the login that would write.
    local found = jobs.reading_ledger(today, rehearsal.look)
    today.identity.started, today.identity.size = found.started, found.size
  end)
  system.remove_tree(folder)
  if not ok then error(err, 0) end
  return today
end

--- The database that is rehearsed for; nil when not even the certificate knows which it is.
local function subject_of(today, certificate)
  if today then return today.identity end
  local database = certificate.database
  return database.system_identifier
    and {
      system_identifier = database.system_identifier,
      database_oid = database.oid,
      database = database.name,
      server_version = database.server_version,
    }
end

local function scratch_facts(conninfo, version)
  if conninfo then return { kind = "server", described = "a database of its own on the server of --scratch" } end
  local major = version:match("^%d+")
  return { kind = "sandbox", described = ("a throw-away server of PostgreSQL %s"):format(major), durable = true }
end

--- Durable, so that a commit takes what it takes; without auto_explain where the server's release comes without it.
local function open_scratch(job, given, conninfo, certificate)
  local made = job.rehearsal
  local request = {
    conninfo = conninfo,
    insecure = value_of(given, "insecure"),
    version = certificate.database.server_version,
    certificate = certificate,
    need_bytes = made.today and made.subject.size,
    durable = true,
    keep = given.keep ~= nil,
  }
  if conninfo then return scratches.open(request) end
  request.settings = slowest.settings(request.version)
  local ok, scratch = host.protect(scratches.open, request)
  if ok then return scratch end
  if scratch.kind ~= "sandbox.start" then error(scratch, 0) end
  job.say("the server does not start with auto_explain: the slowest statement will not be known")
  request.settings = nil
  return scratches.open(request)
end

local function announce(job, place)
  local made = job.rehearsal
  local log = audit.open(made.directory, job.id)
  audit.rehearsal_started(
    log,
    audit.circumstances({
      command = job.command,
      reason = job.reason,
      script = job.runbook.real_path,
      target = made.today and place.target or { described = "the backup alone" },
      identity = made.subject or { database = made.backup.database },
    }),
    {
      title = job.runbook.title,
      script = job.runbook.real_path,
      sha256 = job.runbook.sha256,
      sources = job.runbook.sources,
      params = job.params,
      backup = made.backup,
    },
    made.scratch
  )
  return log
end

--- Puts what came of it into the audit log and into the folder.
local function record(job, place, log, err, seconds)
  local made, taken = job.rehearsal, job.rehearsal.undo
  audit.rehearsal_finished(log, {
    outcome = err and "failed" or job.outcome,
    apply_seconds = made.seconds,
    undo = taken and { outcome = taken.outcome, rows = taken.rows, left = taken.left, equal = taken.equal },
    err = err,
  }, seconds)
  local exit = err and errors.exit_code(err) or present.exit(job)
  rehearsals.keep(made.directory, made.record, {
    text = present.render(job, place, screen.plain()),
    document = present.document(job, place, nil, err, exit),
  })
end

local function rehearse(job, place, request, out)
  local made = job.rehearsal
  local log, began = announce(job, place), system.clock()
  local ok, err = host.protect(rehearsal.run, job, request, out)
  made.record = rehearsals.record(job, place, not ok and err or nil)
  if ok and job.outcome == "rehearsed" then made.prediction = rehearsals.predict(made.record, made.today or job) end
  local recorded, problem = host.protect(record, job, place, log, not ok and err or nil, system.clock() - began)
  if not ok then error(err, 0) end
  if not recorded then error(problem, 0) end
end

local function in_scratch(job, given, place, certificate, path, out)
  local made = job.rehearsal
  local configured = place.target.backup or {}
  local conninfo = value_of(given, "scratch") or configured.scratch
  made.scratch = scratch_facts(conninfo, certificate.database.server_version)
  local archive = native_backup.open(path, place.target.tools)
  local ok, err = host.protect(function()
    local scratch = open_scratch(job, given, conninfo, certificate)
    local done, problem = host.protect(rehearse, job, place, {
      scratch = scratch,
      archive = archive,
      certificate = certificate,
      path = path,
      jobs = configured.jobs,
      subject = made.subject,
    }, out)
    scratch:close(out)
    if given.keep and made.restore then
      local goes_on = "the scratch goes on, in database %s: opsh sandbox psql reaches it, opsh sandbox stop ends it"
      job.say(goes_on:format(made.scratch.database))
    end
    if not done then error(problem, 0) end
  end)
  archive:close()
  if not ok then error(err, 0) end
end

local function work(job, given, place, out)
  local made = job.rehearsal
  refuse_options(given)
  if not planning.has_items(job) then
    errors.raise(
      "refused.rehearsal",
      "no step of this run works on the database: there is nothing to rehearse",
      "the plan says what an apply does beyond it"
    )
  end
  if is_alone(given) then
    out.say("no database is named: rehearsing on the backup alone; today's plan is not known")
  else
    out.say("planning on the target, for its size today")
    made.today = plan_today(job, given, place)
    made.objections = { budgets.excess(made.today) }
  end
  local certificate, path = chosen.find(value_of(given, "backup"), place, made.today and made.today.identity, {
    reason = job.reason,
    command = again.command(given, "backup"),
    scratch = value_of(given, "scratch"),
  }, out)
  made.subject, made.backup = subject_of(made.today, certificate), chosen.facts(certificate, path)
  in_scratch(job, given, place, certificate, path, out)
end

--- Rehearses, and shows what came of it; returns the exit status.
---@param words { all: string } the command line
function M.climb(given, path, runbook, place, out, words)
  local id = ladder.new_run_id()
  local directory = rehearsals.directory(place.state, id)
  local job = rehearsal.job(runbook, place, given, id, { directory = directory, sample = 0 })
  job.say, job.path, job.command, job.reason = out.say, path, words.all, options.reason_of(given)
  job.budgets = { batch = budgets.of(nil, given).batch }
  job.rehearsal, job.document = { directory = directory }, present.document
  system.make_directory(directory)
  local ok, err = host.protect(work, job, given, place, out)
  if not job.rehearsal.record then
    system.remove_tree(directory)
    job.id = nil
  end
  if not out.json and job.rehearsal.restore then
    out.text(present.render(job, place, out))
    job.rehearsal.shown = true
  elseif out.json and ok then
    out.document(present.document(job, place))
  end
  if job.rehearsal.record then
    local about = places.at(place.state, "rehearsals", id)
    reports.finish(job, place, out, about, "rehearse", ok and present.exit(job), not ok and err)
  end
  if ok then return present.exit(job) end
  err.job, err.place = job, place
  error(err, 0)
end

return M
