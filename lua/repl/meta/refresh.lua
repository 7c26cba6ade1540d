local words = require("opsh.host.repl.words")

return {
  name = "refresh",
  help = "reads the names of tables, columns and functions anew, for Tab",
  run = function(bench, rest)
    words.at_most(rest, 0)
    if bench.refresh then bench.refresh() end
  end,
}
