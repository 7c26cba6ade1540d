--- What chunks are run with, at the prompt and without one: output, session, globals.
local commands = require("opsh.host.repl.commands")
local display = require("opsh.host.repl.display")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local results = require("opsh.host.repl.results")
local runner = require("opsh.host.repl.runner")
local scope = require("opsh.host.repl.scope")
local screen = require("opsh.host.present.screen")
local report = require("opsh.native.report")
local session = require("opsh.host.repl.session")
local system = require("opsh.native.system")
local values = require("opsh.host.repl.values")

local M = {}

local function took(seconds)
  return seconds < 1 and ("%.1f ms"):format(seconds * 1000) or report.duration(seconds)
end

--- What may end a statement in a semicolon's place: it runs the statement, or drops it.
local endings = {}

function endings.g(bench, chunk, place) return bench.run(chunk, place) end

function endings.gx(bench, chunk, place)
  local before = bench.settings.expanded
  bench.settings.expanded = true
  local ok, err = host.attempt(bench.run, chunk, place)
  bench.settings.expanded = before
  if not ok then error(err, 0) end
end

function endings.watch(bench, chunk)
  bench.statement = chunk.statements[#chunk.statements]
  return commands.run(bench, chunk.ended_by)
end

function endings.q() return "quit" end

function endings.r() end

local function ended(bench, chunk, place)
  local word = chunk.ended_by.word
  if not endings[word] then
    errors.raise(
      "usage.command",
      ("\\%s does not stand behind a statement"):format(word),
      "end the statement with a semicolon, \\g, \\gx or \\watch; \\r drops it"
    )
  end
  return endings[word](bench, chunk, place)
end

--- Opens one; nothing is connected yet. Text is written as it comes; with --json, `document` writes what the last chunk
--- gave.
---@param given table<string, string[]> host options
---@param bring? fun(session: table): table what a runbook brings: { folder, ctx, scope, globals }
---@return table workbench { given, out, session, env, ctx, scope, settings, display, bags } and what it does:
--- perform(chunk, place) -> "quit" or nil, run(chunk, place), show(value), print(text), say(text), document(), close();
--- `statement` is the last one of SQL, `last_error` the last error, `last_text` what was typed last
function M.open(given, bring)
  if given.csv and given.json then
    errors.raise("usage.option", "--csv and --json exclude each other", "say once what is to be printed")
  end
  results.install()
  local out = screen.open(given)
  local harmless = system.terminal(1).terminal
  local open = session.new(given, out.say)
  -- A wrong target is an error also of a chunk that asks nothing. A sandbox would be started for nothing.
  if not given.sandbox then open:place() end
  local brought = bring and bring(open) or {}
  local env, ctx = scope.new(open, {
    folder = brought.folder,
    ctx = brought.ctx,
    print = function(...) system.write_out(values.line(harmless, ...)) end,
  })
  for name, value in pairs(brought.globals or {}) do
    env[name] = value
  end
  local settings = { expanded = "auto", timing = false, csv = given.csv ~= nil }
  local shown = display.new(out, settings)
  local run = runner.new({
    env = env,
    session = open,
    scope = brought.scope or {},
    mode = function() return shown:mode() end,
    stream = function(statement, bindings) return shown:stream(open, statement, bindings) end,
    show = function(found, already) shown:show(found, already) end,
  })
  local bench = {
    given = given,
    out = out,
    session = open,
    env = env,
    ctx = ctx,
    scope = brought.scope or {},
    settings = settings,
    display = shown,
    bags = {},
    say = out.say,
  }

  --- Runs Lua or SQL.
  function bench.run(chunk, place)
    local began = system.clock()
    local ok, err = host.attempt(run.run, run, chunk, place)
    if chunk.kind == "sql" then bench.statement = run.statement end
    if settings.timing then out.say("time: " .. took(system.clock() - began)) end
    if not ok then error(err, 0) end
  end

  --- Runs a chunk of any kind; "quit" when it asks for the end.
  function bench.perform(chunk, place)
    if chunk.kind == "command" then return commands.run(bench, chunk) end
    if chunk.ended_by then return ended(bench, chunk, place) end
    return bench.run(chunk, place)
  end

  --- Runs the last statement again, or another one: { text, word }.
  function bench.run_statement(statement, place)
    bench.run({ kind = "sql", statements = { statement } }, place or { name = "prompt", line = 1 })
  end

  --- Makes a value the last result.
  function bench.keep(value) run:keep(value) end

  --- Makes a value the last result and shows it.
  function bench.show(value)
    run:keep(value)
    shown:show({ n = 1, value })
  end

  --- The values that stand behind a colon in a statement.
  function bench.bindings(text) return run:bindings(text) end

  function bench.print(text) shown:print(text) end

  function bench.document() shown:document() end

  function bench.close()
    shown:close()
    open:close()
  end
  return bench
end

return M
