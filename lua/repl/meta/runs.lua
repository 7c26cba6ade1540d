local errors = require("opsh.host.errors")
local runs = require("opsh.host.repl.investigate.runs")
local words = require("opsh.host.repl.words")

return {
  name = "runs",
  arguments = "[COUNT]",
  help = "the newest runs of opsh in this database",
  run = function(bench, rest)
    local word = words.at_most(rest, 1)
    local most = tonumber(word or 20)
    if not most or most < 1 or most ~= math.floor(most) then
      errors.raise("usage.value", ("\\runs takes no %s"):format(word), "\\runs 50")
    end
    local found = runs.newest(bench, most)
    if #found == 0 then return bench.say("no runs in this database") end
    bench.show(found)
  end,
}
