--- The checks of a report as JUnit XML, for CI systems: a suite a step, a test case a check.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local shape = require("opsh.host.report.shape")
local words = require("opsh.host.report.words")
local xml = require("opsh.host.report.xml")

local M = {}

local element, there = xml.element, shape.there

--- The rows that break a check, one a line.
local function rows_text(result)
  local lines = {}
  for at, row in ipairs(result.rows) do
    lines[at] = xml.lines(json.encode(row))
  end
  return table.concat(lines)
end

local function verdict(result, judged)
  if not judged or result.outcome == "skip" then
    local said = judged and result.message or ("found %s, which a plan does not judge"):format(tostring(result.found))
    return "skipped", element("skipped", { { "message", there(said) and said or "" } }, "")
  elseif result.outcome == "fail" then
    local said = ("found %s, expected %s"):format(tostring(result.found), tostring(result.expected))
    if there(result.message) then said = said .. ": " .. lang.message(result.message) end
    return "failures", element("failure", { { "message", said }, { "type", "check" } }, rows_text(result))
  elseif result.outcome == "error" then
    local said = there(result.message) and result.message or "error"
    return "errors", element("error", { { "message", said }, { "type", "check" } }, "")
  end
  return nil, ""
end

--- A suite, and its counts added to those of all.
local function suite(facts, name, results, judged, totals, seconds)
  if #results == 0 then return "" end
  local cases, counts = {}, { tests = #results, failures = 0, errors = 0, skipped = 0 }
  for at, result in ipairs(results) do
    local kind, content = verdict(result, judged)
    if kind then counts[kind] = counts[kind] + 1 end
    cases[at] = element("testcase", {
      { "classname", ("%s.%s"):format(facts.runbook.title, name) },
      { "name", lang.message(result.name) },
    }, content)
  end
  for kind, count in pairs(counts) do
    totals[kind] = totals[kind] + count
  end
  return element("testsuite", {
    { "name", name },
    { "tests", counts.tests },
    { "failures", counts.failures },
    { "errors", counts.errors },
    { "skipped", counts.skipped },
    { "time", there(seconds) and seconds or 0 },
  }, table.concat(cases))
end

--- How the run itself ended, so that one that failed without a check is red too.
local function run_result(facts)
  local failed = facts.outcome == "failed" or facts.outcome == "interrupted"
  local by_check = facts.state == "check_failed" or there(facts.error) and facts.error.kind == "check.failed"
  return {
    name = ("%s %s"):format(facts.rung, facts.id),
    outcome = failed and not by_check and "error" or "pass",
    message = words.sentence(facts),
    rows = {},
  }
end

--- The report as JUnit XML.
---@param facts table of facts.lua
---@return string
function M.of(facts)
  local totals, suites = { tests = 0, failures = 0, errors = 0, skipped = 0 }, {}
  local function add(...) suites[#suites + 1] = suite(facts, ...) end
  add(facts.rung, { run_result(facts) }, true, totals, facts.summary.seconds)
  add(lang.text("preconditions"), facts.preconditions, true, totals)
  for _, step in ipairs(facts.steps) do
    add(lang.message(step.name), step.checks_now, false, totals)
    add(lang.message(step.name), step.checks, true, totals, step.seconds)
  end
  return xml.declaration
    .. element("testsuites", {
      { "name", ("opsh: %s"):format(facts.runbook.title) },
      { "tests", totals.tests },
      { "failures", totals.failures },
      { "errors", totals.errors },
      { "skipped", totals.skipped },
      { "time", there(facts.summary.seconds) and facts.summary.seconds or 0 },
    }, table.concat(suites))
end

return M
