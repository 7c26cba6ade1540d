--- Where a backup is tried: a throw-away server of the same major version, or a database of its own on another server.
--- What is made is gone when the scratch is closed.
local config = require("opsh.host.config")
local digest = require("opsh.native.digest")
local doctor = require("opsh.native.doctor")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local native_db = require("opsh.native.db")
local native_restore = require("opsh.native.restore")
local report = require("opsh.native.report")
local sandbox = require("opsh.native.sandbox")
local secrets = require("opsh.native.secrets")
local stages = require("opsh.host.present.stages")
local system = require("opsh.native.system")
local workplace = require("opsh.host.workplace")

local M = {}

-- What a restored database takes, against what the original takes.
local room = 1.2

local sandbox_role = "opsh"

local function major_of(version) return tonumber(tostring(version):match("^%d+")) end

local function quoted(value) return "'" .. value:gsub("[\\']", "\\%0") .. "'" end

--- The connection string with another database.
local function with_database(conninfo, database)
  if not conninfo:find("^postgres[a-z]*://") then return ("%s dbname=%s"):format(conninfo, quoted(database)) end
  local escaped = database:gsub("[^%w_.-]", function(letter) return ("%%%02X"):format(letter:byte()) end)
  return conninfo .. (conninfo:find("?", 1, true) and "&" or "?") .. "dbname=" .. escaped
end

local function require_room(bytes)
  local folder = system.environment("TMPDIR") or "/tmp"
  local free, needed = doctor.free_space(folder), bytes * room
  if free >= needed then return end
  errors.raise(
    "backup.disk",
    ("a trial restore needs %s in %s, and %s are free there"):format(
      report.bytes(needed),
      folder,
      report.bytes(free)
    ),
    "set TMPDIR to a folder with more room, try it on another server with --scratch, or stop earlier: --level=readable"
  )
end

--- The roles that the dump names, so that owners, grants and policies are restored too. In a server that nobody else
--- reaches they may do everything, as what they own may want.
local function make_roles(conninfo, roles)
  local lines, names = {}, {}
  for at, role in ipairs(roles) do
    if role ~= sandbox_role then
      lines[#lines + 1] = ('create role :"role_%d" superuser nologin;\n'):format(at)
      names[("role_%d"):format(at)] = role
    end
  end
  if #lines == 0 then return end
  local path = ("%s/opsh-roles-%s.sql"):format(system.environment("TMPDIR") or "/tmp", digest.random_hex(8))
  system.write_file(path, table.concat(lines))
  local ok, err = host.protect(sandbox.load, conninfo, path, names)
  system.remove_tree(path)
  if not ok then error(err, 0) end
end

local function start_sandbox(given)
  local options = { major = major_of(given.version), settings = given.settings, durable = given.durable }
  if given.keep then
    local _, folder = config.load()
    options.state_directory = workplace.state_directory(folder)
    return nil, sandbox.start_detached(options).conninfo
  end
  local server = sandbox.start(options)
  return server, server:conninfo()
end

local function in_sandbox(given)
  if given.need_bytes then require_room(given.need_bytes) end
  local ok, server, conninfo = host.protect(start_sandbox, given)
  if not ok then
    local err = server
    local kind = ({ ["sandbox.version"] = "backup.version", ["sandbox.binaries"] = "backup.tool" })[err.kind]
    if kind then
      err.kind, err.hint = kind, err.hint .. "; or try the backup on another server: --scratch CONNINFO"
    end
    error(err, 0)
  end
  local roles = given.roles or given.certificate and given.certificate.roles
  local made, err = host.protect(make_roles, conninfo, roles or {})
  if not made then
    if server then server:stop() end
    error(err, 0)
  end
  return { kind = "sandbox", server = server, conninfo = conninfo, has_roles = roles ~= nil }
end

local function look_at_server(target, version)
  local session = native_db.host_reader(target)
  local there = session:read([[
    select pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) as version,
           r.rolcreatedb or r.rolsuper as may_create, current_user::pg_catalog.text as "user"
    from pg_catalog.pg_roles as r where r.rolname = current_user]])[1]
  local left = session:read([[
    select pg_catalog.quote_ident(d.datname) as name from pg_catalog.pg_database as d
    where pg_catalog.starts_with(d.datname::pg_catalog.text, 'opsh_scratch_')
      and not exists (select from pg_catalog.pg_stat_activity as a where a.datid = d.oid)
    order by d.datname]])
  session:close()
  if not there.may_create then
    errors.raise(
      "permission.createdb",
      ("role %s may not create databases on the server of --scratch"):format(there.user),
      "alter role ... createdb, or leave --scratch out to try the backup in a throw-away server"
    )
  end
  if major_of(there.version) ~= major_of(version) then
    errors.raise(
      "backup.version",
      ("the backup is of PostgreSQL %s, and the server of --scratch is %s"):format(version, there.version),
      "try it on a server of the same major version"
    )
  end
  return left
