--- The script of a run that was started before: the very one, or none.
local errors = require("opsh.host.errors")

local M = {}

--- Loads it, and refuses one that has changed, or a module of it.
---@param record table of the run (ledger.run)
---@param load fun(path: string): table the runbook of a path
---@return table runbook
function M.load(record, load)
  local runbook = load(record.runbook)
  for path, sha256 in pairs(record.sources) do
    if runbook.sources[path] ~= sha256 then
      errors.raise(
        "refused.script",
        ("%s has changed since run %s was started"):format(path, record.id),
        "put back the version that the run was started with, or plan and apply anew"
      )
    end
  end
  for path in pairs(runbook.sources) do
    if not record.sources[path] then
      errors.raise(
        "refused.script",
        ("%s was not part of run %s"):format(path, record.id),
        "put back the version that the run was started with"
      )
    end
  end
  return runbook
end

return M
