--- The commands of the prompt: what begins with a backslash. Each is a module of `lua/repl/meta`:
---
---     { name = "timing", arguments = "[on|off]", help = "show how long each statement takes",
---       run = function(bench, rest, word) ... end, complete = function(bench, rest) ... end }
---
--- `rest` is what stands behind the word. `run` returns "quit" when the prompt is to end. `complete`, which may be
--- missing, gives the words that may follow.
local errors = require("opsh.host.errors")
local text = require("opsh.native.text")

local M = {}

-- In the order of \?. The module's name is a command, and so are the others beside it.
local list = {
  { "help", "?" },
  { "quit", "q" },
  { "describe", "d", "l", "list", "sf", "sv", "z", "h" },
  { "connect", "c" },
  { "conninfo" },
  { "reconnect" },
  { "refresh" },
  { "expanded", "x" },
  { "timing" },
  { "more" },
  { "watch" },
  { "errverbose" },
  { "edit", "e" },
  { "include", "i" },
  { "history", "s" },
  { "out", "o" },
  { "copy" },
  { "write" },
  { "commit" },
  { "rollback" },
  { "safe" },
  { "load" },
  { "apply" },
  { "suspects" },
  { "why" },
  { "profile" },
  { "orphans" },
  { "dups" },
  { "diff" },
  { "runs" },
  { "show" },
  { "undo" },
  { "save" },
}

-- psql's \d... in its own spelling; S adds what belongs to the system, + says more.
local described = {}
for word in
  ([[da dA dAc dAf dAo dAp db dc dconfig dC dd dD ddp dE des det deu dew df dF dFd dFp dFt dg di dl dL dm dn do dO dp
     dP dPi dPt dPn drds drg dRp dRs ds dt dT du dv dx dX dy]]):gmatch("%a+")
do
  described[word] = true
end

--- Whether psql describes something by this word: \dt+, \dtv, \dfnS.
local function is_described(word)
  local bare = word:match("^(%a+)[S+]*$") or ""
  return described[bare] or bare:find("^d[Eimstv]+$") ~= nil or bare:find("^df[anptw]+$") ~= nil or bare == "dS"
end

local function module_of(word)
  local bare = word:match("^(%a+)%+$")
  for _, names in ipairs(list) do
    for _, name in ipairs(names) do
      if name == word or (names[1] == "describe" and name == bare) then return names[1] end
    end
  end
  return is_described(word) and "describe" or nil
end

--- The command that a word stands for, or nil.
---@param word string what stands behind the backslash
---@return table|nil
function M.named(word)
  local module = module_of(word)
  return module and require("opsh.host.repl.meta." .. module)
end

--- All of them, in the order of the help.
---@return table[]
function M.all()
  local all = {}
  for at, names in ipairs(list) do
    all[at] = require("opsh.host.repl.meta." .. names[1])
  end
  return all
end

--- The words that stand for commands.
---@return string[]
function M.words()
  local words = {}
  for _, names in ipairs(list) do
    for _, name in ipairs(names) do
      words[#words + 1] = name
    end
  end
  for word in pairs(described) do
    words[#words + 1] = word
  end
  table.sort(words)
  return words
end

--- The word that was meant: the only one that begins so, else one that is spelt almost so.
local function meant_by(word)
  local beginning = {}
  for _, known in ipairs(M.words()) do
    if known:sub(1, #word) == word then beginning[#beginning + 1] = known end
  end
  return #beginning == 1 and beginning[1] or text.nearest(word, M.words())
end

-- Another database, another session or another runbook than the one that a transaction began with.
local leads_away = { c = true, reconnect = true, load = true, apply = true }

--- Runs one; returns "quit" when the prompt is to end.
---@param bench table of workbench.open
---@param chunk { word: string, rest: string } of language.read
---@return string|nil
function M.run(bench, chunk)
  local command = M.named(chunk.word)
  if not command then
    local meant = meant_by(chunk.word)
    errors.raise(
      "usage.command",
      ("there is no command \\%s"):format(text.printable(chunk.word)),
      meant and ("did you mean \\%s?"):format(meant) or "\\? lists the commands, \\q quits"
    )
  end
  if bench.writing and leads_away[command.name] then
    errors.raise(
      "usage.command",
      ("\\%s would leave the transaction that is open"):format(command.name),
      "\\commit keeps it, \\rollback takes it back"
    )
  end
  return command.run(bench, chunk.rest, chunk.word)
end

return M
