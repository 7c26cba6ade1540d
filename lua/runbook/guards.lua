--- What stands between a person and a protected database: whether it is one, and whether the person meant it.
local errors = require("opsh.host.errors")
local input = require("opsh.native.input")
local lang = require("opsh.host.lang")
local log = require("opsh.native.log")
local reached = require("opsh.host.runbook.reached")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local function described(identity)
  return ("database %s (oid %s) of system %s"):format(
    identity.database,
    identity.database_oid,
    identity.system_identifier
  )
end

--- Compares where a target leads to with where it led before, and keeps it.
local function compare_with_before(place, identity)
  local target = place.target
  local known, path = reached.recall(place.state, target.name)
  if known and not reached.same(known, identity) then
    local what = ("target %s leads to %s; before, it led to %s"):format(
      target.name,
      described(identity),
      described(known)
    )
    if target.protected then
      errors.raise("refused.target", what, ("if that is right, remove %s, and plan again"):format(path))
    end
    log.warn(lang.message(what))
  end
  if not known or known.database ~= identity.database or known.database_oid ~= identity.database_oid then
    reached.remember(place.state, target.name, identity)
  end
end

--- A protected target's database is protected however it is reached, and its budgets hold. Who names a target that says
--- `protected = false` has decided otherwise.
local function protect_alias(place, identity)
  local names = {}
  for name, fields in pairs(place.config.targets) do
    if fields.protected and name ~= place.target.name then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local known = reached.recall(place.state, name)
    if known and reached.same(known, identity) then
      place.target.protected, place.target.protected_as = true, name
      place.target.budgets = place.target.budgets or place.config.targets[name].budgets
      return
    end
  end
end

local function refuse_name(wanted, database)
  errors.raise(
    "refused.confirmation",
    ("confirmed was %q, and this is database %q: nothing was written"):format(wanted, database),
    "look at the target again before you type the other name"
  )
end

local function can_ask() return system.terminal(0).terminal and system.terminal(2).terminal end

--- Refuses what could not be confirmed later: the wrong name with --confirm, or none and nobody to ask.
---@param who string why it has to be confirmed
---@param database string
---@param given table<string, string[]> options
function M.require_answer(who, database, given)
  local wanted = given.confirm and given.confirm[1]
  if wanted and wanted ~= database then refuse_name(wanted, database) end
  if wanted or can_ask() then return end
  errors.raise(
    "refused.confirmation",
    who .. ", and there is no terminal to confirm on",
    "give the name of the database that you mean: --confirm DATABASE"
  )
end

--- The database's name, given with --confirm or typed under what is shown.
---@param heading string
---@param facts string[][] pairs of a word and what is said of it
---@param database string
---@param given table<string, string[]> options
---@return { database: string, how: string } for the audit log
function M.answer(heading, facts, database, given)
  if given.confirm then return { database = given.confirm[1], how = "--confirm" } end
  local lines, names = { ("\n%s\n"):format(lang.message(heading)) }, {}
  for at, fact in ipairs(facts) do
    names[at] = fact[1]
  end
  for _, fact in ipairs(facts) do
    local name = text.pad_right(lang.text(fact[1]), lang.widest(names, 10))
    lines[#lines + 1] = ("  %s  %s\n"):format(name, text.printable(lang.message(fact[2])))
  end
  system.write_error(table.concat(lines) .. lang.text("Type the database's name to go on: "))
  local answer = input.line()
  if not answer or answer == "" then
    errors.raise("refused.confirmation", "nothing was confirmed: nothing was written", "type the database's name")
  end
  if answer ~= database then refuse_name(answer, database) end
  return { database = answer, how = "typed" }
end

--- To be called as soon as the server has said which database it is: finds out whether it is protected
--- (`place.target.protected`), and refuses what could not be confirmed later, before time goes into a plan.
---@param place table of workplace.open
---@param identity table of jobs.identify
---@param given table<string, string[]> options
---@param writes boolean whether this command is going to write
function M.admit(place, identity, given, writes)
  local target = place.target
  if target.name then compare_with_before(place, identity) end
  if target.protected == nil and not target.sandbox then protect_alias(place, identity) end
  if not writes then return end
  local wanted = given.confirm and given.confirm[1]
  if wanted and wanted ~= identity.database then refuse_name(wanted, identity.database) end
  if not target.protected then return end
  local who = target.protected_as
      and ("the database is that of target %s, which is protected"):format(target.protected_as)
    or ("target %s is protected"):format(target.name)
  M.require_answer(who, identity.database, given)
end

--- What a job is going to write, in a few words for the person who is asked.
function M.writes_of(job)
  local items, effects, tables, seen = 0, 0, {}, {}
  for _, step in ipairs(job.steps) do
    items = items + (step.planned and step.planned.items or 0)
    effects = effects + (step.kind == "effect" and 1 or 0)
    for _, written in ipairs(step.writes) do
      if not seen[written.name] then tables[#tables + 1] = written.name end
      seen[written.name] = true
    end
  end
  local beyond = effects > 0 and lang.format("%s beyond the database", lang.counted(effects, "step"))
  if #tables == 0 then return beyond or lang.text("nothing") end
  local rows = lang.format("%s in %s", lang.counted(items, "item"), table.concat(tables, ", "))
  return beyond and lang.format("%s, and %s", rows, beyond) or rows
end

--- Directly before the first write into a protected database: its name, as the server says it, must be given with
--- --confirm or typed. `place.target.confirmed` keeps what was, for the audit log.
---@param place table of workplace.open
---@param identity table of jobs.identify
---@param given table<string, string[]> options
---@param what string that is going to be written
function M.confirm(place, identity, given, what)
  local target = place.target
  if not target.protected then return end
  local name = target.name or "none"
  if target.protected_as then name = ("%s; the database is that of target %s"):format(name, target.protected_as) end
  target.confirmed = M.answer("This writes into a protected database.", {
    { "target", name },
    { "database", identity.database },
    { "reached by", target.described },
    { "writes", what },
  }, identity.database, given)
end

return M
