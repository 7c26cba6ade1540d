local system = require("opsh.native.system")
local text_file = require("opsh.native.text_file")
local words = require("opsh.host.repl.words")

-- As src/host/history.cpp writes them: an entry is a line.
local escapes = { n = "\n" }

local function entries(path)
  if not system.file_kind(path) then return {} end
  local found = {}
  for line in (system.read_file(path) .. "\n"):gmatch("([^\n]+)\n") do
    found[#found + 1] = line:gsub("\\(.)", function(letter) return escapes[letter] or letter end)
  end
  return found
end

return {
  name = "s",
  arguments = "[FILE]",
  help = "the history, or writes it into a file",
  run = function(bench, rest)
    local path = words.at_most(rest, 1)
    local found = entries(bench.session:place().state .. "/history")
    if #found == 0 then return bench.say("there is no history yet") end
    local all = table.concat(found, "\n") .. "\n"
    if not path then return bench.print(all) end
    local file = text_file.create(path)
    file:write(all)
    file:publish()
    bench.say(("wrote %d entries into %s"):format(#found, path))
  end,
}
