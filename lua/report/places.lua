--- Where reports are: in the folder of what they are about, beside its audit log and what was shown of it.
local errors = require("opsh.host.errors")
local system = require("opsh.native.system")

local M = {}

-- Folders of the state folder, and what a folder in them is of; ids differ in all of them.
local kinds = { "runs", "plans", "rehearsals", "verifications" }

--- The folder of a run, a plan, a rehearsal or a verification.
---@param kind "runs"|"plans"|"rehearsals"|"verifications"
---@return { kind: string, id: string, directory: string }
function M.at(state, kind, id) return { kind = kind, id = id, directory = ("%s/%s/%s"):format(state, kind, id) } end

--- The document of --json, kept at the end of a rung: what a report has of the program's own figures.
function M.shown(directory) return directory .. "/shown.json" end

--- The one in this state folder whose id is this or begins with it; nil when there is none.
---@return { kind: string, id: string, directory: string }|nil
function M.named(state, given)
  if given == "" then errors.raise("usage.run", "RUN is empty", "opsh runs and opsh plans list them") end
  local found = {}
  for _, kind in ipairs(kinds) do
    local folder = ("%s/%s"):format(state, kind)
    for _, id in ipairs(system.file_kind(folder) == "directory" and system.list(folder) or {}) do
      if id == given then return M.at(state, kind, id) end
      if id:sub(1, #given) == given then found[#found + 1] = M.at(state, kind, id) end
    end
  end
  if #found < 2 then return found[1] end
  errors.raise("usage.run", ("%d runs begin with %s"):format(#found, given), "write more of the id")
end

return M
