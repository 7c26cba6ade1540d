--- What a restore is about to replace: which database, how much would be lost, how it differs from the backup. Reads
--- only.
local comparison = require("opsh.host.backup.comparison")
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local moments = require("opsh.host.backup.moments")
local native_backup = require("opsh.native.backup")
local report = require("opsh.native.report")
local swap = require("opsh.host.backup.swap")

local M = {}

--- A copy of the target that leads to another database of its server.
---@param target table
---@param database string
function M.other_database(target, database)
  local made = {}
  for name, value in pairs(target) do
    made[name] = value
  end
  made.dbname = database
  return made
end

--- Refuses a certificate that a whole database cannot be made of, and one of another database.
---@param certificate table
---@param database string that is to be replaced
function M.require_whole(certificate, database)
  if certificate.database.name ~= database then
    errors.raise(
      "backup.other_database",
      ("the backup is of database %s, and this is %s"):format(certificate.database.name, database),
      "connect to the database that the backup is of; it need not exist any more"
    )
  end
  if certificate.only_tables then
    errors.raise(
      "backup.partial",
      "the backup has some tables only: " .. table.concat(certificate.only_tables, ", "),
      "restore them beside the live ones: --tables"
    )
  end
  if not certificate.tables then
    errors.raise(
      "backup.level",
      "nobody knows what is in this backup: the restored database could not be compared with anything",
      "try it first: opsh certify FILE --level=restored"
    )
  end
end

-- What the server has done since a backup was taken.
local done_since = [[
  select c.timeline_id as timeline,
         (pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.numeric
          - $1::pg_catalog.numeric)::pg_catalog.float8 as transactions,
         pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(),
                                    $2::pg_catalog.pg_lsn)::pg_catalog.float8 as wal_bytes
  from pg_catalog.pg_control_checkpoint() as c]]

local function lost_since(session, certificate, identity)
  local database, taken = certificate.database, certificate.taken
  if not database.system_identifier or not taken.xid then
    return { why = "the backup does not say at which transaction it was taken" }
  end
  if database.system_identifier ~= identity.system_identifier then
    return { why = "the backup is of another server" }
  end
  local now = session:read(done_since, { n = 2, taken.xid, taken.lsn })[1]
  if now.timeline ~= taken.timeline or now.transactions < 0 or now.wal_bytes < 0 then
    return { why = "the server is on another timeline since: it was restored or failed over" }
  end
  return { transactions = now.transactions, wal_bytes = now.wal_bytes }
end

--- How much would be lost, in words.
---@param ours? boolean whether this restore's own are among them
function M.lost_text(lost, ours)
  if lost.why then return "unknown: " .. lost.why end
  return ("at most %s, those of all databases of the server%s; %s of WAL"):format(
    counted(lost.transactions, "transaction"),
    ours and " and of this restore" or "",
    report.bytes(lost.wal_bytes)
  )
end

--- Looks at what is to be replaced; reads only.
---@param session userdata of the database, or of another one of its server
---@param job table { certificate, identity, id, exists }
function M.look(session, job)
  job.names = swap.names(job.identity.database, job.id)
  job.survey = swap.survey(session, job.identity.database)
  job.lost = job.exists and lost_since(session, job.certificate, job.identity) or { why = "there is no database" }
  job.age = moments.age(moments.seconds(job.certificate.taken.time))
end

--- The tables that differ between the backup and the database as it is now. Reads all of it.
function M.compare_with_now(session, job)
  local found = native_backup.contents(session, {})
  return comparison.compare(job.certificate, found, {})
end

return M
