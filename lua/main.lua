--- The program: reads the command line in two stages and hands over to a command.
local cli = require("opsh.native.cli")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local lang = require("opsh.host.lang")
local libraries = require("opsh.host.libraries")
local limits = require("opsh.host.limits")
local program = require("opsh.host.command_line.program")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

-- `opsh rums`: the person meant a command.
local function unknown_word(word)
  local names = {}
  for at, command in ipairs(program.commands) do
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
  local line = program.line()
  local given = cli.parse(line, arguments)
  limits.set(given.values)
  if given.values.version then
    local commit = host.commit()
    system.write_out(("opsh %s%s\n%s\n"):format(
      host.version(),
      commit ~= "" and (" (%s)"):format(commit) or "",
      libraries.line(libraries.used())
    ))
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
  local command = program.named(word)
  if command then return require("opsh.host.commands." .. (command.module or command.name))(given.values, rest) end
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
