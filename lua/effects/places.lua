--- Where a script's paths lead: from its own folder on, and for files only below the folders that it declares.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local system = require("opsh.native.system")

local M = {}

--- A path as the script means it, absolute.
function M.resolve(world, path)
  if path:sub(1, 1) == "/" then return path end
  return path == "." and world.folder or world.folder .. "/" .. path
end

--- The folders that the runbook declares; `:name` is what a param says.
local function declared(world)
  local made = {}
  for _, folder in ipairs(world.folders) do
    local name = folder:match("^:(.*)$")
    local named = folder
    if name then named = world.params[name] end
    if named then made[#made + 1] = M.resolve(world, named) end
  end
  return made
end

local function real(path)
  local ok, found = host.attempt(system.real_path, path)
  return ok and found or nil
end

--- The real path of a file that may be read or written: one below a declared folder, wherever symbolic links lead.
---@return string
function M.file(world, path)
  local wanted = M.resolve(world, path)
  local parent, name = wanted:match("^(.*)/([^/]+)$")
  local folder = parent and real(parent == "" and "/" or parent)
  if not folder then
    errors.raise("file.missing", ("there is no folder %s"):format(parent or wanted), "make it first")
  end
  -- "." and ".." are there, and what they really are is a folder.
  local found = real(wanted) or (folder == "/" and "" or folder) .. "/" .. name
  for _, allowed in ipairs(declared(world)) do
    local home = real(allowed)
    if home and (home == "/" or found:sub(1, #home + 1) == home .. "/") then return found end
  end
  errors.raise(
    "refused.folder",
    ("%s is in no folder that the runbook declares"):format(wanted),
    ('add its folder: folders = { "%s" }'):format(parent)
  )
end

return M
