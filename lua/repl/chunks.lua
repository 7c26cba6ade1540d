--- Chunks that come without a person: of -e, and of standard input that is no terminal.
local commands = require("opsh.host.repl.commands")
local host = require("opsh.native.host")
local input = require("opsh.native.input")
local language = require("opsh.host.repl.language")
local workbench = require("opsh.host.repl.workbench")

local M = {}

--- Runs work that hands over chunks, up to the first error, and closes the session whatever happens.
---@param work fun(run: fun(text: string, place: table): string|nil)
---@return integer exit status
local function with(given, bring, work)
  local bench = workbench.open(given, bring)
  local fresh = true
  --- "more" when the text is not whole, "quit" when it asks for the end.
  local function run(text, place)
    local chunk = language.read(text, bench.env, place)
    if not chunk then return "more" end
    -- The chunk before this one is over, and its snapshot with it.
    if not fresh then bench.session:rest() end
    fresh = false
    if chunk.kind == "command" then return commands.run(chunk.word, bench.out) end
    bench.run(chunk, place)
  end
  local ok, err = host.protect(work, run)
  local proved, doubt = host.attempt(bench.session.rest, bench.session)
  if not proved then
    ok, err = false, doubt
  end
  if ok and bench.out.json then bench.document() end
  bench.session:close()
  if not ok then error(err, 0) end
  return 0
end

--- Texts that are a chunk each: those of -e.
---@param given table<string, string[]> host options
---@param texts string[]
---@return integer exit status
function M.texts(given, texts)
  return with(given, nil, function(run)
    for at, text in ipairs(texts) do
      run(text, { name = #texts == 1 and "-e" or ("-e %d"):format(at), line = 1, is_last = true })
    end
  end)
end

--- Chunks from standard input to its end, each run as soon as it is whole.
---@param given table<string, string[]> host options
---@param bring? function of workbench.open
---@return integer exit status
function M.input(given, bring)
  return with(given, bring, function(run)
    local number, text, place = 0, nil, nil
    for line in input.line do
      number = number + 1
      place = text and place or { name = "stdin", line = number }
      text = text and text .. "\n" .. line or line
      local result = run(text, place)
      if result == "quit" then return end
      if result ~= "more" then text = nil end
    end
    if not text then return end
    place.is_last = true
    run(text, place)
  end)
end

return M
