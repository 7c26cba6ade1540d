--- Certificates: what is known of a dump, as JSON beside it. A certificate ends in its seal, the SHA-256 of the text
--- before; every seal is also in the audit log of its backup, so that one that was written by hand is known where that
--- log is.
local audit_files = require("opsh.host.runbook.audit_files")
local digest = require("opsh.native.digest")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local native_backup = require("opsh.native.backup")
local system = require("opsh.native.system")

local _, array = json.metatables()

local M = {}

local format = 1

--- The levels, each of which includes those before it.
M.levels = { "written", "readable", "restored", "equal" }

local rank = {}
for at, level in ipairs(M.levels) do
  rank[level] = at
end

-- Of the document, and of what is in it.
local order = {
  certificate = {
    "certificate",
    "id",
    "file",
    "format",
    "size",
    "sha256",
    "origin",
    "database",
    "taken",
    "compared_with",
    "tools",
    "only_tables",
    "level",
    "tables",
    "sequences",
    "large_objects",
    "objects",
    "roles",
    "not_compared",
    "steps",
    "notes",
  },
  database = {
    "name",
    "oid",
    "system_identifier",
    "server_version",
    "encoding",
    "collate",
    "ctype",
    "locale_provider",
    "bytes",
  },
  compared_with = { "name", "oid", "system_identifier", "server_version", "time" },
  taken = { "time", "lsn", "xid", "timeline" },
  tools = { "opsh", "pg_dump", "prefix" },
  tables = { "name", "rows", "hash", "equal" },
  sequences = { "name", "last_value", "is_called", "after" },
  after = { "last_value", "is_called" },
  large_objects = { "count", "hash" },
  not_compared = { "name", "why" },
  steps = { "level", "time", "seconds", "bytes", "rows", "server_version" },
}
local lists = { "only_tables", "tables", "sequences", "roles", "not_compared", "steps", "notes" }

