--- Foreign keys without an index that a plan tells of: each row that a batch deletes makes the server read the whole
--- table that refers to it.
local foreign_keys = require("opsh.host.foreign_keys")
local system = require("opsh.native.system")

local M = {}

--- Whether the script or a module of it has the word. What they do is not known here; without it they delete nothing.
local function says_delete(runbook)
  for path in pairs(runbook.sources) do
    if system.read_file(path):lower():find("%f[%w_]delete%f[^%w_]") then return true end
  end
  return false
end

local function oids_of(job, session)
  local names = {}
  for _, step in ipairs(job.steps) do
    for _, written in ipairs(step.kind == "items" and not step.schema and step.writes or {}) do
      names[#names + 1] = written.name
    end
  end
  local oids = {}
  -- A table that a schema step has yet to make is not there.
  local found = #names == 0 and {} or session:read(
    [[
    select distinct pg_catalog.to_regclass(w.name)::pg_catalog.oid::pg_catalog.text as oid
    from pg_catalog.unnest($1::pg_catalog.text[]) as w (name) where pg_catalog.to_regclass(w.name) is not null]],
    { n = 1, names }
  )
  for at, row in ipairs(found) do
    oids[at] = row.oid
  end
  return oids
end

--- Those of large tables that point to what the steps write.
---@param job table
---@param session userdata that plans
---@return opsh.ForeignKey[]
function M.keys(job, session)
  local list = {}
  if not says_delete(job.runbook) then return list end
  for _, key in ipairs(foreign_keys.to(session, oids_of(job, session))) do
    if not key.is_indexed and key.is_large then list[#list + 1] = key end
  end
  return list
end

return M
