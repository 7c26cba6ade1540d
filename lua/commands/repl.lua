--- `opsh` without a word, and `opsh repl [RUNBOOK]`: the prompt; without a terminal, chunks from standard input.
local arguments = require("opsh.host.commands.arguments")
local cli = require("opsh.native.cli")
local options = require("opsh.host.options")
local system = require("opsh.native.system")

local function start(given, brought)
  if system.terminal(0).terminal and system.terminal(1).terminal then
    return require("opsh.host.repl.prompt").run(given, brought)
  end
  return require("opsh.host.repl.chunks").input(given, brought)
end

local function with_runbook(before, word, rest)
  local config = require("opsh.host.config")
  local path = not word:find("[/.]") and not system.file_kind(word) and config.find_runbook(word) or word
  local params = require("opsh.host.runbook.params")
  local runbook = require("opsh.host.runbook.load").load(path, options.taken())
  local given = arguments.read(before, rest, {
    program = "opsh repl " .. path,
    description = runbook.title,
    options = options.join(params.options(runbook.params), options.declared, options.host),
  })
  if not given then return 0 end
  return start(given, require("opsh.host.repl.brought.runbook").open(path, given, runbook))
end

return function(before, rest)
  local line = {
    program = "opsh repl",
    description = "Reads Lua and SQL line by line, on a session that only reads. With a RUNBOOK: its params, and the "
      .. "rows of its plans.",
    options = options.join(options.declared, options.host),
    positionals = { { name = "RUNBOOK", help = "A runbook's file, and behind it its parameters." } },
    stop_at_first_word = true,
  }
  local behind = cli.parse(line, rest).rest
  local given = arguments.read(before, { unpack(rest, 1, #rest - #behind) }, line)
  if not given then return 0 end
  if behind[1] then return with_runbook(given, behind[1], { unpack(behind, 2) }) end
  return start(given)
end
