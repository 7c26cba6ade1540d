--- `opsh undo RUN`: what it would take to take a run back, and with --apply, that.
local again = require("opsh.host.commands.again")
local arguments = require("opsh.host.commands.arguments")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local lang = require("opsh.host.lang")
local ladder = require("opsh.host.runbook.ladder")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local places = require("opsh.host.report.places")
local present = require("opsh.host.present.undo")
local reports = require("opsh.host.report.writing")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local undo = require("opsh.host.runbook.undo")
local undo_document = require("opsh.host.present.undo_document")
local undone_effects = require("opsh.host.effects.undone_effects")
local undo_result = require("opsh.host.commands.undo_result")
local workplace = require("opsh.host.workplace")

local all = 2 ^ 31

local own_options = {
  { name = "apply", help = "Take it back, batch by batch, each exactly once.", group = "ladder" },
  {
    name = "csv",
    value = "FILE",
    help = "Write all conflicts to this file.",
    group = "output",
  },
  {
    name = "leave-effects",
    help = "Take back the rows alone, not what was done beyond the database.",
    group = "ladder",
  },
  options.reason,
  options.confirm,
}

local function planned(job, place, out, given, word)
  job.outcome = (job.undo_plan.batches > 0 or #job.steps > 0) and "planned" or "nothing to do"
  if given.csv then system.write_file(given.csv[1], present.csv(job.undo_plan.conflicts)) end
  if out.json then
    out.document(undo_document.of(job, place))
  else
    out.text(present.plan(job, place, out, word))
  end
  return 0
end

local function apply(job, place, out, given)
  out.say(lang.format("run %s", job.id))
  system.make_directory(job.directory)
  ladder.apply(job, out.progress)
  return undo_result.finish(job, place, out, given)
end

local function take_back(given, out, place, id, word)
  local reader = native_db.host_reader(place.target)
  local undo_id, effects = ladder.new_run_id(), nil
  local ok, original, identity, plan = host.protect(function()
    local original, identity = undo.original(reader, id)
    lang.of(original.sources, original.runbook)
    effects = undone_effects.of(original, {
      target = place.target,
      directory = ("%s/runs/%s"):format(place.state, undo_id),
      leave = given["leave-effects"] ~= nil,
    })
    local beyond = effects:steps(reader)
    guards.admit(place, identity, given, given.apply ~= nil)
    -- An apply compares again, behind locks; to compare before it would only take time.
    if given.apply and (#beyond > 0 or undo.has_work(reader, original)) then return original, identity end
    out.say("comparing the journal with what is there")
    local wanted = given.csv and all or out.json and 1000 or present.shown
    return original, identity, undo.plan(reader, original, wanted, out.progress)
  end)
  reader:close()
  if not ok then error(original, 0) end
  workplace.announce(place.target, "undo", given.apply and undo_id or nil)
  local job = undo.job(original, identity, undo_id, {
    target = place.target,
    state = place.state,
    say = out.say,
    command = word,
    reason = options.reason_of(given),
    resume = again.resume(given, undo_id),
    effects = effects,
  })
  job.undo_plan, job.document = plan, undo_document.of
  job.planned_only = plan ~= nil
  if job.planned_only then return planned(job, place, out, given, word) end
  guards.confirm(place, identity, given, ("what run %s changed: %s"):format(original.id, guards.writes_of(job)))
  local done, result = host.protect(apply, job, place, out, given)
  if not done and not job.ledger then job.id = nil end
  if done or job.audit then
    local at = places.at(place.state, "runs", undo_id)
    reports.finish(job, place, out, at, "undo", done and result, not done and result)
  else
    system.remove_tree(job.directory)
  end
  if done then return result end
  result.job, result.place = job, place
  error(result, 0)
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh undo",
    description = "Takes back exactly what a run changed. Rows that were edited since are left alone and listed.\n\n"
      .. "Without --apply it compares and changes nothing.",
    options = options.join(own_options, options.host),
    positionals = { { name = "RUN", help = "Its id, or the beginning of it.", required = true } },
  })
  if not given then return 0 end
  local out, place = screen.open(given), workplace.open(given)
  local ok, result = host.protect(take_back, given, out, place, words[1], again.runbook(before, "undo", rest, {}))
  place.close()
  if not ok then error(result, 0) end
  return result
end
