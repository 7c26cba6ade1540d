--- `opsh RUNBOOK --interactive`: plans, and stops at a prompt with that plan before it is applied.
local brought = require("opsh.host.repl.brought.runbook")
local copied = require("opsh.host.copied")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local lang = require("opsh.host.lang")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")
local plans = require("opsh.host.runbook.plans")
local prompt = require("opsh.host.repl.prompt")
local system = require("opsh.native.system")

local M = {}

--- Refuses what has no sense at a prompt, and a prompt that nobody could type at.
---@param given table<string, string[]> options
---@param plan_command string the command line that plans
function M.require_person(given, plan_command)
  for _, name in ipairs({ "json", "simulate", "rehearse", "plan", "detailed-exitcode" }) do
    if given[name] then
      errors.raise(
        "usage.option",
        ("--interactive and --%s exclude each other"):format(name),
        "--interactive makes a plan, shows it as text, and stops before it is applied"
      )
    end
  end
  if system.terminal(0).terminal and system.terminal(1).terminal then return end
  errors.raise(
    "usage.terminal",
    "--interactive wants a terminal",
    ("%s plans; then %s --apply --plan=ID applies that plan"):format(plan_command, plan_command)
  )
end

--- The place of the plan as the prompt has it: whoever opened it closes it.
local function place_of_prompt(place)
  local made = copied(place)
  made.target = copied(place.target)
  made.target.application, made.whereabouts = nil, nil
  function made.close() end
  return made
end

--- The options of the apply: those that were given, with the params as they are at the prompt.
local function applying(given, runbook, id, now)
  local made = copied(given)
  made.interactive, made.apply, made.plan = nil, { "" }, { id }
  for _, param in ipairs(runbook.params) do
    local option = params.option_name(param.name)
    made[option] = now[option]
  end
  return made
end

--- Climbs with a stop: what run.lua calls in the place of its `climb`.
---@param climb function of run.lua
---@return function
function M.stopping(climb)
  return function(given, path, runbook, place, out, words)
    local to_plan = copied(given)
    to_plan.apply = nil
    local _, job = climb(to_plan, path, runbook, place, out, words)
    local id = job.plan.id
    local planned = {
      id = id,
      job = job,
      place = place_of_prompt(place),
      command = ("%s --apply --plan=%s"):format(words.apply, id),
    }

    --- Applies it as --apply --plan=ID does: what changed since is refused, the script and the params included.
    function planned.apply(now)
      local loaded = load.load(path, options.taken())
      local ok, result = host.attempt(climb, applying(given, loaded, id, now), path, loaded, place, out, words)
      local begun = ok or (result.job ~= nil and result.job.ledger ~= nil)
      -- What is refused after a run has begun says nothing of that one.
      if begun or not planned.spent then planned.status = ok and result or errors.exit_code(result) end
      planned.spent = planned.spent or begun
      if not ok then error(result, 0) end
    end

    local read = { values = copied(job.ctx.params), scope = job.scope, texts = job.params }
    local opened = brought.open(path, given, runbook, read)
    opened.planned = planned
    local ok, status = host.protect(prompt.run, given, opened)
    -- No apply will find a plan of a database that ends with this command.
    if place.ends then system.remove_tree(plans.directory(place.state, id)) end
    if not planned.spent then
      out.say(lang.text("nothing was written"))
      if not place.ends then out.say(lang.format("this applies the plan: %s", planned.command)) end
    end
    if not ok then error(status, 0) end
    return status == 0 and planned.status or status
  end
end

return M
