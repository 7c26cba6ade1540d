--- A database that is to be replaced by another under its name: what the two are called, and what stands in the way.
--- Reads only.
local counted = require("opsh.host.counted")
local doctor = require("opsh.native.doctor")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local native_sql = require("opsh.native.sql")

local M = {}

-- PostgreSQL cuts longer names, without an error in some places.
local longest_name = 63
local disk_factor = 1.2
local shown = 5

--- The beginning of a name that leaves room for `suffix`, no letter of it cut in two.
local function joined(name, suffix)
  local length = math.min(#name, longest_name - #suffix)
  while length < #name and length > 0 and name:byte(length + 1) >= 0x80 and name:byte(length + 1) < 0xC0 do
    length = length - 1
  end
  return name:sub(1, length) .. suffix
end

--- What the databases of a restore are called.
---@param database string
---@param id string of the restore
---@return { original: string, fresh: string, before: string }
function M.names(database, id)
  local day, time, rest = id:match("^(%d+)-(%d+)-(%w+)$")
  return {
    original = database,
    fresh = joined(database, ("_restore_%s_%s_%s"):format(day, time, rest)),
    before = joined(database, ("_before_%s_%s"):format(day, time)),
  }
end

--- A name as it is written in SQL that a person copies.
function M.quoted(name) return native_sql.identifier(name) end

--- What drops a database.
function M.drop_command(name) return ("drop database %s;"):format(M.quoted(name)) end

--- What does by hand what a swap does, while nobody is connected to either.
---@param exists boolean whether there is a database to replace
function M.forth_command(names, exists)
  local into_place = ("alter database %s rename to %s;"):format(M.quoted(names.fresh), M.quoted(names.original))
  if not exists then return into_place end
  return ("begin; alter database %s rename to %s; %s commit;"):format(
    M.quoted(names.original),
    M.quoted(names.before),
    into_place
  )
end

--- What puts the replaced database back in its place, while nobody is connected to either.
function M.back_command(names)
  local away = joined(names.original, "_away")
  return ("begin; alter database %s rename to %s; alter database %s rename to %s; commit;"):format(
    M.quoted(names.original),
    M.quoted(away),
    M.quoted(names.before),
    M.quoted(names.original)
  )
end

local facts_of = [[
  select d.oid::pg_catalog.text as oid, pg_catalog.pg_get_userbyid(d.datdba)::pg_catalog.text as owner,
         pg_catalog.pg_database_size(d.oid) as bytes, d.datistemplate as is_template,
         pg_catalog.pg_has_role(current_user, d.datdba, 'USAGE') as owns,
         nullif(pg_catalog.pg_tablespace_location(d.dattablespace), '') as location,
         (select pg_catalog.count(*) from pg_catalog.pg_db_role_setting as s
          where s.setdatabase = d.oid and s.setrole <> 0) as role_settings
  from pg_catalog.pg_database as d where d.datname = $1]]

local server_of = [[
  select current_user::pg_catalog.text as "user", r.rolsuper as superuser, r.rolcreatedb as creates,
         pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE') as signals,
         pg_catalog.pg_is_in_recovery() as standby, pg_catalog.inet_server_addr() is null as is_local,
         (select s.setting from pg_catalog.pg_settings as s where s.name = 'data_directory') as data_directory
  from pg_catalog.pg_roles as r where r.rolname = current_user]]

-- Those that pg_terminate_backend would refuse to end are marked.
local sessions_in = [[
  select coalesce(r.rolname, '')::pg_catalog.text as "user", coalesce(a.application_name, '') as application,
         pg_catalog.count(*) as count,
         not (m.superuser or (not coalesce(r.rolsuper, true)
              and (m.signals or pg_catalog.pg_has_role(current_user, r.oid, 'USAGE')))) as lasting
  from pg_catalog.pg_stat_activity as a
  left join pg_catalog.pg_roles as r on r.oid = a.usesysid
  cross join (select m.rolsuper as superuser,
                     pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE') as signals
              from pg_catalog.pg_roles as m where m.rolname = current_user) as m
  where a.datid = $1::pg_catalog.oid and a.pid <> pg_catalog.pg_backend_pid()
    and coalesce(a.backend_type, '') not in ('autovacuum worker', 'parallel worker')
  group by 1, 2, 4 order by 3 desc, 1, 2]]

-- What a RENAME refuses, and what would go on to work on the replaced database.
local holders = {
  {
    what = "prepared transaction",
    sql = "select p.gid as name from pg_catalog.pg_prepared_xacts as p where p.database = $1 order by 1",
    remedy = "commit or roll back each: commit prepared '...'",
  },
  {
    what = "logical replication slot",
    sql = [[select s.slot_name::pg_catalog.text as name from pg_catalog.pg_replication_slots as s
            where s.database = $1 order by 1]],
    remedy = "a slot stays with the replaced database: stop what reads from it, and drop it",
  },
  {
    what = "subscription",
    sql = [[select s.subname::pg_catalog.text as name from pg_catalog.pg_subscription as s
            join pg_catalog.pg_database as d on d.oid = s.subdbid where d.datname = $1 order by 1]],
    remedy = "a subscription stays with the replaced database: drop it there, and make it again afterwards",
  },
}

local leftovers_of = [[
  select d.datname::pg_catalog.text as name, pg_catalog.pg_size_pretty(case
           when m.rolsuper or pg_catalog.has_database_privilege(d.oid, 'connect')
           then pg_catalog.pg_database_size(d.oid) end) as size,
         exists (select from pg_catalog.pg_stat_activity as a where a.datid = d.oid) as busy
  from pg_catalog.pg_database as d
  cross join (select m.rolsuper from pg_catalog.pg_roles as m where m.rolname = current_user) as m
  where d.datname ~ '_restore_[0-9]{8}_[0-9]{6}_[0-9a-f]{4}$'
    and pg_catalog.starts_with($1, pg_catalog.regexp_replace(d.datname, '_restore_[0-9]{8}_[0-9]{6}_[0-9a-f]{4}$', ''))
  order by 1]]

local function free_bytes(server, location)
  local path = location or server.data_directory
  if not server.is_local or not path then return nil end
  -- The folder itself is the server's alone; a name above it tells as much.
  local ok, bytes = host.protect(doctor.free_space, path)
  if ok then return bytes end
end

--- What the server says of a database that is to be replaced, of this role, and of who and what is in the way.
---@param session userdata a read session on the database itself, or on another one of its server when it is not there
---@param database string
---@param needed? integer bytes, when there is no database to measure
---@return table survey { database?, server, sessions, holders, leftovers, needed?, free? }
function M.survey(session, database, needed)
  local made = {
    server = session:read(server_of)[1],
    database = session:read(facts_of, { n = 1, database })[1],
    sessions = {},
    holders = {},
    leftovers = session:read(leftovers_of, { n = 1, database }),
  }
  local there = made.database
  made.needed = there and math.ceil(there.bytes * disk_factor) or needed
  made.free = free_bytes(made.server, there and there.location)
  if not there then return made end
  made.sessions = session:read(sessions_in, { n = 1, there.oid })
  for _, holder in ipairs(holders) do
    local names = {}
    for at, row in ipairs(session:read(holder.sql, { n = 1, database })) do
      names[at] = row.name
    end
    if #names > 0 then
      made.holders[#made.holders + 1] = { what = holder.what, names = names, remedy = holder.remedy }
    end
  end
  return made
end

local function missing_rights(survey)
  local server, there, missing = survey.server, survey.database, {}
  local function add(message, hint) missing[#missing + 1] = { message = message, hint = hint } end
  if server.superuser then return missing end
  local role = M.quoted(server.user)
  if not server.creates then
    add(("%s may not create databases"):format(server.user), ("alter role %s createdb"):format(role))
  end
  if not there then return missing end
  if not there.owns then
    add(
      ("%s does not own the database, %s does"):format(server.user, there.owner),
      ("connect as %s, or grant %s to %s"):format(there.owner, M.quoted(there.owner), role)
    )
  end
  if not server.signals then
    add(("%s may not end the sessions of others"):format(server.user), ("grant pg_signal_backend to %s"):format(role))
  end
  if there.role_settings > 0 then
    add(
      ("%s for roles in this database, which only a superuser can give the new one"):format(
        there.role_settings == 1 and "there is a setting" or ("there are %d settings"):format(there.role_settings)
      ),
      "connect as a superuser"
    )
  end
  return missing
end

local function list_of(names)
  local some = { unpack(names, 1, math.min(#names, shown)) }
  local more = #names > shown and (" and %d more"):format(#names - shown) or ""
  return table.concat(some, ", ") .. more
end

--- What stands in the way, most important first; empty when nothing does.
---@param survey table of M.survey
---@return { kind: string, message: string, hint: string }[]
function M.obstacles(survey)
  local found = {}
  local function add(kind, message, hint) found[#found + 1] = { kind = kind, message = message, hint = hint } end
  if survey.server.standby then
    add("refused.standby", "the server is a standby: nothing can be restored there", "connect to the primary")
  end
  if survey.database and survey.database.is_template then
    add("refused.template", "the database is a template: others are made from it", "connect to the one that you mean")
  end
  for _, missing in ipairs(missing_rights(survey)) do
    add("permission.restore", missing.message, missing.hint)
  end
  for _, group in ipairs(survey.sessions) do
    if group.lasting then
      add(
        "permission.restore",
        ("%s of %s cannot be ended by %s"):format(counted(group.count, "session"), group.user, survey.server.user),
        "end it, or connect as a superuser"
      )
    end
  end
  for _, holder in ipairs(survey.holders) do
    add(
      "backup.held",
      ("the database has %s: %s"):format(counted(#holder.names, holder.what), list_of(holder.names)),
      holder.remedy
    )
  end
  if survey.needed and survey.free and survey.free < survey.needed then
    add(
      "backup.disk",
      ("the server has %d MB of free disk, and the restore may take %d MB"):format(
        survey.free / 2 ^ 20,
        survey.needed / 2 ^ 20
      ),
      "make room, or drop what earlier restores have left"
    )
  end
  return found
end

--- Refuses what would fail later; all that stands in the way is said at once.
---@param survey table of M.survey
function M.refuse(survey)
  local found = M.obstacles(survey)
  if #found == 0 then return end
  local messages, hints = {}, {}
  for at, obstacle in ipairs(found) do
    messages[at], hints[at] = obstacle.message, obstacle.hint
  end
  errors.raise(found[1].kind, table.concat(messages, "; "), table.concat(hints, "; "))
end

return M
