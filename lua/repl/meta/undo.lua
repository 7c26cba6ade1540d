local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local runs = require("opsh.host.repl.investigate.runs")
local words = require("opsh.host.repl.words")

return {
  name = "undo",
  arguments = "RUN",
  help = "what it would take to take a run back: changes nothing, and says the command that does",
  run = function(bench, rest)
    local id = words.at_most(rest, 1)
    if not id then errors.raise("usage.word", "\\undo wants a run", "\\runs lists them") end
    findings.give(bench, runs.undo_plan(bench, id))
  end,
}
