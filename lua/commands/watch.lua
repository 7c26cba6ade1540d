--- `opsh watch RUN`: a run's checks, again and again, until one does not hold any more.
local arguments = require("opsh.host.commands.arguments")
local checks_text = require("opsh.host.present.checks")
local config = require("opsh.host.config")
local document = require("opsh.host.present.document")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local ladder = require("opsh.host.runbook.ladder")
local lang = require("opsh.host.lang")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local places = require("opsh.host.report.places")
local provenance = require("opsh.host.runbook.provenance")
local reports = require("opsh.host.report.writing")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local verifying = require("opsh.host.runbook.verifying")
local workplace = require("opsh.host.workplace")

local _, array = json.metatables()

local own_options = {
  { name = "for", value = "TIME", default_text = "2h", help = "How long: 90s, 30m, 2h, 1d.", group = "ladder" },
  { name = "every", value = "TIME", default_text = "5m", help = "From one look to the next.", group = "ladder" },
  { name = "once", help = "Look once, and be done.", group = "ladder" },
}

local function seconds_of(given, name, fallback)
  local value = given[name] and given[name][1] or fallback
  local seconds = config.seconds(value)
  if seconds then return seconds end
  errors.raise("usage.value", ("--%s wants a time such as 30s, 5m or 2h, not %q"):format(name, value))
end

local function now() return os.date("!%Y-%m-%dT%H:%M:%SZ") end

--- Of a round: when, how many checks, and those that did not pass by step.
local function record(time, passed, steps)
  local made, total = { time = time, passed = passed, steps = setmetatable({}, array) }, 0
  for at, step in ipairs(steps) do
    total = total + #step.checks
    made.steps[at] = { name = step.name, checks = document.check_results(step.checks) }
  end
  made.checks = total
  return made
end

local function say_round(out, round)
  if out.json or out.quiet then return end
  local verdict = round.passed and out.color(32, lang.text("pass")) or out.color(31, lang.text("FAIL"))
  out.text(("%s  %s  %s\n"):format(round.time, verdict, lang.counted(round.checks, "check")))
end

local function failures_text(out, steps)
  local parts = {}
  for _, step in ipairs(steps) do
    local failed = {}
    for _, result in ipairs(step.checks) do
      if result.outcome ~= "pass" then failed[#failed + 1] = result end
    end
    if #failed > 0 then
      parts[#parts + 1] = ("\n%s %s\n"):format(out.strong(lang.text("step")), lang.message(step.name))
        .. checks_text.render(out, failed, 2)
    end
  end
  return table.concat(parts)
end

-- So many looks stand in a report, the last ones; their number is exact.
local most_rounds = 500

--- The run document of a verification: the checks of the last look, and what became of each look.
local function verification(job, place, rung, err, exit)
  local made = document.of(job, place, rung, err, exit)
  made.verify = {
    of = job.record.id,
    operator = provenance.operator().operator,
    total = job.looked,
    rounds = setmetatable(job.rounds, array),
  }
  local columns = getmetatable(made).__columns
  table.insert(columns, #columns, "verify")
  return made
end

--- Looks until the time is over or a check fails. Looks are counted from the first: a slow one does not shift the next.
local function look(out, job, terms)
  local began, rounds = system.clock(), 0
  job.rounds, job.looked = {}, 0
  while true do
    local time = now()
    local passed, steps = verifying.round(job)
    rounds = rounds + 1
    local round = record(time, passed, steps)
    if round.checks == 0 then
      errors.raise("refused.checks", ("run %s has no checks"):format(job.id), "add verify to a step of the runbook")
    end
    job.looked = rounds
    table.insert(job.rounds, { time = time, passed = passed, checks = round.checks })
    if #job.rounds > most_rounds then table.remove(job.rounds, 1) end
    say_round(out, round)
    if not passed then return 6, rounds, round, steps end
    local next_look = began + math.ceil((system.clock() - began) / terms.every) * terms.every
    if terms.once or next_look > began + terms.seconds then return 0, rounds, round, steps end
    system.sleep(math.max(0, next_look - system.clock()))
  end
end

-- So many reports of looks that held are kept of one run; a failed one stays, whatever its age.
local most_held = 20

local function forget_old(state, run)
  local held = {}
  for _, id in ipairs(system.list(state .. "/verifications")) do
    local directory = places.at(state, "verifications", id).directory
    local ok, shown = host.protect(function() return json.decode(system.read_file(places.shown(directory))) end)
    if ok and shown.outcome == "held" and shown.verify.of == run then held[#held + 1] = directory end
  end
  for at = 1, #held - most_held do
    system.remove_tree(held[at])
  end
end

local function watch(given, out, place, id)
  local terms = {
    seconds = seconds_of(given, "for", "2h"),
    every = seconds_of(given, "every", "5m"),
    once = given.once ~= nil,
  }
  workplace.announce(place.target, "watch", id)
  local job = verifying.open(place, id, function(path) return load.load(path, options.taken()) end)
  out.say(("watching run %s, %s"):format(job.id, job.record.title))
  local exit, rounds, last, steps = look(out, job, terms)
  if out.json then
    local outcome = exit == 0 and "held" or "failed"
    out.document({ run = job.id, outcome = outcome, exit = exit, rounds = rounds, last = last })
  elseif exit == 0 then
    out.text(
      lang.format("\nAll checks held, %s.\n", rounds == 1 and lang.text("once") or lang.format("%d times", rounds))
    )
  else
    out.text(failures_text(out, steps) .. lang.text("\nA check does not hold any more; nothing was written.\n"))
  end
  job.document, job.outcome = verification, exit == 0 and "held" or "failed"
  local about = places.at(place.state, "verifications", ladder.new_run_id())
  reports.finish(job, place, out, about, "verify", exit, false)
  if exit == 0 then host.attempt(forget_old, place.state, job.record.id) end
  return exit
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh watch",
    description = "Runs the checks of a run again and again, with the script and the figures that it was carried out "
      .. "with, and ends with the first that fails (exit 6). Reads only.",
    options = options.join(own_options, options.host),
    positionals = { { name = "RUN", help = "Its id, or the beginning of it.", required = true } },
  })
  if not given then return 0 end
  local out, place = screen.open(given), workplace.open(given)
  local ok, result = host.protect(watch, given, out, place, words[1])
  place.close()
  if not ok then error(result, 0) end
  return result
end
