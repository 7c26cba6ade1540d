--- Shows more of a dump that is there: raises its certificate, or makes one for a dump that opsh did not take. Of such
--- a dump only the live database can say whether its rows are right, and only as long as they have not changed.
local audit = require("opsh.host.runbook.audit")
local audit_files = require("opsh.host.runbook.audit_files")
local certificates = require("opsh.host.backup.certificates")
local comparison = require("opsh.host.backup.comparison")
local counted = require("opsh.host.counted")
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local native_backup = require("opsh.native.backup")
local native_db = require("opsh.native.db")
local proving = require("opsh.host.backup.proving")
local provenance = require("opsh.host.runbook.provenance")
local scratches = require("opsh.host.backup.scratch")
local stages = require("opsh.host.present.stages")
local system = require("opsh.native.system")
local workplace = require("opsh.host.workplace")

local M = {}

local notes = {
  clock = "taken.time is what the dump's header says, in the local time of the machine that made it",
  contents = "nobody counted the rows when this dump was made: that it restores does not show that they are right",
}

-- Names of tables in a note.
local named = 10

--- Of a dump without a certificate, what its header says: whoever made the dump wrote that.
local function foreign(archive, path)
  local facts = archive:facts()
  local made = {
    certificate = 1,
    id = ladder.new_run_id(),
    file = path:match("[^/]*$"),
    format = facts.format,
    size = facts.size,
    origin = "foreign",
    database = { name = facts.database, server_version = facts.server_version },
    taken = { time = facts.created and os.date("!%Y-%m-%dT%H:%M:%SZ", facts.created) },
    tools = { opsh = host.version(), pg_dump = facts.pg_dump_version },
    steps = {},
    notes = { notes.clock, notes.contents },
  }
  return made
end

--- What the target's database is, so that nothing is compared with another one.
local function identify(place, certificate)
  local session = native_db.host_reader(place.target)
  local ok, found = host.protect(function()
    local identity = jobs.identify(session)
    guards.admit(place, identity, {}, false)
    local shape = session:read([[
      select pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text as encoding,
             d.datcollate::pg_catalog.text as "collate", d.datctype::pg_catalog.text as ctype,
             pg_catalog.pg_database_size(d.oid)::pg_catalog.float8 as bytes
      from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database()]])[1]
    return { identity = identity, shape = shape }
  end)
  session:close()
  if not ok then error(found, 0) end
  local identity = found.identity
  local origin = certificate.database
  local is_same = origin.name == identity.database
    and (not origin.oid or origin.oid == identity.database_oid)
    and (not origin.system_identifier or origin.system_identifier == identity.system_identifier)
  if not is_same then
    errors.raise(
      "backup.database",
      ("the dump is of database %s%s, and the target is %s (oid %s, system %s)"):format(
        origin.name,
        origin.oid and (" (oid %s, system %s)"):format(origin.oid, origin.system_identifier) or "",
        identity.database,
        identity.database_oid,
        identity.system_identifier
      ),
      "give the target that the dump is of, or none"
    )
  end
  return found
end

local function begin_log(place, subject, live, options)
  local certificate = subject.certificate
  local directory = audit_files.directory(place.state, "backups", certificate.id)
  system.make_directory(directory)
  local log = audit.open(directory, certificate.id)
  local details
  if live then
    details = audit.circumstances({
      command = options.command,
      reason = options.reason,
      target = place.target,
      identity = live.identity,
    })
  else
    details = provenance.operator()
    details.command, details.reason = options.command, options.reason
  end
  details.file, details.level, details.origin = system.real_path(subject.path), options.level, certificate.origin
  details.seal = certificate.seal
  log:append("certify started", details)
  return log
end

--- Marks the tables that are now what was restored. Of the others nothing is known: they have changed since, or the
--- dump was wrong.
---@return integer equal how many are the same
local function mark_same(certificate, now, differences)
  local differs, looked_at, equal = {}, {}, 0
  for _, difference in ipairs(differences) do
    if difference.what == "table" then differs[difference.name] = true end
  end
  for _, entry in ipairs(now.tables) do
    looked_at[entry.name] = true
  end
  for _, entry in ipairs(certificate.tables) do
    entry.equal = looked_at[entry.name] and not differs[entry.name] or nil
    if entry.equal then equal = equal + 1 end
  end
  return equal
end

