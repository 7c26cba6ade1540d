--- `opsh RUNBOOK [--apply]`: plan, and apply what was planned.
local again = require("opsh.host.commands.again")
local digest = require("opsh.native.digest")
local document = require("opsh.host.present.document")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")
local arguments = require("opsh.host.commands.arguments")
local planning = require("opsh.host.runbook.planning")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local text_plan = require("opsh.host.present.plan")
local text_result = require("opsh.host.present.result")
local workplace = require("opsh.host.workplace")

local function sample_of(given)
  local value = given.sample and given.sample[1]
  if not value then return 5 end
  local number = tonumber(value)
  if not number or number < 0 or number ~= math.floor(number) then
    errors.raise("usage.value", ("--sample wants a whole number, not %q"):format(value))
  end
  return number
end

local function planned_exit(job, place, out, word)
  if out.json then
    out.document(document.of(job, place, "plan"))
  else
    out.text(text_plan.render(job, place, out, word))
  end
  return 0
end

local function apply(job, place, out)
  if not planning.has_work(job) then
    ladder.verify_idle(job)
    job.id = nil
    job.outcome = "nothing to do"
  else
    out.say(("run %s"):format(job.id))
    ladder.apply(job, out.progress)
    job.outcome = "done"
  end
  return text_result.finish(job, place, out)
end

--- Does the work of the rung in a place that is closed afterwards.
local function climb(given, path, runbook, place, out, word)
  local applying = given.apply ~= nil
  local id = ladder.new_run_id()
  local directory = applying and place.state .. "/runs/" .. id or place.state .. "/plans/" .. digest.random_hex(8)
  local job = jobs.new(runbook, place.target, given, { directory = directory, sample = sample_of(given) })
  job.id, job.say, job.path = applying and id or nil, out.say, path
  job.command, job.reason = word, options.reason_of(given)
  job.resume = again.resume(given, id)
  local keep = false
  local ok, result = host.protect(function()
    out.say("planning")
    planning.all(job)
    if not applying then return planned_exit(job, place, out, word) end
    if not out.json then out.text(text_plan.render(job, place, out)) end
    keep = planning.has_work(job)
    return apply(job, place, out)
  end)
  -- Without an audit log nothing has begun that could be gone on with.
  if not keep or not (ok or job.audit) then system.remove_tree(directory) end
  if not ok then
    if not job.ledger then job.id = nil end
    result.job, result.place = job, place
    error(result, 0)
  end
  return result
end

return function(before, path, rest)
  local runbook = load.load(path, options.taken())
  local declared = params.options(runbook.params)
  local given = arguments.read(before, rest, {
    program = "opsh " .. path,
    description = runbook.title .. (runbook.description and "\n\n" .. runbook.description or ""),
    options = options.join(options.ladder, declared, options.host),
  })
  if not given then return 0 end
  local out = screen.open(given)
  local place = workplace.open(given)
  local ok, result =
    host.protect(climb, given, path, runbook, place, out, again.runbook(before, path, rest, params.secrets(declared)))
  place.close()
  if not ok then error(result, 0) end
  return result
end
