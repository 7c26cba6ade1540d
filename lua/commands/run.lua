--- `opsh RUNBOOK [--simulate | --rehearse | --apply]`: plan, and simulate, rehearse or apply what was planned.
local again = require("opsh.host.commands.again")
local budgets = require("opsh.host.runbook.budgets")
local document = require("opsh.host.present.document")
local drift = require("opsh.host.runbook.drift")
local errors = require("opsh.host.errors")
local effect_steps = require("opsh.host.effects.effect_steps")
local guards = require("opsh.host.runbook.guards")
local hands = require("opsh.host.effects.hands")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local lang = require("opsh.host.lang")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")
local answers = require("opsh.host.runbook.answers")
local arguments = require("opsh.host.commands.arguments")
local planning = require("opsh.host.runbook.planning")
local plans = require("opsh.host.runbook.plans")
local plans_text = require("opsh.host.present.plans")
local required = require("opsh.host.backup.required")
local rehearsals = require("opsh.host.backup.rehearsals")
local places = require("opsh.host.report.places")
local report_files = require("opsh.host.report.files")
local reports = require("opsh.host.report.writing")
local screen = require("opsh.host.present.screen")
local simulate = require("opsh.host.commands.simulate")
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

local function require_rung(given)
  local applies = given.apply or given.interactive
  if given.simulate and given.apply then
    errors.raise("usage.option", "--simulate and --apply exclude each other", "simulate first, then apply")
  end
  if given.rehearse and (given.simulate or given.apply) then
    local other = given.apply and "--apply" or "--simulate"
    errors.raise(
      "usage.option",
      ("--rehearse and %s exclude each other"):format(other),
      "one rung at a time: simulate, then rehearse, then apply"
    )
  end
  if given.output and given.rehearse then
    errors.raise("usage.option", "--output is not for --rehearse", "a rehearsal writes no report files")
  end
  if given.plan and not given.apply then
    errors.raise("usage.option", "--plan is for --apply", "opsh plans show ID shows a plan again")
  end
  for _, name in ipairs({ "backup", "no-backup", "scratch" }) do
    if given[name] and not applies and (name == "no-backup" or not given.rehearse) then
      errors.raise("usage.option", ("--%s is for --apply"):format(name), "a plan reads no backup")
    end
  end
  if given["no-backup"] and (given.backup or given.scratch) then
    errors.raise("usage.option", "--no-backup and --backup exclude each other", "say which one is meant")
  end
  if given.answers and not applies then
    errors.raise("usage.option", "--answers is for --apply", "on the other rungs nobody is asked")
  end
  if given["detailed-exitcode"] and (given.apply or given.simulate or given.rehearse) then
    errors.raise("usage.option", "--detailed-exitcode is for a plan", "the other rungs have their own exit codes")
  end
end

-- What stands behind a runbook for the other rungs only, and whether a value follows.
local of_apply = {
  answers = true,
  apply = false,
  backup = true,
  batch = true,
  confirm = true,
  interactive = false,
  ["max-rows"] = true,
  ["max-seconds"] = true,
  ["no-backup"] = false,
  plan = true,
  reason = true,
  scratch = true,
  rehearse = false,
  simulate = false,
}

