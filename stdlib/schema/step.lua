--- What the builders of opsh.schema share: their arguments, and the step that they give.
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local sql = require("opsh.native.sql")
local text = require("opsh.native.text")

local null = json.decode("null")

local M = {}

-- Every builder takes these; they go into the step as they are.
local of_steps = { "after", "name", "verify", "tolerance", "summary", "when" }

function M.misuse(message, hint) host.raise("script.schema_step", message, hint or "see docs/runbook.md") end

--- Only these keys, and those that must be there.
---@param fields table<string, { [1]: string, required?: boolean }> types by name
function M.read(given, what, fields)
  if type(given) ~= "table" then M.misuse(("schema.%s wants a table"):format(what)) end
  local known = {}
  for name in pairs(fields) do
    known[#known + 1] = name
  end
  for _, name in ipairs(of_steps) do
    known[#known + 1] = name
  end
  table.sort(known)
  for name, value in pairs(given) do
    local field, shared = fields[name], false
    for _, other in ipairs(of_steps) do
      shared = shared or other == name
    end
    if not field and not shared then
      local meant = text.nearest(tostring(name), known)
      M.misuse(
        ("schema.%s knows no %s"):format(what, tostring(name)),
        meant and ("did you mean %s?"):format(meant) or "it knows " .. table.concat(known, ", ")
      )
    end
    if field and type(value) ~= field[1] then
      M.misuse(("schema.%s: %s must be a %s, not a %s"):format(what, name, field[1], type(value)))
    end
  end
  for name, field in pairs(fields) do
    if field.required and given[name] == nil then M.misuse(("schema.%s has no %s"):format(what, name)) end
  end
  return given
end

--- A table's name as SQL.
function M.table_name(given) return sql.qualified(given) end

function M.is_null(value) return value == nil or value == null end

--- Runs each item's column `ddl`.
function M.apply(tx, items)
  for _, item in ipairs(items) do
    tx:ddl(item.ddl)
  end
end

--- Runs each item's column `undo_ddl`, the last item first; what has none is gone with another item.
function M.undo(tx, items)
  for at = #items, 1, -1 do
    local back = items[at].undo_ddl
    if not M.is_null(back) then tx:ddl(back) end
  end
end

--- A schema step.
---@param given table what the builder got
---@param made table the fields of the step
function M.step(given, made)
  made.schema = true
  made.apply, made.undo = made.apply or M.apply, made.undo or M.undo
  for _, name in ipairs(of_steps) do
    if given[name] ~= nil then made[name] = given[name] end
  end
  return made
end

return M
