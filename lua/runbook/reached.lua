--- Which database each target of opsh.config.lua led to when it was first reached: a file a target in the state folder.
--- A database is known by what the server says of itself (jobs.identify), not by the name of a host.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local system = require("opsh.native.system")

local M = {}

local function path_of(state, name) return ("%s/targets/%s.json"):format(state, name) end

--- What is known of a target, or nothing; and the file that says so.
---@param state string the state folder
---@param name string of the target
---@return { system_identifier: string, database_oid: string, database: string }|nil known, string path
function M.recall(state, name)
  local path = path_of(state, name)
  if system.file_kind(path) ~= "file" then return nil, path end
  local ok, known = host.protect(json.decode, system.read_file(path))
  if not ok or type(known) ~= "table" or type(known.system_identifier) ~= "string" then
    errors.raise(
      "refused.target",
      ("what opsh knows of target %s cannot be read: %s"):format(name, path),
      "remove that file; the next plan writes it anew"
    )
  end
  return known, path
end

--- Keeps which database a target led to.
function M.remember(state, name, identity)
  system.make_directory(state .. "/targets")
  system.write_file(
    path_of(state, name),
    json.encode({
      system_identifier = identity.system_identifier,
      database_oid = identity.database_oid,
      database = identity.database,
    })
  )
end

--- Whether two identities are of one database. One that was restored beside it and swapped in by its name is the same,
--- and so is one that was renamed.
function M.same(one, other)
  return one.system_identifier == other.system_identifier
    and (one.database_oid == other.database_oid or one.database == other.database)
end

return M
