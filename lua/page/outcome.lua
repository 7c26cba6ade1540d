--- What came of a run: how good it is, and where, by whom and when it was.
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local known = parts.known

-- What is called so on a page.
local rungs = {
  plan = { title = "plan" },
  simulate = { title = "simulation" },
  rehearse = { title = "rehearsal" },
  apply = { title = "apply" },
  undo = { title = "undo" },
  verify = { title = "verification" },
}

-- Exit statuses that stop short of an end, or that came to one with something left.
local careful = { [4] = true, [8] = true, [130] = true }

--- The word for a rung.
function M.rung(facts) return lang.text(rungs[facts.rung].title) end

--- "good", "warn", "bad", or "idle" where nothing was to be done or is known yet.
---@param facts table
---@return "good"|"warn"|"bad"|"idle"
function M.tone(facts)
  local exit, checks = known(facts.exit), facts.summary.checks
  if facts.outcome == "interrupted" or facts.outcome == "running" or exit and careful[exit] then return "warn" end
  if facts.outcome == "failed" or exit and exit ~= 0 and exit ~= 10 or checks.fail + checks.error > 0 then
    return "bad"
  end
  if (known(facts.summary.failed) or 0) > 0 or #parts.list(facts.incidents) > 0 then return "warn" end
  return (facts.rung == "plan" or facts.outcome == "nothing to do") and "idle" or "good"
end

--- Where, by whom and when, in a sentence.
---@param facts table
---@return string
function M.circumstances(facts)
  local target = known(facts.target) or {}
  local where = known(target.name) or known(target.database) or known(target.described)
  local who, when = known(facts.operator.name), known(facts.times.started)
  local said = {}
  if where then said[#said + 1] = lang.format("in %s", where) end
  if who then said[#said + 1] = lang.format("by %s", who) end
  if when then
    local day, time = when:match("^(%d+-%d+-%d+)[T ](%d+:%d+)")
    said[#said + 1] = day and lang.format("on %s at %s UTC", day, time) or when
  end
  if known(facts.times.seconds) then said[#said + 1] = lang.format("took %s", parts.seconds(facts.times.seconds)) end
  return (table.concat(said, ", "):gsub("^%l", string.upper)) .. "."
end

return M
