--- `opsh doc RUNBOOK`: its checklist as Markdown, made of what the runbook declares.
local arguments = require("opsh.host.commands.arguments")
local checklist = require("opsh.host.authoring.checklist")
local conditional_steps = require("opsh.host.runbook.conditional_steps")
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")
local pasted = require("opsh.host.authoring.pasted")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local null = json.decode("null")

local own = {
  {
    name = "run",
    value = "RUN",
    help = "Fill in what this run did; its report is read, no database.",
    group = "document",
  },
  {
    name = "output",
    value = "FILE",
    help = "Write it into this file.",
    default_text = "standard output",
    group = "document",
  },
}

--- Where commands are to work; and what else is about output.
local function host_options()
  local list = {}
  for _, option in ipairs(options.host) do
    local is_place = option.name == "target" or option.name == "db" or option.name == "sandbox"
    if is_place or option.group == "output" and option.name ~= "json" then list[#list + 1] = option end
  end
  return list
end

--- The report of a run, as the run left it in the state folder.
local function report_of(state, wanted)
  local folder, found = state .. "/runs", {}
  for _, name in ipairs(system.file_kind(folder) == "directory" and system.list(folder) or {}) do
    if name:sub(1, #wanted) == wanted then found[#found + 1] = name end
  end
  if wanted == "" or #found ~= 1 then
    errors.raise(
      "usage.run",
      #found > 1 and ("%d runs begin with %s"):format(#found, wanted)
        or ("there is no run %s in this state folder"):format(text.printable(wanted)),
      #found > 1 and "write more of the id" or "another machine has it, or its folder is gone"
    )
  end
  local path = ("%s/%s/report.json"):format(folder, found[1])
  if system.file_kind(path) ~= "file" then
    errors.raise("usage.run", ("run %s has no report"):format(found[1]), "make it: opsh report " .. found[1])
  end
  return json.decode(system.read_file(path))
end

local function require_same(facts, runbook)
  local is_other = facts.rung ~= "apply"
  if is_other then
    errors.raise("usage.run", ("%s is no apply"):format(facts.id), "name the run that applied the runbook")
  end
  for _, source in ipairs(facts.runbook.sources) do
    if source.path == runbook.real_path then return end
  end
  errors.raise(
    "usage.run",
    ("run %s is not one of %s"):format(facts.id, runbook.path),
    ("it is one of %s"):format(facts.runbook.path)
  )
end

--- The values of params, for Lua and for SQL, as far as they are given: what a document needs is not required as for a
--- run.
local function values_of(runbook, given)
  local known = {}
  for _, param in ipairs(runbook.params) do
    local is_given = given[params.option_name(param.name)] ~= nil
    -- A secret that was given is refused, as anywhere.
    if is_given or not (param.required or param.secret) then known[#known + 1] = param end
  end
  return params.values(known, given)
end

--- The params of the run, for commands and conditions.
local function with_recorded(given, facts)
  local made = {}
  for name, values in pairs(facts and facts.params or {}) do
    if values[1] ~= params.mask then made[name] = values end
  end
  for name, values in pairs(given) do
    made[name] = values
  end
  return made
end

local function backup_words(facts)
  local backup = facts and facts.backup
  if not backup or backup == null then return nil end
  local file = backup.file ~= null and backup.file or backup.label ~= null and backup.label
  return ("%s%s"):format(lang.text(backup.level), file and ", " .. file or "")
end

--- All steps with items are in the document; those behind a param only when it is given.
local function steps_of(runbook, values)
  local ok, kept, left_out = host.protect(conditional_steps.split, runbook.steps, values)
  if ok then return kept, left_out end
  if kept.kind ~= "usage.steps" then error(kept, 0) end
  return runbook.steps, {}
end

--- The runbook's params as options; none has to be given.
local function param_options(runbook)
  local list = runbook and params.options(runbook.params) or {}
  for _, option in ipairs(list) do
    option.required = false
  end
  return list
end

local function path_of(word)
  if word:find("[/.]") or system.file_kind(word) then return word end
  return config.find_runbook(word) or word
end

--- The word that is the runbook: its own params are options, too, which are known when it is loaded.
local function runbook_word(rest)
  local takes_value = {}
  for _, option in ipairs(options.join(own, host_options())) do
    if option.value and not option.value_optional then takes_value["--" .. option.name] = true end
  end
  for at, word in ipairs(rest) do
    local is_value = takes_value[rest[at - 1]]
    if word:sub(1, 1) ~= "-" and not is_value and system.file_kind(path_of(word)) == "file" then return word end
  end
end

local function loaded(word)
  local runbook = load.load(path_of(word), options.taken())
  runbook.path = word
  return runbook
end

return function(before, rest)
  local word = runbook_word(rest)
  local runbook = word and loaded(word)
  local given, words = arguments.read(before, rest, {
    program = "opsh doc",
    description = "Prints the checklist of a runbook as Markdown: preparation, backup, plan, apply, checks, undo and"
      .. " audit record, made of what the runbook declares. With the runbook's own params its commands have them.",
    options = options.join(own, param_options(runbook), host_options()),
    positionals = {
      { name = "RUNBOOK", help = "Its file, or its name in a folder of opsh.config.lua.", required = true },
    },
  })
  if not given then return 0 end
  local out = screen.open(given)
  runbook = runbook or loaded(words[1])
  local settings, folder = config.load()
  local facts = given.run and report_of(workplace.state_directory(folder), given.run[1])
  if facts then require_same(facts, runbook) end
  local target = given.target and settings.targets[given.target[1]]
  if given.target or given.db then workplace.open({ target = given.target, db = given.db }).close() end
  local all = with_recorded(given, facts)
  local values, scope = values_of(runbook, all)
  local steps, left_out = steps_of(runbook, values)
  local made = checklist.text({
    runbook = runbook,
    steps = steps,
    left_out = left_out,
    given = all,
    values = values,
    scope = scope,
    target = target,
    run = facts and facts.id,
    facts = facts or nil,
    commands = pasted.commands(runbook, all, facts and facts.id),
    recorded = { backup = backup_words(facts) },
  })
  if given.output then
    local path = given.output[1]
    if system.file_kind(path) then
      system.replace_file(path, made)
    else
      system.write_file(path, made, true) -- for others to read, too
    end
    out.say(lang.format("written to %s", given.output[1]))
  else
    out.text(made)
  end
  return 0
end
