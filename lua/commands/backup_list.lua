--- `opsh backup list`: the certified backups of a folder, and what can be said of them without restoring any.
local arguments = require("opsh.host.commands.arguments")
local certificates = require("opsh.host.backup.certificates")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local lang = require("opsh.host.lang")
local log = require("opsh.native.log")
local native_backup = require("opsh.native.backup")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local present = require("opsh.host.present.backup")
local screen = require("opsh.host.present.screen")
local stages = require("opsh.host.present.stages")
local workplace = require("opsh.host.workplace")

local own_options = {
  { name = "check", help = "Read every byte, and compare it with what was certified.", group = "backup" },
  { name = "all", help = "Also the backups of other databases.", group = "backup" },
}

--- How much WAL the server has written since; nothing for what cannot be told.
local wal_since = [[
  select pg_catalog.pg_wal_lsn_diff(
           case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                else pg_catalog.pg_current_wal_lsn() end, $1::pg_catalog.pg_lsn)::pg_catalog.float8 as bytes,
         c.timeline_id as timeline
  from pg_catalog.pg_control_checkpoint() as c]]

local function add_wal(session, identity, entries)
  for _, entry in ipairs(entries) do
    local stated = entry.stated
    if stated and stated.taken.lsn and stated.database.system_identifier == identity.system_identifier then
      local now = session:read(wal_since, { n = 1, stated.taken.lsn })[1]
      if now.timeline == stated.taken.timeline and now.bytes >= 0 then entry.wal_bytes = now.bytes end
    end
  end
end

local function of_database(entries, identity)
  local made = {}
  for _, entry in ipairs(entries) do
    local stated = entry.stated
    local database = stated and (stated.compared_with or stated.database)
    local is_other = database
      and (
        database.name ~= identity.database
        or database.system_identifier and database.system_identifier ~= identity.system_identifier
      )
    if not is_other then made[#made + 1] = entry end
  end
  return made
end

--- Asks the target, which need not be there: what lies in a folder can be listed without it.
local function ask_target(place, entries, given)
  local session
  local ok, found = host.protect(function()
    session = native_db.host_reader(place.target)
    local identity = jobs.identify(session)
    local chosen = given.all and entries or of_database(entries, identity)
    add_wal(session, identity, chosen)
    return chosen
  end)
  if session then session:close() end
  if ok then return found end
  if found.kind == "interrupted" or given.target or given.db or given.sandbox then error(found, 0) end
  log.info(
    lang.text("no database is reached: all backups of the folder are listed, and not how much WAL was written since")
  )
  return entries
end

local function check(place, out, entry)
  local archive
  local ok, err = host.protect(function()
    archive = native_backup.open(entry.path, place.target.tools)
    local stage = stages.stage(out, "hashing", "hashed")
    local work = archive:hash()
    local facts = stages.watch(work, stage)
    work:close()
    if facts.sha256 == entry.certificate.sha256 then return stage.done(facts.size, entry.path:match("[^/]*$")) end
    stage.broken()
    errors.raise("backup.changed", ("%s is not what was certified: it has another sha256"):format(entry.path))
  end)
  if archive then archive:close() end
  if ok then
    entry.checked = true
    return
  end
  if err.kind == "interrupted" then error(err, 0) end
  entry.certificate, entry.problem = nil, err
end

local function work(out, place, given)
  local listing = { folder = certificates.folder(place), checked = given.check ~= nil }
  listing.unfinished = certificates.unfinished(listing.folder)
  listing.entries = ask_target(place, certificates.list({ listing.folder }, place.state), given)
  local bad = false
  for _, entry in ipairs(listing.entries) do
    if given.check and entry.certificate then check(place, out, entry) end
    bad = bad or entry.problem ~= nil
  end
  if out.json then
    out.document(present.list_document(listing))
  else
    out.text(present.list(out, listing))
  end
  return bad and 6 or 0
end

return function(before, rest)
  local given = arguments.read(before, rest, {
    program = "opsh backup list",
    description = "Lists the certified backups of the target's database: how old they are, what was shown of them, and "
      .. "how much WAL was written since.",
    options = options.join(own_options, options.host),
  })
  if not given then return 0 end
  local out, place = screen.open(given), workplace.open(given)
  workplace.announce(place.target, "backup list")
  local ok, result = host.protect(work, out, place, given)
  place.close()
  if not ok then error(result, 0) end
  return result
end
