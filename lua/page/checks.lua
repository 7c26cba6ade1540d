--- Checks: what was expected, what was found, and the rows that did not pass.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e, known = html.element, parts.known

local states = {
  pass = { tone = "good", title = "passed" },
  fail = { tone = "bad", title = "failed" },
  error = { tone = "bad", title = "error" },
  skip = { tone = "idle", title = "skipped" },
}

--- Of a plan, checks say what is so now: nothing is wrong when they do not pass yet.
local function state_of(check, judges)
  if not judges then
    return parts.state("idle", check.outcome == "pass" and lang.text("so already") or lang.text("not yet"))
  end
  local state = states[check.outcome]
  return parts.state(state.tone, lang.text(state.title))
end

local function failing_rows(check, judges)
  local rows = parts.list(check.rows)
  if #rows == 0 then return nil end
  local found = tonumber(known(check.found))
  local title = found and found > #rows and lang.format("the first %d of %s rows", #rows, parts.number(found))
    or lang.counted(#rows, "row")
  return e("details", { open = judges }, { e("summary", nil, title), parts.rows(rows) })
end

local function list_of(title, checks, judges)
  local rows, below = {}, {}
  for at, check in ipairs(checks) do
    local message = known(check.message)
    rows[at] = {
      state_of(check, judges),
      { parts.name(check.name), message and e("div.soft", nil, parts.name(message)) },
      known(check.expected) and parts.value(check.expected),
      known(check.found) and parts.value(check.found),
    }
    local failing = failing_rows(check, judges)
    if failing then below[#below + 1] = { e("h3", nil, parts.name(check.name)), failing } end
  end
  local columns = {
    { title = "outcome" },
    { title = "check" },
    { title = "expected", number = true },
    { title = "found", number = true },
  }
  return { parts.table(columns, rows, title), below }
end

--- How often the checks of a run were run again, and how they went.
local function rounds(verify)
  local rows = {}
  for at, round in ipairs(parts.list(verify.rounds)) do
    rows[at] = {
      parts.time(round.time),
      round.passed and parts.state("good", lang.text("passed")) or parts.state("bad", lang.text("failed")),
      parts.number(round.checks),
    }
  end
  return parts.table(
    { { title = "when" }, { title = "outcome" }, { title = "checks", number = true } },
    rows,
    lang.format("Looks at run %s", verify.of)
  )
end

--- The section; nothing when there are no checks.
---@param facts table
---@return table|nil
function M.section(facts)
  local content, count, all = {}, 0, 0
  local function add(title, checks, judges)
    if #checks == 0 then return end
    content[#content + 1] = list_of(title, checks, judges)
    for _, check in ipairs(checks) do
      all = all + 1
      if check.outcome == "pass" then count = count + 1 end
    end
  end
  for _, step in ipairs(parts.list(facts.steps)) do
    add(lang.format("after step %d, %s", step.number, lang.message(step.name)), parts.list(step.checks), true)
  end
  local preconditions = parts.list(facts.preconditions)
  add(lang.text("preconditions"), preconditions, true)
  for _, step in ipairs(parts.list(facts.steps)) do
    add(lang.format("as it is now: step %d, %s", step.number, lang.message(step.name)), parts.list(step.checks_now))
  end
  local verify = known(facts.verify)
  content[#content + 1] = verify and rounds(verify)
  if #content == 0 then return nil end
  return { id = "checks", title = lang.text("Checks"), count = ("%d/%d"):format(count, all), content = content }
end

return M
