--- `return runbook { ... }`: what a runbook file ends with. The host reads and checks the declaration.
local declared = {}

--- Whether a value came from `runbook { ... }`.
local M = {}
function M.declaration(value) return type(value) == "table" and declared[value] or nil end

return setmetatable(M, {
  __call = function(_, declaration)
    local handle = {}
    declared[handle] = declaration
    return handle
  end,
  __metatable = "opsh.runbook",
})