--- A copy whose members come in the order above; those that are not there are left out.
local function ordered(fields, name)
  local made, keys = {}, {}
  for _, key in ipairs(order[name]) do
    if fields[key] ~= nil then
      made[key], keys[#keys + 1] = fields[key], key
    end
  end
  return setmetatable(made, { __columns = keys })
end

local function document(certificate)
  local made = ordered(certificate, "certificate")
  for _, name in ipairs({ "database", "compared_with", "taken", "tools", "large_objects" }) do
    if made[name] then made[name] = ordered(made[name], name) end
  end
  for _, name in ipairs(lists) do
    if made[name] then
      local list = setmetatable({}, array)
      for at, value in ipairs(made[name]) do
        list[at] = type(value) == "table" and ordered(value, name) or value
        if name == "sequences" and value.after then list[at].after = ordered(value.after, "after") end
      end
      made[name] = list
    end
  end
  return made
end

-- Byte for byte what was sealed: whatever was changed in it, be it a blank, shows.
local function sealed(text) return text:match('^(.*),\n  "seal": "(%x+)"\n}\n$') end

local function refuse(path, why, hint)
  errors.raise("backup.certificate", ("certificate %s %s"):format(path, why), hint)
end

local make_it_anew = "remove it and run opsh certify on the dump: what can be shown of it is shown again"

--- The audit log of a backup, where this state folder has it.
---@param state string
---@param id string of the backup
function M.log_path(state, id) return audit_files.directory(state, "backups", id) .. "/" .. audit_files.file_name end

--- Refuses a seal that the backup's audit log does not know, where there is that log.
local function require_recorded(path, certificate, state)
  local log = M.log_path(state, certificate.id)
  if system.file_kind(log) ~= "file" then return end
  local problem = audit_files.verify(log, certificate.id).problem
  if problem then
    refuse(path, "cannot be relied on: its audit log is not what was written: " .. problem.message, make_it_anew)
  end
  -- One that came from another machine is first named by what certified it here.
  for _, entry in ipairs(audit_files.entries(log)) do
    local names_seal = entry.event == "certificate" or entry.event == "certify started"
    if names_seal and entry.details.seal == certificate.seal then return end
  end
  refuse(path, "is not one that opsh wrote: its seal is not in the audit log of the backup", make_it_anew)
end

local function is_shaped(certificate)
  return type(certificate) == "table"
    and certificate.certificate == format
    and type(certificate.id) == "string"
    and certificate.id:match("^[%w-]+$") ~= nil
    and type(certificate.sha256) == "string"
    and rank[certificate.level] ~= nil
    and type(certificate.database) == "table"
    and type(certificate.taken) == "table"
end

local function parse(path, state)
  local text = system.read_file(path)
  local body, seal = sealed(text)
  if not body then
    refuse(path, "is none: it does not end in opsh's seal", "a certificate lies beside its dump, as FILE.json")
  end
  if digest.sha256(body .. "\n}\n") ~= seal then refuse(path, "was changed after opsh wrote it", make_it_anew) end
  local ok, certificate = host.protect(json.decode, text)
  if not ok or not is_shaped(certificate) then
    refuse(path, "is of another version of opsh", "use the opsh that made it, or certify the dump again")
  end
  if state then require_recorded(path, certificate, state) end
  return certificate
end

--- The folder of a target's dumps.
---@param place table of workplace.open
function M.folder(place) return place.target.backup and place.target.backup.dir or place.state .. "/backups" end

--- Where the certificate of a dump is, or would be.
function M.path_of(dump) return (dump:gsub("/+$", "")) .. ".json" end

--- The certificate of a dump.
---@param path string of the dump or of its certificate
---@param state? string the state folder, whose audit log is asked
---@return table|nil certificate nothing when the dump has none
---@return string dump path of the dump
--- Errors: "backup.certificate"; "backup.missing" when there is no such file.
function M.read(path, state)
  local dump, file = path:gsub("/+$", ""), M.path_of(path)
  -- The certificate's name may be given; a dump may be called so too.
  if path:find("%.json$") and system.file_kind(file) ~= "file" then
    dump, file = path:gsub("%.json$", ""), path
  end
  if not system.file_kind(file) and not system.file_kind(dump) then
    errors.raise("backup.missing", ("there is no file %s"):format(path), "opsh backup list shows what there is")
  end
  if system.file_kind(file) ~= "file" then return nil, dump end
  local certificate = parse(file, state)
  if certificate.file ~= dump:match("[^/]*$") then
    refuse(file, ("is that of %s, not of this file"):format(certificate.file), "give the dump its name again")
  end
  return certificate, dump
end

--- Seals a certificate and puts it beside its dump; before that, the seal is in the audit log.
---@param dump string path
---@param certificate table
---@param log userdata of opsh.native.audit
function M.write(dump, certificate, log)
  local body = json.encode(document(certificate), true) .. "\n"
  certificate.seal = digest.sha256(body)
  log:append("certificate", { level = certificate.level, sha256 = certificate.sha256, seal = certificate.seal })
  system.write_file(M.path_of(dump), ('%s,\n  "seal": "%s"\n}\n'):format(body:sub(1, -4), certificate.seal))
end

--- Whether a certificate has at least this level.
---@param certificate { level: string }
---@param level string
function M.level_at_least(certificate, level) return rank[certificate.level] >= rank[level] end

--- Raises when this is no level. Errors: "usage.value".
function M.require_level(level)
  if rank[level] then return level end
  errors.raise("usage.value", ("--level is written, readable, restored or equal, not %q"):format(level))
end

local function entry_of(dump, state)
  local ok, certificate = host.protect(M.read, dump, state)
  if not ok then
    if certificate.kind == "interrupted" then error(certificate, 0) end
    return { path = dump, problem = certificate }
  end
  local looked, found = host.protect(native_backup.look, dump)
  if not looked then return { path = dump, stated = certificate, problem = found } end
  if found.size ~= certificate.size then
    local message = ("%s has %d bytes, and the certificate says %d"):format(dump, found.size, certificate.size)
    return { path = dump, stated = certificate, problem = { kind = "backup.changed", message = message } }
  end
  return { path = dump, stated = certificate, certificate = certificate }
end

--- The certificates in some folders, the newest dump first. `problem` says why there is no `certificate` to rely on: it
--- was changed, or its dump is gone or has another size; `stated` is then what it says, where it can be read.
---@param folders string[]
---@param state string
---@return { path: string, certificate?: table, problem?: table, stated?: table }[]
function M.list(folders, state)
  local entries = {}
  for _, folder in ipairs(folders) do
    local names = system.file_kind(folder) == "directory" and system.list(folder) or {}
    for _, name in ipairs(names) do
      local dump = name:match("^(.+)%.json$")
      if dump and system.file_kind(folder .. "/" .. name) == "file" then
        entries[#entries + 1] = entry_of(folder .. "/" .. dump, state)
      end
    end
  end
  local function key(entry)
    local stated = entry.stated
    return stated and (stated.taken.time or "") .. stated.id or ""
  end
  table.sort(entries, function(one, other)
    if key(one) ~= key(other) then return key(one) > key(other) end
    return one.path < other.path
  end)
  return entries
end

--- Dumps that are not finished: one is being made, or opsh was killed while it made one.
---@param folder string
---@return string[] paths
function M.unfinished(folder)
  local found = {}
  for _, name in ipairs(system.file_kind(folder) == "directory" and system.list(folder) or {}) do
    if name:find("%.partial$") then found[#found + 1] = folder .. "/" .. name end
  end
  return found
end

return M
