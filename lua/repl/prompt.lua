--- The prompt: asks for lines on the terminal, runs what is whole, shows errors, and goes on.
local completion = require("opsh.host.repl.completion")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local input = require("opsh.native.input")
local language = require("opsh.host.repl.language")
local prompt_line = require("opsh.host.repl.prompt_line")
local screen = require("opsh.host.present.screen")
local secrecy = require("opsh.host.repl.secrecy")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local waiting = require("opsh.host.repl.writing.waiting")
local workbench = require("opsh.host.repl.workbench")
local workplace = require("opsh.host.workplace")

local M = {}

--- As every signal that ends opsh.
local exit_when_told = 130

--- An editor with the history of this place; without a directory to write in, with none.
local function open_editor(bench, state)
  host.attempt(system.make_directory, state)
  return input.editor(state .. "/history", screen.colored(bench.given, true))
end

local function show_failure(err, given)
  local shown = host.chunk(require("opsh.host.present.failure").show, err, errors.exit_code(err), given)
  if not shown then system.write_error(("error: %s\n"):format(err.message)) end
end

--- Shows an error, and keeps it for \errverbose.
local function failed(bench, err)
  bench.last_error = err
  show_failure(err, bench.given)
end

--- What was typed is whole, or wrong: runs it, and ends the transaction that it was seen in.
local function finish(bench, chunk, place)
  local ok, result = host.chunk(bench.perform, chunk, place)
  if not ok then failed(bench, result) end
  host.chunk(bench.session.rest, bench.session)
  return ok and result
end

--- Keeps what was typed, unless it has a password; what cannot be kept is said once.
local function remember(bench, editor, typed)
  bench.last_text = typed
  if secrecy.has_password(typed) then
    bench.out.say("this is left out of the history: there is a password in it")
    return
  end
  editor:remember(typed)
  local trouble = editor:trouble()
  if trouble and not bench.told_of_history then
    bench.told_of_history = true
    bench.out.say(("the history is that of this session only: its file cannot be written (%s)"):format(trouble))
  end
end

--- What the editor is asked. `typed` is what it goes on with.
local function question(bench, typed, completer)
  local session = bench.session
  local state, writing = bench.state, bench.writing
  -- Where it is could not be asked when that was interrupted: then it is where it was.
  bench.whereabouts = session:place().whereabouts or bench.whereabouts
  local at = writing and writing:whereabouts(bench.whereabouts) or bench.whereabouts
  local asked = prompt_line.of(at, {
    mode = state.mode,
    transaction = state.transaction,
    lost = session.was_lost,
  }, system.terminal(1).columns)
  asked.text = typed
  asked.watched = {}
  for _, one in ipairs({ session, completer, writing }) do
    table.insert(asked.watched, one:descriptor())
  end
  asked.seconds = writing and waiting.seconds_left(writing)
  return asked
end

--- The server said something on its own, or is gone.
local function listen(bench, editor)
  editor:hide()
  local err = bench.session:stir()
  if err then failed(bench, err) end
  if not bench.writing then return end
  local ok, lost = host.chunk(bench.writing.stir, bench.writing)
  if not ok then failed(bench, lost) end
end

--- Nobody types while a transaction is open.
local function wait(bench, editor)
  editor:hide()
  local ok, err = host.chunk(waiting.look, bench.writing)
  if not ok then failed(bench, err) end
end

--- Whether the person may leave: an open transaction asks.
local function may_leave(bench)
  local ok, may = host.chunk(bench.may_leave)
  if ok then return may end
  -- Ctrl-C at the question.
  return may.kind ~= "interrupted"
end

--- What the editor answered: the text that it goes on with, or nothing; and the exit status when it is over.
---@return string|nil typed
---@return integer|nil exit status
local function take(bench, editor, typed, place)
  local ok, chunk = host.chunk(language.read, typed, bench.env, place)
  if ok and not chunk then return typed .. "\n" end
  editor:leave()
  remember(bench, editor, typed)
  if not ok then
    failed(bench, chunk)
  elseif finish(bench, chunk, place) == "quit" and may_leave(bench) then
    return nil, 0
  end
  place.line = place.line + 1 + select(2, typed:gsub("\n", ""))
  -- What \e gave back is there to be looked at.
  local draft = bench.draft
  bench.draft = nil
  return draft
end

--- Asks until the person has enough; returns the exit status.
local function converse(bench, editor, completer)
  local typed, place = nil, { name = "prompt", line = 1 }
  while true do
    if not bench.session.was_lost then
      host.chunk(prompt_line.whereabouts, bench.session)
      host.chunk(completer.prepare, completer)
    end
    local asked, line, point = editor:ask(question(bench, typed, completer))
    if asked == "told to end" then return exit_when_told end
    if asked == "completion" then
      host.chunk(completer.complete, completer, editor, line, point)
    elseif asked == "stirred" then
      local _, learned = host.chunk(completer.learn, completer)
      if not learned then host.chunk(listen, bench, editor) end
    elseif asked == "waited" then
      wait(bench, editor)
    elseif asked == "interrupted" then
      typed = nil
    elseif asked == "line" then
      local status
      typed, status = take(bench, editor, line, place)
      if status then return status end
    else
      editor:leave()
      if may_leave(bench) then return 0 end
    end
  end
end

--- Connects, and shows the prompt until it is left.
---@param given table<string, string[]> host options
---@param brought? table of workbench.open
---@return integer exit status
function M.run(given, brought)
  if given.json then
    errors.raise(
      "usage.option",
      "the prompt prints no JSON",
      "use opsh --json -e CHUNK, or give it chunks as its input"
    )
  end
  local bench = workbench.open(given, brought)
  if system.terminal(2).terminal and not bench.out.quiet and system.environment("TERM") ~= "dumb" then
    bench.session.on_connect = function(reader, target) reader:show_waiting(workplace.reading(target)) end
    host.show_loops()
  end
  local ok, result = host.protect(function()
    local place = bench.session:place()
    prompt_line.whereabouts(bench.session)
    bench.session:rest()
    if not bench.out.quiet then
      local target = text.printable(place.target.described)
      system.write_error(("opsh %s, %s, read only; \\? for help, \\q to quit\n"):format(host.version(), target))
      if brought then system.write_error(brought:greeting() .. "\n") end
    end
    local editor = open_editor(bench, place.state)
    host.idle()
    bench.remember = function(entry) editor:remember(entry) end
    local completer = completion.new(bench)
    local went, status = host.attempt(converse, bench, editor, completer)
    completer:close()
    if not went then error(status, 0) end
    return status
  end)
  bench.close()
  if not ok then error(result, 0) end
  return result
end

return M
