--- Values that a script names and never sees: secret params and environment variables.
local errors = require("opsh.host.errors")
local params = require("opsh.host.runbook.params")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")

local M = {}

local function param_named(world, name)
  for _, param in ipairs(world.params_declared) do
    if param.name == name and param.secret then return param end
  end
end

--- The value behind a name, hidden from here on.
---@param world table of hands.lua
---@param name string of a secret param, or of an environment variable
---@return string
function M.value(world, name)
  local param = param_named(world, name)
  local value = system.environment(name)
  if param then value = world.params[name] end
  if not value or value == "" then
    errors.raise(
      "effect.secret",
      param and ("the secret param %s was not given"):format(name)
        or ("there is no secret param and no environment variable %s"):format(name),
      param and ("set $%s"):format(params.environment_name(name)) or ("set $%s"):format(name)
    )
  end
  if value:find("%c") or not secrets.hide(value) then
    errors.raise(
      "effect.secret",
      ("the value of %s is shorter than four characters, or has control characters"):format(name),
      "what is shorter cannot be hidden where it would be shown"
    )
  end
  return value
end

return M
