--- What an apply wants of a backup, and what a certificate lacks of it. It asks the database once and judges after that
--- without looking at anything but its arguments.
local certificates = require("opsh.host.backup.certificates")
local config = require("opsh.host.config")
local counted = require("opsh.host.counted")
local jobs = require("opsh.host.runbook.job")
local moments = require("opsh.host.backup.moments")
local report = require("opsh.native.report")

local M = {}

-- Unless the target says otherwise: `backup.max_age` and `backup.level`.
local usual_age = "2h"
local usual_level = "restored"

local tables_named = 5

--- What holds the rows of these tables: they themselves, or the partitions and children below them. A table that is not
--- there yet has no rows to lose.
local held = [[
  with recursive below (oid) as (
    select w.oid
    from (select pg_catalog.unnest($1::pg_catalog.oid[])
          union select pg_catalog.to_regclass(n.name)::pg_catalog.oid
                from pg_catalog.unnest($2::pg_catalog.text[]) as n (name)) as w (oid)
    union
    select i.inhrelid from below as b join pg_catalog.pg_inherits as i on i.inhparent = b.oid)
  select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
  from below as b
  join pg_catalog.pg_class as c on c.oid = b.oid and c.relkind <> 'p'
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  order by n.nspname, c.relname]]

local position = [[
  select (case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
               else pg_catalog.pg_current_wal_lsn() end)::pg_catalog.text as lsn]]

--- What this target wants, whatever is applied to it.
---@param target table of workplace.open
---@return { level: string, max_age: integer, tables_equal: boolean }
function M.policy(target)
  local given = target.backup or {}
  local level = given.level or usual_level
  return {
    level = level,
    max_age = config.seconds(given.max_age or usual_age),
    -- Who asks for less than a restore has given up what only a restore can show.
    tables_equal = level == "restored" or level == "equal",
  }
end

--- What an apply of this job wants: the policy, this very database, and the tables that the job writes.
---@param job table planned
---@return table wants { level, max_age, tables_equal, identity, tables, lsn }
function M.of(job)
  local wants, oids, names = M.policy(job.target), {}, {}
  for _, step in ipairs(job.steps) do
    for at, written in ipairs(step.writes) do
      if step.write_oids then
        oids[#oids + 1] = step.write_oids[at]
      else
        names[#names + 1] = written.name
      end
    end
  end
  wants.identity, wants.tables = job.identity, {}
  jobs.reading_ledger(job, function(session)
    for at, row in ipairs(session:read(held, { n = 2, "{" .. table.concat(oids, ",") .. "}", names })) do
      wants.tables[at] = row.name
    end
    wants.lsn = session:read(position)[1].lsn
  end)
  return wants
end

--- A WAL position as a number; those of a petabyte still fit.
local function bytes_of(lsn)
  local high, low = tostring(lsn):match("^(%x+)/(%x+)$")
  return high and tonumber(high, 16) * 2 ^ 32 + tonumber(low, 16)
end

local function is_foreign(certificate) return certificate.origin == "foreign" end

--- The database that the certificate speaks of: of a foreign dump the one that its tables were compared with, since
--- its header says no more than a name.
local function database_of(certificate)
  return is_foreign(certificate) and certificate.compared_with or certificate.database
end

--- Whether a certificate is of a database, as far as it says which.
---@param identity table of jobs.identify
function M.is_of(certificate, identity)
  local origin = database_of(certificate)
  return origin.system_identifier == identity.system_identifier and origin.oid == identity.database_oid
end

local function lack_of_database(certificate, wants)
  local name = certificate.database.name
  if is_foreign(certificate) and not certificate.compared_with then
    return ("nothing shows that it is of this database: it is not opsh's, and was not compared with %s"):format(
      wants.identity.database
    )
  end
  if not M.is_of(certificate, wants.identity) then
    local origin = database_of(certificate)
    return ("it is of database %s (oid %s, system %s), and this is %s (oid %s, system %s)"):format(
      name,
      origin.oid or "unknown",
      origin.system_identifier or "unknown",
      wants.identity.database,
      wants.identity.database_oid,
      wants.identity.system_identifier
    )
  end
  local taken, now = bytes_of(certificate.taken.lsn), bytes_of(wants.lsn)
  if taken and now and taken > now then
    return ("it was taken at %s of the WAL, and the server is only at %s: it is of another history"):format(
      certificate.taken.lsn,
      wants.lsn
    )
  end
end

local function lack_of_age(certificate, wants)
  local taken = moments.seconds(certificate.taken.time)
  if not taken then return "backup.stale", "it does not say when it was taken" end
  if moments.is_future(taken) then
    return "backup.future", ("it was taken at %s, which is in the future"):format(certificate.taken.time)
  end
  local age = moments.age(taken)
  if age <= wants.max_age then return nil end
  return "backup.stale", ("it is %s, and the limit is %s"):format(moments.age_text(age), report.duration(wants.max_age))
end

--- Why a table's rows cannot be relied on, or nothing.
local function lack_of_table(entry, name, reasons, foreign)
  if entry and entry.equal then return nil end
  if entry and entry.equal == false then return "differs from what was restored", "make" end
  -- Whether the database has changed since, or the dump is wrong, nobody can tell.
  if entry and foreign then return "is not what it was in the database when they were compared", "make" end
  if entry then return "was not compared", "certify" end
  return reasons[name] and ("was not compared (%s)"):format(reasons[name]) or "is not in it", "make"
end

--- The tables that the job writes and that were not shown to be equal, in words.
local function lack_of_tables(certificate, wants)
  local entries, reasons, lacking, fix = {}, {}, {}, "certify"
  for _, entry in ipairs(certificate.tables or {}) do
    entries[entry.name] = entry
  end
  for _, left in ipairs(certificate.not_compared or {}) do
    reasons[left.name] = left.why
  end
  for _, name in ipairs(wants.tables) do
    local why, mends = lack_of_table(entries[name], name, reasons, is_foreign(certificate))
    if why then
      lacking[#lacking + 1] = ("%s %s"):format(name, why)
      if mends == "make" then fix = "make" end
    end
  end
  if #lacking == 0 then return nil end
  local more = #lacking - tables_named
  local text = table.concat(lacking, ", ", 1, math.min(#lacking, tables_named))
  return more > 0 and ("%s, and %s"):format(text, counted(more, "more table")) or text, fix
end

--- What a certificate lacks, all of it, what is wrong first; an empty list when an apply may rely on it.
---@param certificate table of certificates.read
---@param wants table of M.of
---@return { kind: string, message: string, fix: "make"|"certify" }[]
function M.lacks(certificate, wants)
  local lacks = {}
  local function add(kind, message, fix)
    if message then lacks[#lacks + 1] = { kind = kind, message = message, fix = fix or "make" } end
  end
  -- Of another database's backup nothing else matters.
  add("backup.database", lack_of_database(certificate, wants))
  if lacks[1] then
    if is_foreign(certificate) and not certificate.compared_with then lacks[1].fix = "certify" end
    return lacks
  end
  add(lack_of_age(certificate, wants))
  if not certificates.level_at_least(certificate, wants.level) then
    add("backup.level", ("it is %s, and %s is wanted"):format(certificate.level, wants.level), "certify")
  end
  if wants.tables_equal or is_foreign(certificate) then add("backup.tables", lack_of_tables(certificate, wants)) end
  return lacks
end

return M