--- A pattern that the shell put two files in the place of: only the first would be the option's.
local function require_one_file(rest)
  for at, word in ipairs(rest) do
    local files = { word == "--backup" and rest[at + 1] or word:match("^%-%-backup=(.*)$") }
    local next_word = at + (word == "--backup" and 2 or 1)
    while files[1] and rest[next_word] and rest[next_word]:sub(1, 1) ~= "-" do
      files[#files + 1] = rest[next_word]
      next_word = next_word + 1
    end
    if #files > 1 then
      errors.raise(
        "usage.option",
        ("--backup takes one file, and got %s"):format(table.concat(files, " and ")),
        "name the one that you mean; a pattern may stand for several"
      )
    end
  end
end

-- What stands behind it for a plan only, or in the place of --apply.
local of_plan = { ["detailed-exitcode"] = false }
local of_interactive = { apply = false, interactive = false }

--- The words of a command line without some options.
---@param named table<string, boolean> whether a value follows, by option
local function without(rest, named)
  local words, skip = {}, false
  for _, word in ipairs(rest) do
    local name = not skip and word:match("^%-%-([%w-]+)")
    local takes = name and named[name]
    if not skip and takes == nil then words[#words + 1] = word end
    skip = takes == true and not word:find("=", 1, true)
  end
  return words
end

--- Shows the plan; before that it is kept, so that its id means something to whoever reads it.
---@param detailed boolean --detailed-exitcode
local function planned_exit(job, place, out, word, detailed)
  local facts = plans.facts(job)
  if job.plan then job.plan.identity = facts.identity end
  local exit = detailed and planning.has_work(job) and 10 or 0
  local made = document.of(job, place, "plan", nil, exit)
  local function text(on) return text_plan.render(job, place, on, word) end
  if job.plan then plans.keep(job, place, facts, { text = text(screen.plain()), document = made }) end
  if out.json then
    out.document(made)
  else
    out.text(text(out))
  end
  return exit
end

--- Says what came, went and changed since the plan; refuses to apply anything else than what was planned.
local function compare(job, place, out, wanted)
  drift.examine(job, place, wanted)
  if not out.json then out.text(plans_text.drift(job.drift)) end
  if planning.has_work(job) then drift.require_planned(job) end
end

-- A plan may be so old, in seconds, when the first batch begins: reading a large dump takes longer.
local aged_after = 60

--- Sees to it that there is a backup to rely on, and that the plan is still what would be written.
local function back(job, place, given, out, wanted)
  required.find(job, place, given)
  guards.confirm(place, job.identity, given, guards.writes_of(job))
  if required.secure(job, place, given, out) <= aged_after then return end
  out.say("planning again: the backup took its time")
  planning.again(job)
  if not out.json then out.text(text_plan.render(job, place, out)) end
  compare(job, place, out, wanted)
  budgets.require_plan(job)
  required.hold(job)
end

local function apply(job, place, out)
  if not planning.has_work(job) then
    ladder.verify_idle(job)
    local id = job.id
    job.id = nil
    report_files.plan(job, "apply", id)
    job.outcome = "nothing to do"
  else
    out.say(lang.format("run %s", job.id))
    job.rehearsed = rehearsals.expect(job, place.state)
    job.hands = hands.acting(job)
    ladder.apply(job, out.progress)
    job.outcome = "done"
  end
  return text_result.finish(job, place, out)
end

local function rung_of(given) return given.apply and "apply" or given.simulate and "simulate" or "plan" end

--- What the target allows: known once the server has said which database it is.
local function guard(job, place, given)
  local rung = rung_of(given)
  workplace.announce(place.target, rung, job.id)
  function job.admit(identity)
    guards.admit(place, identity, given, rung ~= "plan")
    required.admit(job, place, given)
    job.budgets = budgets.of(place.target.budgets, given)
  end
end

--- Does the work of the rung in a place that is closed afterwards.
---@param words { all: string, plan: string, apply: string } this command line, the one that plans the same, and what
--- --apply is added to
local function climb(given, path, runbook, place, out, words)
  local applying, most = given.apply ~= nil, simulate.items(given)
  local id, plan = ladder.new_run_id(), plans.new()
  local directory = (applying or most) and place.state .. "/runs/" .. id or plans.directory(place.state, plan.id)
  local job = jobs.new(runbook, place.target, given, { directory = directory, sample = sample_of(given) })
  job.id, job.say, job.path = (applying or most) and id or nil, out.say, path
  job.command, job.plan_command, job.reason = words.all, words.plan, options.reason_of(given)
  job.resume = again.resume(given, id)
  job.command_for = function(...) return again.command(given, ...) end
  job.document = most and simulate.document
  job.output = report_files.output(given, runbook)
  job.answers = given.answers and answers.read(given.answers[1], runbook) or nil
  guard(job, place, given)
  local wanted = given.plan and drift.wanted(job, place, given.plan[1])
  local keep = false
  local ok, result = host.protect(function()
    out.say("planning")
    planning.all(job)
    if most then
      if not out.json then out.text(text_plan.render(job, place, out)) end
      keep = planning.has_work(job)
      if keep then guards.confirm(place, job.identity, given, guards.writes_of(job)) end
      return simulate.work(job, place, out, most)
    end
    if not applying then
      -- What was planned in a database that ends with this command, no apply will find.
      job.plan = (given.interactive or not place.ends) and plan or nil
      local excess = budgets.excess(job)
      if excess then out.say(excess .. ": an apply would be refused") end
      if planning.has_work(job) then required.foresee(job, place) end
      report_files.plan(job, "plan", plan.id)
      local exit = planned_exit(job, place, out, words.apply, given["detailed-exitcode"] ~= nil)
      keep = job.plan ~= nil
      return exit
    end
    if not out.json then out.text(text_plan.render(job, place, out)) end
    compare(job, place, out, wanted)
    keep = planning.has_work(job)
    if keep then
      effect_steps.refuse_obstacles(job)
      report_files.prepare(job)
      budgets.require_plan(job)
      back(job, place, given, out, wanted)
    end
    return apply(job, place, out)
  end)
  required.release(job)
  if applying then plans.record_applied(job, place.state, ok) end
  if not ok then
    if not job.ledger and not job.simulated then job.id = nil end
    result.job, result.place = job, place
  end
  -- Without an audit log nothing has begun that could be gone on with. A plan that failed is none.
  if keep and (ok or job.audit) then
    local rung = rung_of(given)
    local about = rung == "plan" and places.at(place.state, "plans", plan.id) or places.at(place.state, "runs", id)
    reports.finish(job, place, out, about, rung, ok and result, not ok and result)
  else
    system.remove_tree(directory)
  end
  if not ok then error(result, 0) end
  return result, job
end

return function(before, path, rest)
  local runbook = load.load(path, options.taken())
  local declared = params.options(runbook.params)
  require_one_file(rest)
  local given = arguments.read(before, rest, {
    program = "opsh " .. path,
    description = lang.message(runbook.title)
      .. (runbook.description and "\n\n" .. lang.message(runbook.description) or ""),
    options = options.join(options.ladder, declared, options.host),
  })
  if not given then return 0 end
  local words = { all = again.runbook(before, path, rest) }
  words.plan = again.runbook(before, path, without(rest, of_apply))
  words.apply = again.runbook(before, path, without(rest, given.interactive and of_interactive or of_plan))
  -- Loaded when it is wanted: the other rungs need none of it.
  local interactive = given.interactive and require("opsh.host.commands.interactive")
  if interactive then interactive.require_person(given, words.plan) end
  require_rung(given)
  local out = screen.open(given)
  local place = workplace.open(given)
  local work = given.rehearse and require("opsh.host.commands.rehearse").climb
    or interactive and interactive.stopping(climb)
    or climb
  local ok, result = host.protect(work, given, path, runbook, place, out, words)
  place.close()
  if not ok then error(result, 0) end
  return result
end
