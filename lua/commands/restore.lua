--- `opsh restore BACKUP`: what it would take to put a backup in the place of its database, and with --apply, that; with
--- --tables, some of its tables beside the live ones, and how they differ.
local again = require("opsh.host.commands.again")
local arguments = require("opsh.host.commands.arguments")
local audit_files = require("opsh.host.runbook.audit_files")
local certificates = require("opsh.host.backup.certificates")
local errors = require("opsh.host.errors")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local present = require("opsh.host.present.restore")
local replaced = require("opsh.host.backup.replaced")
local restoring = require("opsh.host.backup.restoring")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local tables = require("opsh.host.backup.tables")
local workplace = require("opsh.host.workplace")

local own_options = {
  { name = "apply", help = "Restore it, compare it, and put it in the database's place.", group = "ladder" },
  {
    name = "tables",
    value = "NAME,NAME",
    help = "Replace nothing: show how these tables differ now; with --apply, also put them into a schema.",
    group = "ladder",
  },
  { name = "jobs", value = "N", help = "Restore a dump in the directory format with N processes.", group = "ladder" },
  options.scratch,
  options.reason,
  options.confirm,
}

--- The certificate that a word means: a dump, a certificate, or the id of a backup in the target's folder.
local function certificate_of(place, word)
  if system.file_kind(word) or word:find("/") then return certificates.read(word, place.state) end
  local folder, found = certificates.folder(place), {}
  for _, entry in ipairs(certificates.list({ folder }, place.state)) do
    if entry.certificate and entry.certificate.id:sub(1, #word) == word then found[#found + 1] = entry.path end
  end
  if #found == 1 then return certificates.read(found[1], place.state) end
  errors.raise(
    "backup.missing",
    #found == 0 and ("there is no file %s, and no backup in %s whose id begins with it"):format(word, folder)
      or ("%d backups in %s have an id that begins with %s"):format(#found, folder, word),
    "opsh backup list shows them"
  )
end

--- A read session on the database; on another one of its server when it is not there any more.
---@return userdata session, table identity, boolean exists
local function open(target, certificate)
  local ok, session = host.protect(native_db.host_reader, target)
  if ok then return session, jobs.identify(session), true end
  local name = certificate.database.name
  if session.kind ~= "connect.database" then error(session, 0) end
  if not (" " .. target.described .. " "):find(" dbname=" .. name .. " ", 1, true) then
    session.hint = ("the backup is of database %s: connect to that name; it need not exist any more"):format(name)
    error(session, 0)
  end
  local other = native_db.host_reader(replaced.other_database(target, "template1"))
  local identity = jobs.identify(other)
  identity.database, identity.database_oid = name, nil
  return other, identity, false
end

local function show(job, place, out)
  if out.json then
    out.document(present.document(job, place, nil, nil, job.exit))
  else
    out.text(present.text(job, place, out))
  end
  return job.exit or 0
end

local function whole(job, given, out, session)
  replaced.require_whole(job.certificate, job.identity.database)
  if given.apply then
    guards.require_answer(
      job.exists and "this replaces a database" or "this makes a database",
      job.identity.database,
      given
    )
  end
  replaced.look(session, job)
  if given.apply or not job.exists then return end
  out.say("comparing the backup with the database as it is now")
  local ok, found = host.protect(replaced.compare_with_now, session, job)
  if ok then
    job.differences = found
  elseif found.kind:find("^permission") then
    job.not_compared = found.message
  else
    error(found, 0)
  end
end

local function restore(given, out, place, word)
  local certificate, dump = certificate_of(place, word)
  if not certificate then
    errors.raise(
      "backup.certificate",
      ("%s has no certificate: nothing says what a restore of it must come to"):format(dump),
      "try it first, which makes one: " .. again.command(given, "certify", dump, "--level=restored")
    )
  end
  local session, identity, exists = open(place.target, certificate)
  local job = {
    id = ladder.new_run_id(),
    certificate = certificate,
    dump = dump,
    identity = identity,
    exists = exists,
    target = place.target,
    out = out,
    command = place.command,
    reason = options.reason_of(given),
    jobs = options.jobs_of(given),
    planned_only = given.apply == nil,
    outcome = "planned",
    document = present.document,
  }
  job.directory = audit_files.directory(place.state, "backups", job.id)
  workplace.announce(place.target, "restore", job.id)
  local only = given.tables and given.tables[1]
  local ok, err = host.protect(function()
    if exists then guards.admit(place, identity, given, given.apply ~= nil) end
    if only and not exists then
      errors.raise("connect.database", "there is no database to compare with", "leave --tables out to make it")
    end
    if not only then whole(job, given, out, session) end
  end)
  session:close()
  if not ok then error(err, 0) end
  if job.planned_only and not only then return show(job, place, out) end
  local done, failure
  if only then
    done, failure = host.protect(tables.restore, job, place, given, only)
  else
    done, failure = host.protect(restoring.carry_out, job, place, given)
  end
  if done then return show(job, place, out) end
  failure.job, failure.place = job, place
  error(failure, 0)
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh restore",
    description = "Puts a backup in the place of the database that it was made of. It is restored into a database "
      .. "beside it, compared with its certificate, and swapped in by name; the replaced database is kept.\n\n"
      .. "Without --apply it looks at what would be replaced, and changes nothing.",
    options = options.join(own_options, options.host),
    positionals = { { name = "BACKUP", help = "A dump, its certificate, or the id of a backup.", required = true } },
  })
  if not given then return 0 end
  local out, place = screen.open(given), workplace.open(given)
  place.command = again.runbook(before, "restore", rest, {})
  local ok, result = host.protect(restore, given, out, place, words[1])
  place.close()
  if not ok then error(result, 0) end
  return result
end
