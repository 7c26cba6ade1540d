local errors = require("opsh.host.errors")
local words = require("opsh.host.repl.words")

return {
  name = "commit",
  help = "asks with the counts, proves and commits the transaction of \\write",
  run = function(bench, rest)
    words.at_most(rest, 0)
    if not bench.writing then errors.raise("usage.command", "no transaction is open", "\\write begins one") end
    bench.writing:commit()
  end,
}
