local errors = require("opsh.host.errors")
local words = require("opsh.host.repl.words")

return {
  name = "rollback",
  help = "takes back all of the transaction of \\write",
  run = function(bench, rest)
    words.at_most(rest, 0)
    if not bench.writing then errors.raise("usage.command", "no transaction is open", "\\write begins one") end
    bench.writing:give_up("rolled back by hand")
    bench.say("rolled back: nothing of it was committed")
  end,
}
