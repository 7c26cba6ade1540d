--- `opsh resume RUN`: goes on with a run from its ledger.
local again = require("opsh.host.commands.again")
local answers = require("opsh.host.runbook.answers")
local arguments = require("opsh.host.commands.arguments")
local budgets = require("opsh.host.runbook.budgets")
local guards = require("opsh.host.runbook.guards")
local hands = require("opsh.host.effects.hands")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ledger = require("opsh.host.runbook.ledger")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local places = require("opsh.host.report.places")
local reports = require("opsh.host.report.writing")
local resume = require("opsh.host.runbook.resume")
local screen = require("opsh.host.present.screen")
local settling = require("opsh.host.repl.writing.settling")
local text_result = require("opsh.host.present.result")
local undo = require("opsh.host.runbook.undo")
local undo_document = require("opsh.host.present.undo_document")
local undo_result = require("opsh.host.commands.undo_result")
local workplace = require("opsh.host.workplace")

local function reopened_job(out, place, reopened)
  if reopened.record.undo_of then
    local job = undo.reopened(reopened.record, reopened.identity, {
      target = place.target,
      state = place.state,
      say = out.say,
    })
    job.document = undo_document.of
    return job
  end
  return jobs.new(
    reopened.runbook,
    place.target,
    reopened.record.params,
    { directory = place.state .. "/runs/" .. reopened.record.id, sample = 0, recorded = true }
  )
end

--- What was typed at the prompt is committed, or never was.
local function settle(given, out, place, reopened)
  local run = reopened.record
  guards.confirm(place, reopened.identity, given, ("how run %s ended"):format(run.id))
  settling.settle(run, {
    target = place.target,
    identity = reopened.identity,
    state = place.state,
    say = out.say,
    command = again.resume(given, run.id),
  })
  if out.json then out.document({ run = run.id }) end
  return 0
end

local function go_on(given, out, place, id)
  workplace.announce(place.target, "resume", id)
  local reopened = resume.reopen(place.target, id, function(path) return load.load(path, options.taken()) end)
  guards.admit(place, reopened.identity, given, true)
  workplace.announce(place.target, "resume", reopened.record.id)
  if ledger.is_typed(reopened.record) then return settle(given, out, place, reopened) end
  local job = reopened_job(out, place, reopened)
  job.resume = again.resume(given, reopened.record.id)
  job.id, job.say, job.path = reopened.record.id, out.say, reopened.record.runbook
  job.command, job.reason = job.resume, options.reason_of(given)
  if not job.undo_of then job.budgets = budgets.of(place.target.budgets, given) end
  if not job.undo_of then
    job.hands = hands.acting(job)
    job.answers = given.answers and answers.read(given.answers[1], job.runbook) or nil
  end
  local ok, result = host.protect(function()
    local what = ("what is left of run %s, %s"):format(job.id, reopened.record.title)
    guards.confirm(place, reopened.identity, given, what)
    out.say(("resuming run %s"):format(job.id))
    resume.go_on(job, reopened, out.progress)
    if job.undo_of then return undo_result.finish(job, place, out, given) end
    job.outcome = "done"
    return text_result.finish(job, place, out)
  end)
  -- A resume that is refused has nothing to report.
  if ok or job.audit then
    local about, rung = places.at(place.state, "runs", job.id), job.undo_of and "undo" or "apply"
    reports.finish(job, place, out, about, rung, ok and result, not ok and result)
  end
  if ok then return result end
  result.job, result.place = job, place
  error(result, 0)
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh resume",
    description = "Goes on with a run that was stopped, interrupted or killed: each batch exactly once.",
    options = options.join({ options.reason, options.confirm, options.answers }, options.budgets, options.host),
    positionals = { { name = "RUN", help = "Its id, or the beginning of it.", required = true } },
  })
  if not given then return 0 end
  local out, place = screen.open(given), workplace.open(given)
  local ok, result = host.protect(go_on, given, out, place, words[1])
  place.close()
  if not ok then error(result, 0) end
  return result
end
