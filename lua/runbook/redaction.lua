--- Columns that a runbook hides, `redact = { "email" }`: their values are in the spool and the journal, and the mask
--- stands wherever they would be shown.
local json = require("opsh.native.json")
local params = require("opsh.host.runbook.params")

local M = {}

local null = json.decode("null")

--- Stands for a value, but not for NULL: that there is none is no secret.
function M.mask(value)
  if value == nil or value == null then return value end
  return params.mask
end

--- Names as a set.
---@param columns string[]|nil
---@return table<string, boolean>
function M.set(columns)
  local set = {}
  for _, name in ipairs(columns or {}) do
    set[name] = true
  end
  return set
end

--- Hides the columns in rows by name; changes them.
function M.rows(rows, columns)
  for _, row in ipairs(rows) do
    for _, name in ipairs(columns or {}) do
      if rawget(row, name) ~= nil then rawset(row, name, params.mask) end
    end
  end
end

--- Hides the columns in the sample of a plan: lists of values in the order of its columns; changes them.
function M.sample(planned, columns)
  local hidden = M.set(columns)
  for at, name in ipairs(planned.columns) do
    for _, values in ipairs(hidden[name] and planned.sample or {}) do
      values[at] = M.mask(values[at])
    end
  end
end

--- What the runbook of a run hid when it ran; of an undo, what that of the run hid which it takes back.
---@return table<string, boolean>
function M.of_run(reader, id)
  local found = reader:read(
    [[
    with recursive origin (id, undo_of) as (
      select r.id, r.undo_of from opsh.run as r where r.id = $1
      union select r.id, r.undo_of from origin as o join opsh.run as r on r.id = o.undo_of)
    select distinct c.name from origin as o join opsh.step as s on s.run = o.id
    cross join lateral pg_catalog.jsonb_array_elements_text(s.planned -> 'redact') as c (name)]],
    { n = 1, id }
  )
  local set = {}
  for _, row in ipairs(found) do
    set[row.name] = true
  end
  return set
end

--- Hides the values of conflicts about these columns; changes them.
function M.conflicts(conflicts, hidden)
  for _, conflict in ipairs(conflicts) do
    if hidden[rawget(conflict, "column") or ""] then
      for _, name in ipairs({ "old", "wrote", "found" }) do
        rawset(conflict, name, M.mask(rawget(conflict, name)))
      end
    end
  end
  return conflicts
end

return M
