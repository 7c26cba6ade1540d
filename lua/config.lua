--- opsh.config.lua: data, found upward from the working directory, run in an empty environment.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local name = "opsh.config.lua"

local known = {
  top = { targets = "table", runbooks = "table" },
  target = { connect = "string", reader = "string", time_zone = "string" },
}

local function find()
  local folder = system.working_directory()
  while true do
    local path = (folder == "/" and "" or folder) .. "/" .. name
    if system.file_kind(path) == "file" then return path, folder end
    if folder == "/" then return nil end
    folder = folder:match("^(.*)/[^/]*$")
    if folder == "" then folder = "/" end
  end
end

local function check(value, fields, what, path)
  if type(value) ~= "table" then errors.raise("usage.config", ("%s must be a table"):format(what), nil, path) end
  for field, given in pairs(value) do
    if not fields[field] then
      local names = {}
      for possible in pairs(fields) do
        names[#names + 1] = possible
      end
      table.sort(names)
      local meant = text.nearest(tostring(field), names)
      errors.raise(
        "usage.config",
        ("%s has an unknown key %s"):format(what, tostring(field)),
        meant and ("did you mean %s?"):format(meant) or "this opsh knows " .. table.concat(names, ", "),
        path
      )
    end
    if type(given) ~= fields[field] then
      errors.raise("usage.config", ("%s: %s must be a %s"):format(what, field, fields[field]), nil, path)
    end
  end
end

--- The configuration and where it lies.
---@return table config { targets = {...}, runbooks = {...} }, string|nil folder
function M.load()
  local path, folder = find()
  if not path then return { targets = {}, runbooks = {} }, nil end
  local chunk, message = host.load(system.read_file(path), path)
  if not chunk then
    errors.raise("usage.config", message:gsub("^.-:(%d+: )", "line %1"), "it is a Lua file that returns a table", path)
  end
  local ok, config = host.protect(setfenv(chunk, {}))
  if not ok then errors.raise("usage.config", config.message, "it is data: no functions can be called in it", path) end
  check(config, known.top, name, path)
  for target, fields in pairs(config.targets or {}) do
    check(fields, known.target, ("target %s"):format(tostring(target)), path)
  end
  return { targets = config.targets or {}, runbooks = config.runbooks or {} }, folder
end

--- A bare word that is a runbook in one of the folders that opsh.config.lua names.
---@param word string
---@return string|nil path
function M.find_runbook(word)
  local settings, folder = M.load()
  for _, runbooks in ipairs(settings.runbooks) do
    local path = (runbooks:sub(1, 1) == "/" and runbooks or folder .. "/" .. runbooks) .. "/" .. word .. ".lua"
    if system.file_kind(path) == "file" then return path end
  end
end

return M