end

local function on_server(given)
  if secrets.in_conninfo(given.conninfo) then
    errors.raise(
      "usage.password",
      "--scratch has a password in it",
      "take it out, and put it into the passfile (~/.pgpass) or a service file, with chmod 600: opsh reads both"
    )
  end
  local target = { conninfo = given.conninfo, application = "opsh scratch", insecure = given.insecure }
  return {
    kind = "server",
    conninfo = given.conninfo,
    target = target,
    left = look_at_server(target, given.version),
  }
end

-- A locale that this machine does not have, or that is of another provider.
local function is_locale_error(err) return err.message:find("locale", 1, true) ~= nil end

--- Makes the database with the encoding of the original, and its locale where the server knows it.
local function create(self, database)
  local name = "opsh_scratch_" .. os.date("!%Y%m%d_%H%M%S_") .. digest.random_hex(4)
  local target = self.target or { conninfo = self.conninfo }
  local made = native_restore.replacement(target, { fresh = name })
  self.databases[#self.databases + 1] = made
  local shape = { encoding = database.encoding, collate = database.collate, ctype = database.ctype }
  local ok, err = host.protect(made.create, made, shape)
  if not ok and is_locale_error(err) then
    self.note = ("tried with locale C: %s"):format(err.message)
    made:create({ encoding = database.encoding, collate = "C", ctype = "C" })
  elseif not ok then
    error(err, 0)
  end
  return name
end

local function explain(err)
  local said = err.message .. (err.detail or "")
  if said:find("extension", 1, true) and said:find("not available", 1, true) then
    err.hint = "install the extension's package on this machine, or try the backup where it is: --scratch CONNINFO"
  elseif said:find("role ", 1, true) and said:find("does not exist", 1, true) then
    err.hint = "give the database as well (--target or --db): opsh then knows the roles; or --scratch to where they are"
  end
  error(err, 0)
end

local methods = {}

--- Restores a dump into a new database of the scratch. May be called again.
---@param archive userdata of opsh.native.backup
---@param certificate table or { database = { ... } } with what is known of a dump that has none
---@param options { jobs?: integer, tables?: string[] }
---@param out table of screen.open
---@return { conninfo: string, database: string, target: table, seconds: number, sha256: string }
function methods:restore(archive, certificate, options, out)
  -- Of one that was killed; another one that has not connected yet looks the same.
  for _, left in ipairs(self.left or {}) do
    out.say(("nobody is connected to %s of an earlier trial: drop database %s"):format(left.name, left.name))
  end
  self.left = nil
  local database = create(self, certificate.database)
  local conninfo = with_database(self.conninfo, database)
  local stage = stages.stage(out, "restoring", "restored")
  local work = archive:restore({
    connect = conninfo,
    insecure = self.target and self.target.insecure,
    tools = { directory = self.server and self.server:binaries() },
    tables = options.tables,
    -- Without the roles it names, a dump is tried as if all belonged to who restores it.
    owner = self.has_roles == true,
    privileges = self.has_roles == true,
    jobs = archive:facts().format == "directory" and options.jobs or nil,
  })
  local ok, facts = host.protect(stages.watch, work, stage)
  if not ok then explain(facts) end
  work:close()
  stage.done(facts.size, self.note)
  return {
    conninfo = conninfo,
    database = database,
    target = { conninfo = conninfo, insecure = self.target and self.target.insecure },
    seconds = facts.seconds,
    sha256 = facts.sha256,
  }
end

--- The sandbox's log; nothing on another server.
function methods:log()
  local folder = self.kind == "sandbox" and self.conninfo:match("host='(.-)'")
  return folder and folder .. "/log" or nil
end

--- Drops what was made. Cannot raise: a database that cannot be dropped is named.
function methods:close(out)
  if self.closed then return end
  self.closed = true
  if self.kind == "sandbox" then
    if self.server then self.server:stop() end
    return
  end
  for _, made in ipairs(self.databases) do
    local ok, err = host.protect(made.drop, made)
    if not ok and out then out.say("a scratch database could not be dropped: " .. err.message) end
  end
end

--- Opens a scratch; everything that can be refused is refused here.
---@param given table { version: string, conninfo?, insecure?, need_bytes?, roles?, certificate?, settings?, durable?,
--- keep? } `version`: of the server that the dump is from; `certificate`: whose roles are made; the last three are
--- for a sandbox
---@return table scratch { kind: "sandbox"|"server", server?, restore, log, close }
--- Errors: "backup.version", "backup.disk", "permission.createdb", those of connecting and of a sandbox's start.
function M.open(given)
  local self = given.conninfo and on_server(given) or in_sandbox(given)
  self.databases = {}
  return setmetatable(self, { __index = methods })
end

return M
