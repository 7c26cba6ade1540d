--- The doctor looks at the server through one login: who it is, and what the server and its settings are.
local activity = require("opsh.host.doctor.activity")
local report = require("opsh.native.report")
local settings = require("opsh.host.doctor.settings")

local M = {}

local oldest = 130000
local clock_tolerance = 2 -- seconds

local function facts_of(session)
  local before = os.time()
  local facts = session:read([[
    select current_user::pg_catalog.text as role, pg_catalog.quote_ident(current_user) as quoted_role,
           session_user::pg_catalog.text as login,
           r.oid::pg_catalog.text as role_oid, r.rolsuper as superuser, r.rolconnlimit as role_limit,
           d.oid::pg_catalog.text as database_oid, d.datname::pg_catalog.text as database,
           pg_catalog.quote_ident(d.datname) as quoted_database, d.datconnlimit as database_limit,
           pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text as encoding,
           d.datcollate::pg_catalog.text as collation, d.datctype::pg_catalog.text as character_type,
           pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) as version,
           pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as number,
           pg_catalog.pg_is_in_recovery() as standby,
           pg_catalog.inet_server_addr() is null as is_local,
           coalesce(pg_catalog.inet_server_addr() <<= '127.0.0.0/8'::pg_catalog.inet
                    or pg_catalog.inet_server_addr() = '::1'::pg_catalog.inet, false) as is_loopback,
           extract(epoch from pg_catalog.clock_timestamp())::pg_catalog.float8 as now
    from pg_catalog.pg_roles as r, pg_catalog.pg_database as d
    where r.rolname = current_user and d.datname = pg_catalog.current_database()]])[1]
  local after = os.time() + 1
  local apart = facts.now < before and facts.now - before or facts.now > after and facts.now - after or 0
  rawset(facts, "apart", apart)
  return facts
end

local function role(group, visit, facts)
  if not facts.superuser then
    local login = facts.login ~= facts.role and (", taken by the login %s"):format(facts.login) or ""
    group:ok("role", facts.role .. login)
  elseif visit.is_sandbox then
    group:ok("role", facts.role .. ", a superuser, as in every sandbox")
  elseif visit.protected_by_reader then
    group:note(
      "role",
      facts.role .. " is a superuser: an apply may do anything",
      "connect as a role that owns the tables"
    )
  else
    group:warning(
      "role",
      facts.role .. " is a superuser: a plan cannot be protected by rights",
      "name a reader in opsh.config.lua that may only SELECT; opsh's own guards work all the same"
    )
  end
end

local function standby(group, facts, is_writer)
  if not facts.standby then
    group:ok("standing", "primary")
  elseif is_writer then
    group:problem("standing", "a standby: opsh can plan here, but not apply", "connect to the primary")
  else
    group:note("standing", "a standby: a plan may be a little behind", "recheck in the runbook sees what changed since")
  end
end

local function encryption(group, visit, session, facts)
  local ssl = session:read([[
    select s.ssl, s.version, s.cipher from pg_catalog.pg_stat_ssl as s where s.pid = pg_catalog.pg_backend_pid()]])[1]
  if ssl and ssl.ssl then
    group:ok("encryption", ("%s, %s"):format(ssl.version, ssl.cipher))
  elseif facts.is_local then
    group:ok("encryption", "none needed: a socket of this machine")
  elseif facts.is_loopback then
    group:ok("encryption", "none, over the loopback address")
  else
    group:warning(
      "encryption",
      "none: rows and queries cross the network readable",
      "add sslmode=verify-full, and take insecure out"
    )
  end
  if visit.place.target.insecure then
    group:note(
      "insecure",
      ("connections below sslmode=verify-full are allowed: %s"):format(visit.place.target.insecure),
      "add sslmode=verify-full, and take insecure out"
    )
  end
end

local function clock(group, facts)
  if math.abs(facts.apart) <= clock_tolerance then
    group:ok("clock", "the server's and this machine's agree")
    return
  end
  group:warning(
    "clock",
    ("the server's is %s %s"):format(
      report.duration(math.abs(facts.apart)),
      facts.apart > 0 and "ahead of this machine's" or "behind this machine's"
    ),
    "set both by NTP; until then times in the ledger and in logs do not match"
  )
end

local function encoding(group, facts)
  local found = ("%s, collation %s, character type %s"):format(facts.encoding, facts.collation, facts.character_type)
  if facts.encoding == "UTF8" then
    group:ok("encoding", found)
  elseif facts.encoding == "SQL_ASCII" then
    group:warning(
      "encoding",
      found .. ": bytes of any encoding may be stored",
      "test the runbook on texts beyond ASCII"
    )
  else
    group:note("encoding", found, "the server converts; a character that it has not is an error of its statement")
  end
end

--- Looks through one session. Returns the facts that other groups use.
---@param group table of findings
---@param visit table the doctor's visit
---@param session userdata
---@param is_writer boolean the login that applies; else the reader
function M.look(group, visit, session, is_writer)
  local facts = facts_of(session)
  if facts.number < oldest then
    group:problem("version", ("PostgreSQL %s; opsh needs 13 or newer"):format(facts.version), "upgrade the server")
  else
    group:ok("version", "PostgreSQL " .. facts.version)
  end
  role(group, visit, facts)
  standby(group, facts, is_writer)
  group:try("encryption", session, function() encryption(group, visit, session, facts) end)
  -- That a connection was made at all says so: Connection compares the backend's pid with the protocol's.
  group:ok("pooler", "none in transaction mode in between")
  clock(group, facts)
  if not is_writer then return facts end
  encoding(group, facts)
  group:try("settings", session, function() settings.look(group, visit, session, facts) end)
  activity.look(group, visit, session, facts)
  return facts
end

return M
