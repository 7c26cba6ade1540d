--- `opsh sandbox start|stop|status|psql|clean`: a throw-away PostgreSQL that outlives the command.
local arguments = require("opsh.host.commands.arguments")
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local lang = require("opsh.host.lang")
local options = require("opsh.host.options")
local report = require("opsh.native.report")
local sandbox = require("opsh.native.sandbox")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local usual_hint = "opsh sandbox start"

local function show(out, running, given)
  if given.conninfo then return out.text(running.conninfo .. "\n") end
  local size = sandbox.size_on_disk(running.directory)
  if out.json then
    return out.document({
      conninfo = running.conninfo,
      version = running.version,
      pid = running.pid,
      started = running.started,
      age_seconds = running.age,
      directory = running.directory,
      size_bytes = size,
      loaded = running.loaded,
    })
  end
  local lines = {
    { "conninfo", running.conninfo },
    { "version", running.version },
    { "pid", ("%d"):format(running.pid) },
    { "started", lang.format("%s, %s ago", running.started, report.duration(running.age)) },
    { "directory", running.directory },
    { "size", report.bytes(size) },
    { "loaded", running.loaded or lang.text("nothing") },
  }
  local names = {}
  for at, line in ipairs(lines) do
    names[at] = line[1]
  end
  for _, line in ipairs(lines) do
    out.text(("%s  %s\n"):format(text.pad_right(lang.text(line[1]), lang.widest(names, 9)), text.printable(line[2])))
  end
end

local actions = {}

actions.start = { load = true, durable = true, conninfo = true }

function actions.start.run(out, state, given)
  local running = sandbox.start_detached({
    load = given.load and given.load[1],
    durable = given.durable ~= nil,
    state_directory = state,
  })
  out.say("a sandbox is running; opsh --sandbox uses it, opsh sandbox stop ends it")
  show(out, running, given)
  return 0
end

actions.status = { conninfo = true }

function actions.status.run(out, state, given)
  local running = sandbox.find(state)
  if not running then errors.raise("sandbox.none", "no sandbox is running here", usual_hint) end
  show(out, running, given)
  return 0
end

actions.stop = {}

function actions.stop.run(out, state)
  local stopped = sandbox.stop(state)
  if out.json then out.document({ stopped = stopped }) end
  out.say(stopped and "the sandbox is stopped and gone" or "no sandbox is running here")
  return 0
end

actions.clean = {}

function actions.clean.run(out)
  local templates, bytes = sandbox.clear_cache()
  if out.json then
    out.document({ templates = templates, freed_bytes = bytes })
  else
    out.text(lang.format("removed %s, %s\n", lang.counted(templates, "template"), report.bytes(bytes)))
  end
  return 0
end

actions.psql = { load = true, words = true }

--- psql on the running sandbox, else on a new one that ends with psql.
function actions.psql.run(out, state, given, words)
  if out.json then errors.raise("usage.option", "what psql prints is not one JSON document", "leave --json out") end
  local running = not given.load and sandbox.find(state)
  if running then return sandbox.psql(running.conninfo, running.binaries, words) end
  local server = sandbox.start({ load = given.load and given.load[1] })
  local ok, status = host.protect(sandbox.psql, server:conninfo(), server:binaries(), words)
  server:stop()
  if not ok then error(status, 0) end
  return status
end

local names = { "start", "stop", "status", "psql", "clean" }

local own_options = {
  { name = "load", value = "FILE.sql", help = "Load this file with psql after the start (start, psql)." },
  { name = "durable", help = "Start it with fsync and full_page_writes, as in production (start)." },
  { name = "conninfo", help = "Print the connection string only (start, status)." },
}

local function action_named(name)
  if actions[name] then return actions[name] end
  local meant = text.nearest(name, names)
  errors.raise(
    "usage.command",
    ("opsh sandbox knows no %s"):format(name),
    meant and ("did you mean %s?"):format(meant) or errors.either(names)
  )
end

local function check_given(action, name, given, words)
  for _, option in ipairs(own_options) do
    if given[option.name] and not action[option.name] then
      errors.raise(
        "usage.option",
        ("opsh sandbox %s takes no --%s"):format(name, option.name),
        "opsh sandbox --help shows what it takes"
      )
    end
  end
  if #words > 0 and not action.words then
    errors.raise("usage.word", ("opsh sandbox %s takes no %q"):format(name, words[1]), "leave it out")
  end
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh sandbox",
    description = "A throw-away PostgreSQL for trying things. It is gone without a trace after stop; psql opens one for"
      .. " itself when none is running, and clean removes the templates that starts are copied from.",
    options = options.join(own_options, options.plain()),
    positionals = {
      { name = "ACTION", help = errors.either(names) .. ".", required = true },
      { name = "ARGUMENT", help = "Behind psql and --: arguments of psql.", list = true },
    },
  })
  if not given then return 0 end
  local name = table.remove(words, 1)
  local action = action_named(name)
  check_given(action, name, given, words)
  local _, folder = config.load()
  return action.run(screen.open(given), workplace.state_directory(folder), given, words)
end
