local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local profile = require("opsh.host.repl.investigate.profile")
local relations = require("opsh.host.repl.investigate.relation")

return {
  name = "profile",
  arguments = "TABLE [where CONDITION]",
  help = "what stands in its columns: NULLs, distinct values, extremes, the most frequent, the distribution",
  run = function(bench, rest)
    local name, behind = relations.split(rest)
    local condition = (behind or ""):match("^[wW][hH][eE][rR][eE]%s+(.+)$")
    if not name or (behind ~= "" and not condition) then
      errors.raise("usage.command", "\\profile wants a table", "\\profile TABLE, or \\profile TABLE where ...")
    end
    local relation = relations.named(bench, name)
    local rows, about = profile.of(bench, relation, (condition or ""):gsub(";%s*$", ""))
    findings.give(bench, rows, ("%s: %s\n%s"):format(bench.out.strong(relation.sql), about, (bench.display:rows(rows))))
  end,
}
