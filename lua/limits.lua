--- What a script may use of this machine: --script-timeout and --script-memory.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")

local M = {}

local function number(given, name, most)
  local value = given[name] and given[name][1]
  if not value then return nil end
  local made = tonumber(value)
  if not made or made ~= math.floor(made) or made < 0 or made > most then
    errors.raise(
      "usage.value",
      ("--%s wants a whole number from 0 to %d, not %q"):format(name, most, value),
      "0 means no limit"
    )
  end
  return made
end

--- Sets the limits that the options name; the others stay.
---@param given table<string, string[]> host options
function M.set(given)
  host.limit({
    seconds = number(given, "script-timeout", 86400),
    megabytes = number(given, "script-memory", 2 ^ 20),
  })
end

return M
