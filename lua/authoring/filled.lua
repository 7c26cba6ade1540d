--- The SQL of a check as somebody can paste it: values in the place of `:name` and `$n`, as far as they are known.
local native_sql = require("opsh.native.sql")
local source = require("opsh.host.authoring.source")

local M = {}

-- The types that params have (opsh.host.runbook.params); those of text are left to the server.
local types = {
  [16] = "boolean",
  [20] = "bigint",
  [1700] = "numeric",
  [1082] = "date",
  [1000] = "boolean[]",
  [1009] = "text[]",
  [1016] = "bigint[]",
  [1231] = "numeric[]",
  [1182] = "date[]",
}

--- A param as a run binds it.
local function of_param(typed)
  local type = types[typed.oid]
  local text = typed.text and source.literal(typed.text) or "null"
  if typed.text and (typed.oid == 20 or typed.oid == 1700) and typed.text:find("^%d+%.?%d*$") then return typed.text end
  return type and text .. "::" .. type or text
end

--- A value of Lua; nothing for a list, NULL or JSON.
local function of_value(value)
  if type(value) == "string" then return source.literal(value) end
  if type(value) == "boolean" then return tostring(value) end
  if type(value) == "number" and value == value then return ("%.17g"):format(value) end
  return nil
end

---@param check table of opsh.host.authoring.told
---@param scope table<string, table> the params of SQL that have a value, by name
---@return string sql
---@return string[] open what is not known, as it stands there, each once
function M.text(check, scope)
  local parts, open, at = {}, {}, 1
  for _, placeholder in ipairs(native_sql.outline(check.sql).placeholders) do
    local ends = placeholder.at + placeholder.length
    local written = check.sql:sub(placeholder.at, ends - 1)
    local value = of_value(check.values[placeholder.name or placeholder.number])
    if not value and scope[placeholder.name] then value = of_param(scope[placeholder.name]) end
    if not value and not open[written] then
      open[written], open[#open + 1] = true, written
    end
    parts[#parts + 1] = check.sql:sub(at, placeholder.at - 1) .. (value or written)
    at = ends
  end
  return table.concat(parts) .. check.sql:sub(at), open
end

return M
