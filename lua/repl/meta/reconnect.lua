local words = require("opsh.host.repl.words")

return {
  name = "reconnect",
  help = "connects anew; values are kept",
  run = function(bench, rest)
    words.at_most(rest, 0)
    bench.session:reconnect()
    bench.say("connected; the values of Lua are kept")
  end,
}
