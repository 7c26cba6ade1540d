--- The program: reads the command line in two stages and hands over to a command.
local cli = require("opsh.native.cli")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local lang = require("opsh.host.lang")
local limits = require("opsh.host.limits")
local options = require("opsh.host.options")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

-- Each is a module opsh.host.commands.<name>; a word that is none of them is a runbook's path.
local commands = {
  { name = "runs", help = "List the runs that the target's ledger knows; prune drops old journals." },
  { name = "show", help = "Show one run: its steps, batches and what was left out." },
  { name = "resume", help = "Go on with a run that was stopped part-way." },
  { name = "plans", help = "List the plans that an apply is compared with, or show one again." },
  { name = "report", help = "Make the report files of a run again." },
  { name = "watch", help = "Run the checks of a run again for some hours; end with the first that fails." },
  { name = "undo", help = "Take back what a run changed; without --apply, say what that would be." },
  { name = "backup", help = "Make a backup and show what it is worth; list those that there are, prune old ones." },
  { name = "certify", help = "Show more of a dump: that it reads, that it restores, that it is what there was." },
  { name = "restore", help = "Put a backup in its database's place; without --apply, say what that would be." },
  { name = "audit", help = "Verify the audit logs of runs, or show one." },
  { name = "repl", help = "Read Lua and SQL line by line, also with a runbook at hand; opsh alone does it." },
  { name = "doctor", help = "Say whether opsh can work here, and what to do about what is not right." },
  { name = "sandbox", help = "Start, stop or show a throw-away PostgreSQL." },
  { name = "schema", help = "Print the DDL of the schema opsh that the ledger lives in." },
  { name = "test", help = "Run tests written in Lua." },
}

local function command_named(word)
  for _, command in ipairs(commands) do
    if command.name == word then return command end
  end
end

local function overview()
  local lines = { lang.text("commands:") }
  for _, command in ipairs(commands) do
    lines[#lines + 1] = ("  %s  %s"):format(text.pad_right(command.name, 8), lang.text(command.help))
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = lang.text(
    "opsh RUNBOOK plans and changes nothing; opsh RUNBOOK --simulate does it all in one transaction\n"
      .. "and rolls it back; opsh RUNBOOK --rehearse does and undoes it all in a restored backup;\n"
      .. "opsh RUNBOOK --apply does what was planned.\n"
      .. "opsh RUNBOOK --help shows the runbook's own parameters."
  )
  return table.concat(lines, "\n")
end

local function first_stage()
  return {
    program = "opsh",
    description = "An operations shell for PostgreSQL: plan, apply and prove changes to production data.",
    options = options.join({ options.evaluate, options.command }, options.declared, options.host, { options.version }),
    positionals = { { name = "RUNBOOK | COMMAND", help = "A runbook's file, or one of the commands below." } },
    footer = overview(),
    stop_at_first_word = true,
    later = options.names(options.ladder),
  }
end

-- `opsh rums`: the person meant a command.
local function unknown_word(word)
  local names = {}
  for at, command in ipairs(commands) do
    names[at] = command.name
  end
  local meant = text.nearest(word, names)
  errors.raise(
    "usage.command",
    ("there is no command %s, and no file of this name"):format(word),
    meant and ("did you mean opsh %s?"):format(meant) or "a runbook is given by its path, as in scripts/backfill.lua"
  )
end

local function dispatch(arguments)
  lang.choose(arguments)
  local line = first_stage()
  local given = cli.parse(line, arguments)
  limits.set(given.values)
  if given.values.version then
    system.write_out(("opsh %s\n"):format(host.version()))
    return 0
  end
  if (given.values.evaluate or given.values.command) and not given.values.help then
    return require("opsh.host.commands.evaluate")(given.values, given.rest)
  end
  local word = given.rest[1]
  if not word and given.values.help then
    system.write_out(cli.help(lang.help(line), math.min(system.terminal(1).columns, 100)))
    return 0
  end
  if not word then return require("opsh.host.commands.repl")(given.values, {}) end
  local rest = { unpack(given.rest, 2) }
  local command = command_named(word)
  if command then return require("opsh.host.commands." .. command.name)(given.values, rest) end
  if not word:find("[/.]") and not system.file_kind(word) then
    word = require("opsh.host.config").find_runbook(word) or unknown_word(word)
  end
  return require("opsh.host.commands.run")(given.values, word, rest)
end

--- The flags that an error is shown by: they may stand anywhere, and be what is wrong.
local function flags(arguments)
  local given = {}
  for _, argument in ipairs(arguments) do
    if argument == "--" then break end
    if argument == "--json" or argument == "--no-color" or argument == "--error-detail" then
      given[argument:sub(3)] = true
    end
  end
  return given
end

---@param arguments string[]
---@return integer exit status
return function(arguments)
  local ok, status = host.protect(dispatch, arguments)
  if ok then return status end
  local err = status
  local code = errors.exit_code(err)
  local shown = host.protect(require("opsh.host.present.failure").show, err, code, flags(arguments))
  if not shown then system.write_error(("opsh: %s\n"):format(err.message)) end
  return code
end
