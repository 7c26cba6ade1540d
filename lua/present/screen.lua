--- Where output goes: results to stdout, everything else to stderr; colours and bars only on a terminal.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local log = require("opsh.native.log")
local progress = require("opsh.host.present.progress")
local report = require("opsh.native.report")
local system = require("opsh.native.system")

local M = {}

--- Whether what is written there has colours.
---@param given table<string, any> host options
---@param terminal boolean
function M.colored(given, terminal)
  return terminal
    and not given["no-color"]
    and not system.environment("NO_COLOR")
    and system.environment("TERM") ~= "dumb"
end

--- How text looks there: bold and colours only with `bold`, tables no wider than `width` unless it is 0.
local function styled(out)
  function out.strong(text) return out.bold and "\27[1m" .. text .. "\27[0m" or text end

  function out.color(code, text) return out.bold and ("\27[%dm%s\27[0m"):format(code, text) or text end

  --- A table of texts. `columns` are { title, right }; those that are called by data have `name` in place of `title`.
  function out.table(columns, rows, indent)
    local titled = {}
    for at, column in ipairs(columns) do
      titled[at] = { title = column.name or lang.text(column.title), right = column.right }
    end
    columns = titled
    return (report.table(columns, rows, { width = out.width, indent = indent or 0, bold_header = out.bold }))
  end

  return out
end

--- For text that is kept and not printed.
function M.plain() return styled({ bold = false, width = 0 }) end

--- What a command prints through.
---@param given table<string, string[]> host options
---@return table out
function M.open(given)
  local stdout, stderr = system.terminal(1), system.terminal(2)
  local quiet, as_json = given.quiet ~= nil, given.json ~= nil
  log.start({
    level = given.verbose and "debug" or quiet and "warning" or "info",
    color = given["no-color"] and "never" or "automatic",
  })
  local out = styled({
    json = as_json,
    quiet = quiet,
    bold = M.colored(given, stdout.terminal),
    width = stdout.terminal and stdout.columns or 0,
  })

  --- Text for people, to stdout.
  function out.text(text) system.write_out(text) end

  --- The one document of --json.
  function out.document(value) system.write_out(json.document(value, true) .. "\n") end

  --- What is being done, to stderr.
  function out.say(text)
    if not quiet and not as_json then log.info(lang.message(text)) end
  end

  function out.progress(step)
    if quiet then return { advance = function() end, finish = function() end } end
    return progress.new(step, stderr.terminal and not as_json, stderr.columns)
  end

  return out
end

return M
