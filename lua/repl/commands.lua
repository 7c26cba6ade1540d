--- The commands of the prompt: what begins with a backslash.
local errors = require("opsh.host.errors")

local M = {}

local help = [[
Lua              1 + 1, x = value("select ..."), for row in rows("select ...") do ... end
= expression     shows the value of a Lua expression
SQL;             a statement that reads, ended by a semicolon
query one first value rows
                 the queries of a runbook: query("select ... where id = :id", { id = 7 })
_                the last result
print            writes to standard output
opsh, require    what a runbook requires
\?               this help
\q               quit, as Ctrl-D does

A name stays when it is assigned without local; a local is gone after its line. What is not whole goes on in the
next line. Each chunk sees one snapshot, which ends with it. Ctrl-C drops what is typed, or stops what runs.
With a runbook: runbook, params, ctx, and plan("step") for the rows of a step's plan.
]]

local actions = {
  q = function() return "quit" end,
  ["?"] = function(out) out.text(help) end,
}

--- Runs one; returns "quit" when the prompt is to end.
---@param word string what stands behind the backslash
---@param out table of screen.open
---@return string|nil
function M.run(word, out)
  local action = actions[word]
  if not action then
    errors.raise("usage.command", ("there is no command \\%s"):format(word), "\\? lists the commands, \\q quits")
  end
  return action(out)
end

return M
