local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local rows_text = require("opsh.host.repl.rows_text")
local runs = require("opsh.host.repl.investigate.runs")
local words = require("opsh.host.repl.words")

return {
  name = "show",
  arguments = "RUN",
  help = "a run of opsh: its steps and the rows that it changed, as they were before and after",
  run = function(bench, rest)
    local id = words.at_most(rest, 1)
    if not id then errors.raise("usage.word", "\\show wants a run", "\\runs lists them") end
    local rows, about = runs.one(bench, id)
    local changes = #rows == 0 and "\nno row was changed\n"
      or findings.section(bench, "changes", rows) .. rows_text.footer(rows) .. "\n"
    findings.give(bench, rows, about .. changes)
  end,
}
