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
local sql = require("opsh.native.sql")
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
---@param brought? table of brought/runbook.lua: a runbook to begin with
---@return table workbench { given, out, session, env, settings, display, bags, brought } and what it does:
--- perform(chunk, place) -> "quit" or nil, run(chunk, place), bring(brought), show(value), print(text), say(text),
--- document(), close(); `statement` is the last one of SQL, `last_error` the last error, `last_text` the last typed;
--- `ends_with_errors`: nobody types, and the first error is the end
function M.open(given, brought)
  if given.csv and given.json then
    errors.raise("usage.option", "--csv and --json exclude each other", "say once what is to be printed")
  end
  results.install()
  local out = screen.open(given)
  local harmless = system.terminal(1).terminal
  local open = session.new(given, out.say, brought and brought.planned and brought.planned.place)
  -- A wrong target is an error also of a chunk that asks nothing. A sandbox would be started for nothing.
  if not given.sandbox then open:place() end
  local bench
  local function params() return bench.brought and bench.brought:params_in_sql() or {} end
  local env = scope.new(open, {
    params = params,
    print = function(...) system.write_out(values.line(harmless, ...)) end,
  })
  local settings = { expanded = "auto", timing = false, csv = given.csv ~= nil }
  local shown = display.new(out, settings)
  local run = runner.new({
    env = env,
    session = open,
    params = params,
    mode = function() return shown:mode() end,
    writing = function() return bench.writing end,
    stream = function(statement, bindings) return shown:stream(open, statement, bindings) end,
    show = function(found, already) shown:show(found, already) end,
  })
  bench = {
    given = given,
    out = out,
    session = open,
    env = env,
    settings = settings,
    display = shown,
    bags = {},
    state = {},
    -- What transactions of this prompt wrote, oldest first.
    tried = {},
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

  --- Puts a runbook at the prompt, in the place of the one before: `rb`, its params as values for SQL, its modules.
  function bench.bring(new)
    new:settle(bench)
    bench.brought = new
    rawset(env, "rb", require("opsh.host.repl.brought.view").new(new))
  end

  --- Asks, and begins a transaction that writes; \safe drops it.
  function bench.begin_writing(how) return require("opsh.host.repl.writing.opening").begin(bench, how) end

  --- Whether the person may leave: asks about an open transaction, and takes it back.
  function bench.may_leave()
    local writing = bench.writing
    if not writing then return true end
    if not require("opsh.host.repl.writing.asking").may_leave(writing) then return false end
    bench.abandon("the prompt was left")
    return true
  end

  --- Takes an open transaction back; whether there was one.
  function bench.abandon(why)
    local writing = bench.writing
    if not writing then return false end
    writing:give_up(why)
    bench.say("the open transaction was rolled back: nothing of it was committed")
    return true
  end

  local function perform(chunk, place)
    if bench.brought then bench.brought:begin_chunk() end
    if chunk.kind == "command" then return commands.run(bench, chunk) end
    if chunk.ended_by then return ended(bench, chunk, place) end
    return bench.run(chunk, place)
  end

  --- Runs a chunk of any kind; "quit" when it asks for the end.
  function bench.perform(chunk, place)
    if bench.writing then return bench.writing:around(perform, chunk, place) end
    return perform(chunk, place)
  end

  --- Runs a statement again: { text, word }. One that reads: what is to be written again is typed again.
  function bench.run_statement(statement, place)
    sql.check_read(statement.text)
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

  if brought then bench.bring(brought) end

  function bench.document() shown:document() end

  function bench.close()
    -- Also when a signal ends it.
    host.shielded(bench.abandon, "the prompt ended")
    shown:close()
    open:close()
  end
  return bench
end

return M
