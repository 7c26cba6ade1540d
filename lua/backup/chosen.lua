--- The backup that is rehearsed on: the one that was named or is to be made, else the newest of the database.
local certificates = require("opsh.host.backup.certificates")
local certifying = require("opsh.host.backup.certifying")
local errors = require("opsh.host.errors")
local making = require("opsh.host.backup.making")
local wants = require("opsh.host.backup.wants")

local M = {}

-- It is going to be restored anyway.
local least = "readable"

local function newest(place, identity)
  local folder = certificates.folder(place)
  for _, entry in ipairs(certificates.list({ folder }, place.state)) do
    local certificate = entry.certificate
    if certificate and wants.is_of(certificate, identity) and certificates.level_at_least(certificate, least) then
      return certificate, entry.path
    end
  end
  errors.raise(
    "backup.missing",
    ("there is no backup of database %s in %s to rehearse on"):format(identity.database, folder),
    "--backup now makes one, and so does opsh backup"
  )
end

local function refuse_other(certificate, path, identity)
  local origin = certificate.database
  if certificate.origin ~= "opsh" or wants.is_of(certificate, identity) then return end
  errors.raise(
    "backup.database",
    ("backup %s is of database %s (oid %s, system %s), and the target is %s (oid %s, system %s)"):format(
      path,
      origin.name,
      origin.oid,
      origin.system_identifier,
      identity.database,
      identity.database_oid,
      identity.system_identifier
    ),
    "name no target to rehearse on the backup alone"
  )
end

local function named(path, place, identity, out)
  local certificate, dump = certificates.read(path, place.state)
  if not certificate or not certificates.level_at_least(certificate, least) then
    certificate = certifying.raise(identity and place or nil, dump, { level = least }, out)
  end
  if identity then refuse_other(certificate, dump, identity) end
  return certificate, dump
end

--- Finds it, and makes or certifies it where it must be.
---@param option? string of --backup: a dump or its certificate, or "now"
---@param place table of workplace.open
---@param identity? table of the target, which may only be missing when a file is named
---@param making_options { reason?: string, command?: string, scratch?: string }
---@return table certificate of level readable or above
---@return string path of the dump
--- Errors: "backup.missing", "backup.database", those of reading, making and certifying.
function M.find(option, place, identity, making_options, out)
  if not option then return newest(place, identity) end
  if option ~= "now" then return named(option, place, identity, out) end
  making_options.level = least
  return making.make(place, making_options, out)
end

--- What a report and the audit log say of it.
function M.facts(certificate, path)
  return {
    id = certificate.id,
    file = path,
    sha256 = certificate.sha256,
    level = certificate.level,
    origin = certificate.origin,
    taken = certificate.taken.time,
    database = certificate.database.name,
    size = certificate.size,
  }
end

return M
