--- Chunks that come without a person: of -e and -c, of a file, and of standard input that is no terminal.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local input = require("opsh.native.input")
local language = require("opsh.host.repl.language")
local workbench = require("opsh.host.repl.workbench")

local M = {}

--- An end without \commit keeps nothing, and is no success.
local function require_ended(bench)
  if not bench.abandon("the input ended") then return end
  errors.raise(
    "refused.transaction",
    "the input ended with a transaction open: it was rolled back, and nothing was written",
    "end it with \\commit, or with \\rollback"
  )
end

--- Runs work on a workbench, up to the first error, and closes the session whatever happens.
---@param work fun(bench: table)
---@return integer exit status
local function with(given, brought, work)
  local bench = workbench.open(given, brought)
  bench.ends_with_errors = true
  local ok, err = host.protect(function()
    work(bench)
    require_ended(bench)
  end)
  local proved, doubt = host.attempt(bench.session.rest, bench.session)
  if not proved then
    ok, err = false, doubt
  end
  if ok and bench.out.json then bench.document() end
  bench.close()
  if not ok then error(err, 0) end
  return 0
end

--- Runs the chunks that lines make, each as soon as it is whole, up to the first error; "quit" when one asks for it.
---@param bench table of workbench.open
---@param lines fun(): string|nil
---@param name string for messages
---@return string|nil
function M.feed(bench, lines, name)
  local number, text, place = 0, nil, nil
  local function run()
    local chunk = language.read(text, bench.env, place)
    if not chunk then return false end
    text = nil
    local result = bench.perform(chunk, place)
    -- The chunk is over, and its snapshot with it.
    bench.session:rest()
    return true, result
  end
  for line in lines do
    number = number + 1
    place = text and place or { name = name, line = number }
    text = text and text .. "\n" .. line or line
    local _, result = run()
    if result == "quit" then return result end
  end
  if not text then return nil end
  place.is_last = true
  return select(2, run())
end

--- Texts that are a chunk each: Lua or SQL those of -e, SQL or a command those of -c.
---@param given table<string, string[]> host options
---@param texts string[]
---@param option string "-e" or "-c"
---@return integer exit status
function M.texts(given, texts, option)
  return with(given, nil, function(bench)
    for at, text in ipairs(texts) do
      local place = { name = #texts == 1 and option or ("%s %d"):format(option, at), line = 1, is_last = true }
      local chunk = option == "-c" and language.read_sql(text) or language.read(text, bench.env, place)
      if at > 1 then bench.session:rest() end
      if bench.perform(chunk, place) == "quit" then return end
    end
  end)
end

--- Chunks from standard input to its end, each run as soon as it is whole.
---@param given table<string, string[]> host options
---@param brought? table of workbench.open
---@return integer exit status
function M.input(given, brought)
  return with(given, brought, function(bench) M.feed(bench, input.line, "stdin") end)
end

return M