local function note_differences(certificate, differences)
  local names = {}
  for at, difference in ipairs(differences) do
    names[at] = ("%s %s"):format(difference.what, difference.name)
  end
  local more = #names - named
  local list = table.concat(names, ", ", 1, math.min(#names, named))
  if more > 0 then list = ("%s and %d more"):format(list, more) end
  local why = "it was changed since the dump, or the dump is wrong: which cannot be known"
  proving.note(certificate, ("not as in the live database now: %s; %s"):format(list, why))
end

--- Counts what a dump that opsh did not take restores to, and holds it against the live database, where there is one.
local function compare_with_live(subject, restored, live, tables)
  local certificate = subject.certificate
  local stage = stages.stage(subject.out, "comparing", "compared")
  restored.target.statement_seconds = subject.statement_seconds
  local found = proving.contents(restored.target, {}, stage)
  certificate.tables, certificate.sequences = found.tables, found.sequences
  certificate.large_objects, certificate.objects = found.large_objects, found.objects
  certificate.not_compared, certificate.notes = found.not_compared, { notes.clock, notes.contents }
  if not live then
    stage.done(nil, counted(#found.tables, "table") .. ", with nothing to compare them with")
    certificates.write(subject.path, certificate, subject.log)
    return
  end
  local now = proving.contents(subject.target, { tables = tables, workers = 0 }, stage)
  local differences = comparison.compare(found, now, { tables = tables })
  local equal = mark_same(certificate, now, differences)
  certificate.roles = now.roles
  certificate.compared_with = {
    name = live.identity.database,
    oid = live.identity.database_oid,
    system_identifier = live.identity.system_identifier,
    server_version = live.identity.server_version,
    time = os.date("!%Y-%m-%dT%H:%M:%SZ"),
  }
  stage.done(nil, ("%d of %d tables are the same in the live database now"):format(equal, #certificate.tables))
  if #differences > 0 then note_differences(certificate, differences) end
  if tables or #differences > 0 then
    certificates.write(subject.path, certificate, subject.log)
  else
    proving.reached(subject, { level = "equal", seconds = stage.seconds() })
  end
end

local function wants(options, level)
  return not options.level or certificates.level_at_least({ level = options.level }, level)
end

local function has(certificate, level)
  return certificate.level and certificates.level_at_least(certificate, level) or false
end

--- What is needed to try it, refused before anything takes long.
local function open_scratch(subject, place, live, options)
  local certificate = subject.certificate
  local is_foreign = certificate.origin == "foreign"
  local settled = has(certificate, "equal") or has(certificate, "restored") and not wants(options, "equal")
  if not wants(options, "restored") or settled then return nil end
  local configured = place.target and place.target.backup and place.target.backup.scratch
  local roles = certificate.roles
  if is_foreign and live then
    local session = native_db.host_reader(place.target)
    local ok, inventory = host.protect(native_backup.inventory, session, { tables = options.tables })
    if ok then roles = inventory:roles() end
    session:close()
    if not ok then error(inventory, 0) end
    subject.shape = live.shape
  end
  return scratches.open({
    conninfo = options.scratch or configured,
    version = certificate.database.server_version,
    roles = roles,
    need_bytes = subject.shape and subject.shape.bytes or certificate.database.bytes,
  })
end

local function prove(subject, scratch, live, options)
  local certificate = subject.certificate
  if certificate.sha256 then
    proving.written(subject)
    if wants(options, "readable") and not has(certificate, "readable") then proving.readable(subject) end
  elseif wants(options, "readable") then
    certificate.level = "written"
    proving.readable(subject)
  else
    proving.written(subject)
  end
  if not scratch then return end
  local restored = proving.restored(subject, scratch, subject.shape)
  if certificate.origin == "foreign" then
    compare_with_live(subject, restored, live, options.tables)
  elseif wants(options, "equal") then
    proving.equal(subject, restored)
  end
end

--- Raises the certificate of a dump, or makes one. Its bytes are those that were certified, or it is refused.
---@param place table { state, target? } of workplace.open; without a target nothing is compared with a live database
---@param path string of the dump or its certificate
---@param options { level?: string, tables?: string[], scratch?: string, reason?: string, command?: string } `level`:
--- as far as possible unless given; `tables`: of a dump that opsh did not take, only these are compared
---@param out table of screen.open
---@return table certificate its level may be below the one that was asked for, when that cannot be shown of the dump
---@return string path of the dump
--- Errors: "backup.*", "permission.*", those of connecting.
function M.raise(place, path, options, out)
  if options.level then certificates.require_level(options.level) end
  if not place then
    local _, folder = config.load()
    place = { state = workplace.state_directory(folder) }
  end
  local certificate, dump = certificates.read(path, place.state)
  local target = place.target
  local archive = native_backup.open(dump, target and target.tools)
  local subject = { certificate = certificate or foreign(archive, dump), path = dump, archive = archive, out = out }
  subject.target, subject.statement_seconds = target, target and target.statement_seconds
  subject.jobs = target and target.backup and target.backup.jobs
  local scratch
  local ok, err = host.protect(function()
    local live = target and identify(place, subject.certificate)
    scratch = open_scratch(subject, place, live, options)
    subject.log = begin_log(place, subject, live, options)
    proving.recording(subject, function() prove(subject, scratch, live, options) end)
  end)
  if scratch then scratch:close(out) end
  if subject.log then subject.log:close() end
  archive:close()
  if not ok then error(err, 0) end
  return subject.certificate, dump
end

return M
