--- `opsh runs prune`: drops the journals of runs that are long done; without --apply it says which.
local again = require("opsh.host.commands.again")
local arguments = require("opsh.host.commands.arguments")
local audit = require("opsh.host.runbook.audit")
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local prune = require("opsh.host.runbook.prune")
local report = require("opsh.native.report")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local _, array = json.metatables()

local own_options = {
  { name = "apply", help = "Drop them; without it, nothing is changed.", group = "ladder" },
  {
    name = "older-than",
    value = "AGE",
    default_text = "90d",
    help = "Runs that ended at least so long ago: a number with h, d or w.",
    group = "ladder",
  },
  options.reason,
  options.confirm,
}

-- A hundred years: beyond what an interval of the server's and a clock agree about.
local oldest = 100 * 366 * 86400

local function seconds_of(age)
  local seconds = config.seconds(age)
  if seconds and seconds >= 3600 and seconds <= oldest then return seconds end
  errors.raise(
    "usage.value",
    ("--older-than wants an age such as 12h, 30d or 8w, not %q"):format(age),
    "it is counted from the end of a run, and is at least 1h"
  )
end

local function rows_of(run)
  local spools = #run.spools > 0 and lang.counted(#run.spools, "file") or ""
  return {
    run.id,
    text.printable(lang.message(run.title)),
    run.finished or "",
    report.number(run.rows),
    report.bytes(run.bytes),
    spools,
  }
end

local columns = {
  { title = "run" },
  { title = "runbook" },
  { title = "finished (UTC)" },
  { title = "rows", right = true },
  { title = "size", right = true },
  { title = "plans here", right = true },
}

local function left_text(out, plan)
  if #plan.left == 0 then return "" end
  local lines = { out.strong(lang.text("Left as they are")) .. "\n" }
  for _, run in ipairs(plan.left) do
    lines[#lines + 1] = ("  %s: %s\n"):format(run.id, text.printable(lang.message(run.reason)))
  end
  return table.concat(lines) .. "\n"
end

local function closing(plan, job)
  local rows = 0
  for _, run in ipairs(plan.runs) do
    rows = rows + run.rows
  end
  local what = lang.format("%s with %s", lang.counted(#plan.runs, "run"), lang.counted(rows, "journaled row"))
  local kept = lang.text("Their ledger rows, conflicts and audit logs stay.")
  if job.applied then return lang.format("Pruned: %s, which cannot be undone any more. %s\n", what, kept) end
  return lang.format("Nothing was changed. To prune %s, which cannot be undone then: %s\n%s\n", what, job.again, kept)
end

local function render(out, plan, job)
  if #plan.runs == 0 then
    local none = lang.format("no run that ended %s ago or earlier has a journal to prune\n", job.older_than)
    return left_text(out, plan) .. none
  end
  local rows = {}
  for at, run in ipairs(plan.runs) do
    rows[at] = rows_of(run)
  end
  return out.table(columns, rows) .. "\n" .. left_text(out, plan) .. closing(plan, job)
end

local function document(plan, job)
  local function list(runs)
    local made = {}
    for at, run in ipairs(runs) do
      made[at] = {
        run = run.id,
        title = run.title,
        state = run.state,
        finished = run.finished,
        rows = run.rows,
        chunks = run.chunks,
        bytes = run.bytes,
        spools = setmetatable(run.spools, array),
        reason = run.reason,
      }
    end
    return setmetatable(made, array)
  end
  return { older_than = job.older_than, applied = job.applied, runs = list(plan.runs), left = list(plan.left) }
end

local function work(out, place, job)
  local reader = native_db.host_reader(place.target)
  local ok, plan, identity = host.protect(function()
    local identity = job.applied and jobs.identify(reader) or nil
    if identity then guards.admit(place, identity, job.given, true) end
    return prune.plan(reader, place.state, job.seconds), identity
  end)
  reader:close()
  if not ok then error(plan, 0) end
  if job.applied and #plan.runs > 0 then
    guards.confirm(place, identity, job.given, lang.format("drops the journals of %s", lang.counted(#plan.runs, "run")))
    prune.carry_out(job, plan, identity, function(run)
      return jobs.reading_ledger(job, function(session) return audit.recorded(session, run) end)
    end)
  end
  if out.json then
    out.document(document(plan, job))
  else
    out.text(render(out, plan, job))
  end
  return plan.failed and 8 or 0
end

return function(before, rest)
  local given = arguments.read(before, rest, {
    program = "opsh runs prune",
    description = "Drops the journals of runs that ended long ago, and their plans on this machine.\n\n"
      .. "Without --apply it lists them and changes nothing. A run without its journal cannot be undone any more; its "
      .. "ledger rows, conflicts and audit log stay.",
    options = options.join(own_options, options.host),
  })
  if not given then return 0 end
  local older_than = given["older-than"] and given["older-than"][1] or "90d"
  local job = {
    older_than = older_than,
    seconds = seconds_of(older_than),
    applied = given.apply ~= nil,
    reason = options.reason_of(given),
    given = given,
  }
  local out, place = screen.open(given), workplace.open(given)
  job.target, job.state = place.target, place.state
  workplace.announce(place.target, "prune")
  job.command = again.runbook(before, "runs", { "prune", unpack(rest) }, {})
  job.again = job.command .. " --apply"
  local ok, result = host.protect(work, out, place, job)
  place.close()
  if not ok then error(result, 0) end
  return result
end
