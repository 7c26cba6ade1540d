--- A backup put in the place of the database that it was made of: restored into a database beside it, compared with
--- the certificate, and swapped in by its name. The original is never written to; until the swap it goes on as it is.
local audit = require("opsh.host.runbook.audit")
local comparison = require("opsh.host.backup.comparison")
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local log = require("opsh.native.log")
local moments = require("opsh.host.backup.moments")
local native_backup = require("opsh.native.backup")
local native_db = require("opsh.native.db")
local native_restore = require("opsh.native.restore")
local replaced = require("opsh.host.backup.replaced")
local stages = require("opsh.host.present.stages")
local swap = require("opsh.host.backup.swap")
local system = require("opsh.native.system")

local M = {}

-- So long the swap is tried; each attempt that meets a session that does not end takes 5 s.
local swap_seconds = 30
local named_differences = 5

--- A connection string that leads to another database: what comes later in one counts.
local function connect_to(conninfo, database)
  if not conninfo:find("^postgres") then
    return ("%s dbname='%s'"):format(conninfo, (database:gsub("[\\']", "\\%0")))
  end
  local encoded = database:gsub("[^%w_.-]", function(byte) return ("%%%02X"):format(byte:byte()) end)
  return conninfo .. (conninfo:find("?", 1, true) and "&" or "?") .. "dbname=" .. encoded
end

--- Does a work of opsh.native.backup to its end, and says how far it is.
local function finish(work, out, doing, done)
  local stage = stages.stage(out, doing, done)
  local facts = stages.watch(work, stage)
  work:close()
  stage.done(facts.size)
  return facts
end

local function require_bytes(job, found, when)
  if found.sha256 == job.certificate.sha256 then return end
  errors.raise(
    "backup.changed",
    ("the dump is not what its certificate says: sha256 %s%s"):format(found.sha256, when),
    "use another backup; opsh backup list names those that are there"
  )
end

local function certificate_facts(certificate, path)
  return {
    id = certificate.id,
    file = path,
    sha256 = certificate.sha256,
    level = certificate.level,
    taken = certificate.taken.time,
  }
end

local function begin_log(job)
  system.make_directory(job.directory)
  local facts = audit.circumstances({
    command = job.command,
    reason = job.reason,
    target = job.target,
    identity = job.identity,
  })
  facts.certificate, facts.names = certificate_facts(job.certificate, job.dump), job.names
  facts.replaces = job.exists and { database = job.identity.database, database_oid = job.identity.database_oid } or nil
  local opened = audit.open(job.directory, job.id)
  opened:append("restore started", facts)
  job.log = opened
end

