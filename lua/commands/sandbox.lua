--- `opsh sandbox start|stop|status`: a throw-away PostgreSQL that outlives the command.
local arguments = require("opsh.host.commands.arguments")
local errors = require("opsh.host.errors")
local options = require("opsh.host.options")
local sandbox = require("opsh.native.sandbox")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")
local config = require("opsh.host.config")

local function facts(out, running)
  if out.json then return out.document(running) end
  out.text(
    ("conninfo   %s\npid        %d\nstarted    %s\ndirectory  %s\n"):format(
      running.conninfo,
      running.pid,
      running.started,
      running.directory
    )
  )
end

local actions = {}

function actions.start(out, state, given)
  local running = sandbox.start_detached({ load = given.load and given.load[1], state_directory = state })
  out.say("a sandbox is running; opsh --sandbox uses it, opsh sandbox stop ends it")
  if given.conninfo then return out.text(running.conninfo .. "\n") end
  facts(out, running)
end

function actions.status(out, state, given)
  local running = sandbox.find(state)
  if not running then errors.raise("sandbox.none", "no sandbox is running here", "opsh sandbox start") end
  if given.conninfo then return out.text(running.conninfo .. "\n") end
  facts(out, running)
end

function actions.stop(out, state)
  if not sandbox.stop(state) then
    out.say("no sandbox is running here")
    return
  end
  out.say("the sandbox is stopped and gone")
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh sandbox",
    description = "A throw-away PostgreSQL for trying things. It is gone without a trace after stop.",
    options = options.join({
      { name = "load", value = "FILE.sql", help = "Load this file with psql after the start." },
      { name = "conninfo", help = "Print the connection string only." },
    }, options.plain()),
    positionals = { { name = "ACTION", help = "start, stop or status.", required = true } },
  })
  if not given then return 0 end
  local action = actions[words[1]]
  if not action then
    local meant = text.nearest(words[1], { "start", "stop", "status" })
    errors.raise(
      "usage.command",
      ("opsh sandbox knows no %s"):format(words[1]),
      meant and ("did you mean %s?"):format(meant) or "start, stop or status"
    )
  end
  local _, folder = config.load()
  action(screen.open(given), workplace.state_directory(folder), given)
  return 0
end
