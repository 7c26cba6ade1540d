--- What `opsh RUNBOOK --simulate` does behind its plan.
local checks = require("opsh.host.runbook.checks")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local ladder = require("opsh.host.runbook.ladder")
local planning = require("opsh.host.runbook.planning")
local present = require("opsh.host.present.simulation")
local simulate = require("opsh.host.runbook.simulate")

local M = {}

--- How many items are asked for; nil without --simulate.
---@param given table<string, string[]>
---@return number|nil
function M.items(given)
  local value = given.simulate and given.simulate[1]
  if not value then return nil end
  if value == "" then return simulate.usual_items end
  if value == "all" then return math.huge end
  local number = tonumber(value)
  if not number or number < 1 or number ~= math.floor(number) then
    errors.raise("usage.value", ("--simulate wants a number of items or all, not %q"):format(value), "--simulate=all")
  end
  return number
end

M.document = present.document

local function idle(job, out)
  ladder.refuse_unmet(job)
  ladder.verify_idle(job)
  job.id, job.outcome = nil, "nothing to do"
  for _, step in ipairs(job.steps) do
    if not checks.passed(step.checks) then
      errors.raise(
        "check.failed",
        "there is nothing to do, and the checks do not pass",
        "the checks show what is wrong"
      )
    end
  end
  out.say("there is nothing to simulate")
end

--- Simulates, and shows what came of it; returns the exit status.
---@param most number of items
function M.work(job, place, out, most)
  local ok, err = true, nil
  if planning.has_work(job) then
    out.say(("simulating; run %s"):format(job.id))
    ok, err = host.protect(simulate.run, job, most, out.progress)
    job.outcome = "simulated"
  else
    idle(job, out)
  end
  -- A failure is in the document of its error.
  if not out.json and (ok or job.simulated) then
    out.text(present.render(job, place, out))
  elseif out.json and ok then
    out.document(present.document(job, place))
  end
  if not ok then error(err, 0) end
  return present.exit(job)
end

return M
