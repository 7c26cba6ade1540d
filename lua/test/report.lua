--- How the tests went, for people and as a document.
local json = require("opsh.native.json")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")
local _, array = json.metatables()
local most_lines = 25

local function indented(lines, indent)
  local shown = {}
  for line in (lines:gsub("\n+$", "") .. "\n"):gmatch("(.-)\n") do
    if #shown == most_lines then
      shown[#shown + 1] = (" "):rep(indent) .. "..."
      break
    end
    shown[#shown + 1] = (" "):rep(indent) .. text.printable(line)
  end
  return table.concat(shown, "\n") .. "\n"
end

--- What failed and where, and what the last opsh that the test ran had to say.
function M.failure(result)
  local err, parts = result.err, {}
  if err.where then parts[1] = indented("at " .. err.where, 8) end
  parts[#parts + 1] = indented(tostring(err.message), 8)
  if err.excerpt then parts[#parts + 1] = indented(err.excerpt, 10) end
  if err.kind ~= "test.failed" and err.traceback then parts[#parts + 1] = indented(err.traceback, 10) end
  local last = result.last
  if last then
    parts[#parts + 1] = indented(("the last run, %s, ended with %s"):format(last.what, last.text), 8)
    if last.errors ~= "" and last.errors ~= err.excerpt then parts[#parts + 1] = indented(last.errors, 10) end
  end
  return table.concat(parts)
end

--- One line a test, and what is wrong with it.
function M.line(out, result)
  local verdict = result.err and out.color(31, "FAIL") or out.color(32, "pass")
  return ("  %s  %s  %.0f ms\n"):format(verdict, text.printable(result.name), result.milliseconds)
    .. (result.err and M.failure(result) or "")
end

--- What --list --json prints.
---@param files opsh.host.test.File[]
function M.listed(files)
  local list = setmetatable({}, array)
  for _, file in ipairs(files) do
    for _, test in ipairs(file.tests) do
      list[#list + 1] = setmetatable({ file = file.path, name = test.name }, { __columns = { "file", "name" } })
    end
  end
  return { tests = list }
end

--- What --json prints.
---@param coverage table? of coverage.document
function M.document(results, passed, failed, coverage)
  local list = setmetatable({}, array)
  for at, result in ipairs(results) do
    local err = result.err or {}
    list[at] = setmetatable({
      file = result.file,
      name = result.name,
      outcome = result.err and "failed" or "passed",
      milliseconds = math.floor(result.milliseconds + 0.5),
      message = err.message or null,
      where = err.where or null,
      difference = err.excerpt or null,
    }, { __columns = { "file", "name", "outcome", "milliseconds", "message", "where", "difference" } })
  end
  return setmetatable(
    { passed = passed, failed = failed, tests = list, coverage = coverage },
    { __columns = { "passed", "failed", "tests", coverage and "coverage" } }
  )
end

return M
