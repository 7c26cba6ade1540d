--- The second stage of the command line: what stands behind a runbook or a command, together with what stood before it.
local cli = require("opsh.native.cli")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local lang = require("opsh.host.lang")
local limits = require("opsh.host.limits")
local system = require("opsh.native.system")

local M = {}

-- Where the declaration goes that is asked for.
local asked

--- What a command takes, without anything being done: the line that it reads its words by.
---@param command function of the command, with what it is called with
---@return table line
function M.declaration(command, ...)
  asked = {}
  local ok, err = host.protect(command, ...)
  local line = asked.line
  asked = nil
  if not ok then error(err, 0) end
  return line
end

--- Reads `rest` by the declaration `line`; nothing when help was asked for, and shown.
---@param before table<string, string[]> host options from before the word
---@param rest string[]
---@param line table
---@return table<string, string[]>|nil values, string[]|nil words
function M.read(before, rest, line)
  if asked then
    asked.line = line
    return nil
  end
  local parsed = cli.parse(line, rest)
  local declared = {}
  for _, option in ipairs(line.options) do
    declared[option.name] = true
  end
  for name, values in pairs(before) do
    if not declared[name] then
      errors.raise(
        "usage.option",
        ("%s takes no --%s"):format(line.program, name),
        line.program .. " --help shows what it takes"
      )
    end
    if parsed.values[name] then
      errors.raise("usage.option", ("--%s is given twice"):format(name), "give it once, before or after the runbook")
    end
    parsed.values[name] = values
  end
  if parsed.values.help then
    system.write_out(cli.help(lang.help(line), math.min(system.terminal(1).columns, 100)))
    return nil
  end
  limits.set(parsed.values)
  return parsed.values, parsed.words
end

return M
