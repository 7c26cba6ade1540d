--- Results as JUnit XML, for CI systems: a suite a file, a test case a test.
local report = require("opsh.host.test.report")
local xml = require("opsh.host.report.xml")

local M = {}

local element = xml.element

--- In seconds.
local function time_of(results)
  local milliseconds = 0
  for _, result in ipairs(results) do
    milliseconds = milliseconds + result.milliseconds
  end
  return ("%.3f"):format(milliseconds / 1000)
end

local function failures_in(results)
  local failed = 0
  for _, result in ipairs(results) do
    if result.err then failed = failed + 1 end
  end
  return failed
end

--- What failed, and all that the last opsh of the test wrote.
local function failure_of(result)
  if not result.err then return "" end
  local message = tostring(result.err.message)
  local parts = {
    element(
      "failure",
      { { "message", message:match("^[^\n]*") }, { "type", result.err.kind } },
      xml.lines(report.failure(result))
    ),
  }
  local last = result.last
  for _, stream in ipairs(last and { { "system-out", last.output }, { "system-err", last.errors } } or {}) do
    if stream[2] and stream[2] ~= "" then parts[#parts + 1] = element(stream[1], {}, xml.lines(stream[2])) end
  end
  return table.concat(parts)
end

local function suite_of(path, results)
  local cases = {}
  for at, result in ipairs(results) do
    cases[at] = element("testcase", {
      { "classname", path },
      { "name", result.name },
      { "time", time_of({ result }) },
    }, failure_of(result))
  end
  return element("testsuite", {
    { "name", path },
    { "tests", #results },
    { "failures", failures_in(results) },
    { "errors", 0 },
    { "skipped", 0 },
    { "time", time_of(results) },
  }, table.concat(cases))
end

--- The results of all tests, in the order of their files.
---@param results table[] of suite.run, with `file`
---@return string
function M.of(results)
  local suites, at = {}, 1
  while results[at] do
    local of_file, path = {}, results[at].file
    while results[at] and results[at].file == path do
      of_file[#of_file + 1], at = results[at], at + 1
    end
    suites[#suites + 1] = suite_of(path, of_file)
  end
  return xml.declaration
    .. element("testsuites", {
      { "name", "opsh test" },
      { "tests", #results },
      { "failures", failures_in(results) },
      { "errors", 0 },
      { "skipped", 0 },
      { "time", time_of(results) },
    }, table.concat(suites))
end

return M
