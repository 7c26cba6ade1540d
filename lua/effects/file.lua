--- Files that a script asks for.
local errors = require("opsh.host.errors")
local places = require("opsh.host.effects.places")
local system = require("opsh.native.system")

local M = {}

function M.describe(request)
  return request.verb == "read" and "read " .. request.path
    or ("write %d bytes to %s"):format(#request.content, request.path)
end

--- Raises when the file cannot be read or written.
function M.foresee(request, world)
  local path = places.file(world, request.path)
  if request.verb == "read" then
    if not system.file_kind(path) then errors.raise("file.missing", ("there is no file %s"):format(path)) end
    return
  end
  local obstacle = system.obstacle(path)
  if obstacle then error(obstacle, 0) end
end

function M.perform(request, world)
  local path = places.file(world, request.path)
  if request.verb == "read" then return system.read_file(path), {} end
  system.replace_file(path, request.content)
  return nil, {}
end

M.not_done = {
  ["file.denied"] = true,
  ["file.directory"] = true,
  ["file.failed"] = true,
  ["file.full"] = true,
  ["file.missing"] = true,
  ["file.owner"] = true,
  ["refused.folder"] = true,
}

function M.foretold(request) return request.verb == "read" and "" or nil end

return M
