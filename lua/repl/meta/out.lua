local errors = require("opsh.host.errors")
local words = require("opsh.host.repl.words")

return {
  name = "o",
  arguments = "[FILE]",
  help = "sends results into a file, all their rows, until the next \\o; CSV when it is called .csv",
  run = function(bench, rest)
    if rest:sub(1, 1) == "|" then
      errors.raise("usage.value", "\\o writes into no program", "write a file, or run opsh -c SQL | program")
    end
    bench.display:send_to((words.at_most(rest, 1)))
  end,
}
