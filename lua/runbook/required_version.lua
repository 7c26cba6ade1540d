--- `requires = "opsh >= 0.3"`: looked at before the rest of a runbook, of which an older opsh may not know every key.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")

local M = {}

--- "0.3" and "0.3.0" are the same.
local function parts(version)
  local major, minor, patch = version:match("^(%d+)%.(%d+)%.?(%d*)$")
  if not major then return nil end
  return { tonumber(major), tonumber(minor), tonumber(patch) or 0 }
end

local function is_older(version, other)
  for at = 1, 3 do
    if version[at] ~= other[at] then return version[at] < other[at] end
  end
  return false
end

--- Refuses a runbook that is written for a newer opsh.
---@param checker opsh.Checker
---@param required any what the runbook says; nothing when it says none
function M.check(checker, required)
  if required == nil then return end
  local wanted = type(required) == "string" and parts(required:match("^%s*opsh%s*>=%s*(%S+)%s*$") or "")
  if not wanted then
    checker:fail("requires", "the runbook: requires must be a text", 'as in requires = "opsh >= 0.3"')
  end
  if is_older(parts(host.version()), wanted) then
    errors.raise(
      "usage.version",
      ("this runbook requires %s, and this is opsh %s"):format(required, host.version()),
      "run it with a newer opsh",
      checker.path
    )
  end
end

return M
