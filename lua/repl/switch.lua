--- Settings that a command of the prompt turns.
local errors = require("opsh.host.errors")
local text = require("opsh.native.text")
local words = require("opsh.host.repl.words")

local M = {}

local meanings = { on = true, off = false }

--- What a setting is after a command: what its word says, else the other way round.
---@param rest string behind the command
---@param now any
---@param known string[] the words that it takes
---@param turned table<any, any> what it becomes without a word
---@return any
function M.turned(rest, now, known, turned)
  local word = words.at_most(rest, 1)
  if not word then return turned[now] end
  for _, name in ipairs(known) do
    if name == word:lower() then
      if meanings[name] ~= nil then return meanings[name] end
      return name
    end
  end
  local said = ("%s is neither %s"):format(text.printable(word), table.concat(known, " nor "))
  errors.raise("usage.value", said, "leave it out to turn it")
end

return M
