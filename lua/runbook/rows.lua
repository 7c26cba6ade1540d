--- Rows as plain tables: their metatable knows the columns, their order and their types.
local errors = require("opsh.host.errors")
local native_db = require("opsh.native.db")
local text = require("opsh.native.text")

local M = {}

--- Made once per query; the native side gives it to each row, and `__list` to the list of them.
---@param columns string[]
---@param types integer[] PostgreSQL's oids
function M.metatable(columns, types)
  local known = {}
  for _, name in ipairs(columns) do
    known[name] = true
  end
  local function missing(_, name)
    -- A column that is NULL is not in the table.
    if known[name] then return nil end
    local meant = type(name) == "string" and text.nearest(name, columns)
    errors.raise(
      "row.column",
      ("the row has no column %s"):format(tostring(name)),
      meant and ("did you mean %s?"):format(meant) or "its columns are " .. table.concat(columns, ", ")
    )
  end
  return {
    __columns = columns,
    __types = types,
    __index = missing,
    __metatable = "opsh.row",
    __list = { __columns = columns, __types = types, __is_list = true, __metatable = "opsh.rows" },
  }
end

--- The columns of a row or of a list of rows, in order.
---@return string[]|nil
function M.columns(value)
  local metatable = type(value) == "table" and debug.getmetatable(value)
  return metatable and metatable.__columns
end

native_db.rows_by(M.metatable)

return M