local function describe(differences)
  local parts = {}
  for at = 1, math.min(#differences, named_differences) do
    local found = differences[at]
    parts[at] = ("%s %s: %s, not %s"):format(found.what, found.name, found.found, found.wanted)
  end
  local more = #differences - #parts
  return table.concat(parts, "; ") .. (more > 0 and (" and %d more"):format(more) or "")
end

--- The new database must be what the certificate says, all of it.
local function require_equal(job, session)
  local stage = stages.stage(job.out, "comparing", "equal")
  local found = native_backup.contents(session, {})
  local differences = comparison.compare(job.certificate, found, {})
  if #differences > 0 then
    errors.raise(
      "backup.not_equal",
      "what was restored is not what the certificate says: " .. describe(differences),
      "use another backup; opsh certify tries one without touching a database"
    )
  end
  stage.done(nil, counted(#found.tables, "table"))
  job.tables = #found.tables
  job.log:append("equal", { tables = #found.tables })
end

--- Makes the new database and fills it.
local function fill(job)
  local began = system.clock()
  job.out.say(("restoring into %s"):format(job.names.fresh))
  system.on_second_interrupt(
    130,
    ("\nopsh: stopped at once; database %s is as it was. What is left behind goes with: %s\n"):format(
      job.identity.database,
      swap.drop_command(job.names.fresh)
    )
  )
  job.begun = true
  job.replacement:create(job.certificate.database)
  local session = native_db.host_reader(replaced.other_database(job.target, job.names.fresh))
  local ok, err = host.protect(function()
    local tools = job.target.tools
    local work = job.archive:restore({
      tools = tools,
      session = session,
      connect = tools and tools.connect and connect_to(tools.connect, job.names.fresh) or nil,
      jobs = job.jobs,
    })
    -- pg_restore connects as this session did; a snapshot would be held for nothing.
    session:rest()
    local restored = finish(work, job.out, "restoring", "restored")
    require_bytes(job, restored, " while it was restored")
    job.log:append("restored", { sha256 = restored.sha256 })
    require_equal(job, session)
  end)
  session:close()
  if not ok then error(err, 0) end
  job.replacement:adopt_properties()
  job.replacement:analyze()
  job.restore_seconds = system.clock() - began
end

--- Looks again, because it may have been hours, and asks.
local function confirm(job, place, given)
  local session =
    native_db.host_reader(job.exists and job.target or replaced.other_database(job.target, job.names.fresh))
  local ok, err = host.protect(replaced.look, session, job)
  session:close()
  if not ok then error(err, 0) end
  -- The disk has what it needs by now.
  job.survey.needed = nil
  swap.refuse(job.survey)
  local sessions = 0
  for _, group in ipairs(job.survey.sessions) do
    sessions = sessions + group.count
  end
  local facts = {
    { "target", job.target.name or "none" },
    { "database", job.identity.database },
    { "reached by", job.target.described },
    { "backup", ("%s, %s, %s"):format(job.certificate.id, moments.age_text(job.age), job.certificate.level) },
  }
  if job.exists then
    facts[#facts + 1] = { "lost", replaced.lost_text(job.lost, true) }
    facts[#facts + 1] = { "ended", counted(sessions, "session") }
    facts[#facts + 1] = { "kept as", job.names.before }
  end
  place.target.confirmed = guards.answer(
    job.exists and "This replaces a database." or "This makes a database.",
    facts,
    job.identity.database,
    given
  )
end

local function put_in_place(job, place)
  job.log:append("swap started", {
    confirmed = place.target.confirmed,
    lost = job.lost.transactions and { transactions = job.lost.transactions, wal_bytes = job.lost.wal_bytes } or nil,
  })
  job.swapping = true
  system.on_second_interrupt(
    7,
    ("\nopsh: stopped at once in the swap, which happens as a whole or not at all; look whether there is %s\n"):format(
      job.exists and job.names.before or job.names.original
    )
  )
  local done = job.replacement:swap_in(swap_seconds)
  job.closed, job.ended, job.outcome = done.closed, done.ended, "restored"
  -- It has happened, and was announced: that this cannot be added to the log changes neither.
  local ok, err = host.protect(function()
    job.log:append("restore finished", {
      closed_seconds = math.floor(done.closed * 1000 + 0.5) / 1000,
      ended_sessions = done.ended,
      kept = job.exists and job.names.before or nil,
    })
  end)
  if not ok then
    log.warn("the database was replaced, and the end of the audit log could not be written: " .. err.message)
    job.exit = 8
  end
end

local function add_hint(err, words) err.hint = err.hint and err.hint ~= "" and err.hint .. "; " .. words or words end

--- What a failure leaves: the original where it was, always. What was compared and only could not be swapped in is
--- kept, because it may have taken hours; everything else goes.
local function give_up(job, err)
  local names = job.names
  if err.kind == "in_doubt.swap" then
    host.protect(function() job.log:append("restore failed", { error = audit.error_facts(err) }) end)
    return
  end
  local keeps = job.swapping and err.kind ~= "backup.replaced"
  local dropped = not job.begun
  if job.begun and not keeps then
    dropped = host.protect(function() job.replacement:drop() end)
  end
  job.left = not dropped and names.fresh or nil
  if job.log then
    host.protect(function()
      job.log:append("restore failed", {
        error = audit.error_facts(err),
        left = job.left,
      })
    end)
  end
  if job.exists then add_hint(err, ("database %s is as it was"):format(names.original)) end
  if keeps then
    add_hint(
      err,
      ("the restored database, compared and complete, is kept as %s; to swap it in by hand: %s to drop it: %s"):format(
        names.fresh,
        swap.forth_command(names, job.exists),
        swap.drop_command(names.fresh)
      )
    )
  elseif not dropped then
    add_hint(err, ("%s may be left behind: %s"):format(names.fresh, swap.drop_command(names.fresh)))
  end
end

local function work(job, place, given)
  job.archive = native_backup.open(job.dump, job.target.tools)
  require_bytes(job, finish(job.archive:hash(), job.out, "hashing", "hashed"), "")
  begin_log(job)
  job.replacement = native_restore.replacement(job.target, {
    original = job.names.original,
    original_oid = job.exists and job.identity.database_oid or nil,
    fresh = job.names.fresh,
    before = job.names.before,
  })
  fill(job)
  confirm(job, place, given)
  put_in_place(job, place)
end

--- Restores, compares, asks and swaps.
---@param job table looked at (replaced.look); { certificate, dump, identity, exists, target, directory, out }
---@param place table of workplace.open
---@param given table<string, string[]> options
function M.carry_out(job, place, given)
  swap.refuse(job.survey)
  local ok, err = host.protect(work, job, place, given)
  if job.archive then job.archive:close() end
  if ok then return end
  give_up(job, err)
  error(err, 0)
end

return M
