--- The prompt: asks for lines on the terminal, runs what is whole, shows errors, and goes on.
local commands = require("opsh.host.repl.commands")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local input = require("opsh.native.input")
local language = require("opsh.host.repl.language")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local workbench = require("opsh.host.repl.workbench")

local M = {}

--- As every signal that ends opsh.
local exit_when_told = 130

--- An editor with the history of this place; without a directory to write in, with none.
local function open_editor(state)
  host.attempt(system.make_directory, state)
  return input.editor(state .. "/history")
end

local function show_failure(err, given)
  local shown = host.chunk(require("opsh.host.present.failure").show, err, errors.exit_code(err), given)
  if not shown then system.write_error(("error: %s\n"):format(err.message)) end
end

--- Runs a chunk that is whole; "quit" when it asks for the end.
local function run(bench, chunk, place)
  if chunk.kind == "command" then return commands.run(chunk.word, bench.out) end
  bench.run(chunk, place)
end

--- What was typed is whole, or wrong: runs it, and ends the transaction that it was seen in.
local function finish(bench, chunk, place)
  local ok, result = host.chunk(run, bench, chunk, place)
  if not ok then show_failure(result, bench.given) end
  host.chunk(bench.session.rest, bench.session)
  return ok and result
end

--- Asks until the person has enough; returns the exit status.
local function converse(bench, editor, database)
  local typed, place = nil, { name = "prompt", line = 1 }
  while true do
    local asked, line = editor:ask(database .. (typed and "-> " or "=> "))
    if asked == "told to end" then return exit_when_told end
    if asked == "end" then return 0 end
    if asked == "interrupted" then
      system.write_out("\n")
      typed = nil
    else
      typed = typed and typed .. "\n" .. line or line
      local ok, chunk = host.chunk(language.read, typed, bench.env, place)
      if not ok or chunk then
        editor:remember(typed)
        if not ok then show_failure(chunk, bench.given) end
        if ok and finish(bench, chunk, place) == "quit" then return 0 end
        place.line = place.line + 1 + select(2, typed:gsub("\n", ""))
        typed = nil
      end
    end
  end
end

--- Connects, and shows the prompt until it is left.
---@param given table<string, string[]> host options
---@param bring? function of workbench.open
---@return integer exit status
function M.run(given, bring)
  if given.json then
    errors.raise(
      "usage.option",
      "the prompt prints no JSON",
      "use opsh --json -e CHUNK, or give it chunks as its input"
    )
  end
  local bench = workbench.open(given, bring)
  local ok, result = host.protect(function()
    local place = bench.session:place()
    local database = bench.session:reader():read("select pg_catalog.current_database()::text as name")[1].name
    bench.session:rest()
    if not bench.out.quiet then
      local target = text.printable(place.target.described)
      system.write_error(("opsh %s, %s, read only; \\? for help, \\q to quit\n"):format(host.version(), target))
    end
    local editor = open_editor(place.state)
    host.idle()
    return converse(bench, editor, text.printable(database))
  end)
  bench.session:close()
  if not ok then error(result, 0) end
  return result
end

return M
