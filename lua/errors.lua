--- Errors of the host's own, and what an error means for the exit status.
local host = require("opsh.native.host")

local M = {}

-- The design's table of exit codes, by the kind's beginning; the longest that fits decides.
local exit_codes = {
  usage = 2,
  ["sandbox.no_file"] = 2,
  script = 1,
  connect = 3,
  connection = 3,
  ["permission"] = 3,
  audit = 5,
  backup = 5,
  ["backup.tool"] = 3,
  refused = 5,
  ["sql.read_only"] = 5,
  ["sql.refused"] = 5,
  ["write.undeclared"] = 5,
  precondition = 5,
  check = 6,
  in_doubt = 7,
  manual = 4,
  interrupted = 130,
}

--- Raises an error of this kind. `where` and `excerpt` are for what has a place in a script.
function M.raise(kind, message, hint, where, excerpt) return host.raise(kind, message, hint, where, excerpt) end

--- The exit status for an error; 4 when a run was left part-way.
---@param err { kind: string, run?: string }
---@return integer
function M.exit_code(err)
  local kind = err.kind or "internal"
  if err.run and not kind:find("^in_doubt") and not kind:find("^check") then return 4 end
  while kind ~= "" do
    if exit_codes[kind] then return exit_codes[kind] end
    kind = kind:match("^(.*)%.[^.]*$") or ""
  end
  return 1
end

--- Makes any raised value the table that this module speaks of.
function M.of(value) return host.structured(value) end

--- "a, b or c"
function M.either(names)
  if #names < 2 then return names[1] or "" end
  return table.concat(names, ", ", 1, #names - 1) .. " or " .. names[#names]
end

return M
