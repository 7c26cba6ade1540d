--- A table that nobody has shown: its columns from their names, and from what a condition compares them with.
local expressions = require("opsh.host.authoring.expressions")
local sql = require("opsh.native.sql")

local M = {}

local by_ending = {
  { "_at$", "timestamptz" },
  { "_on$", "date" },
  { "date$", "date" },
  { "day$", "date" },
  { "^is_", "boolean" },
  { "^has_", "boolean" },
  { "_id$", "bigint" },
  { "^id$", "bigint" },
  { "count$", "bigint" },
  { "number$", "bigint" },
  { "quantity$", "bigint" },
  { "amount$", "numeric" },
  { "price$", "numeric" },
  { "total$", "numeric" },
}

-- The type of a column by what it is compared with.
local by_value = { number = "numeric", boolean = "boolean", date = "date" }

--- The type that a column of this name mostly has.
function M.type_of(name)
  for _, entry in ipairs(by_ending) do
    if name:find(entry[1]) then return entry[2] end
  end
  return "text"
end

local function type_by(name, hint)
  local named = M.type_of(name)
  if not hint or named ~= "text" then return named end
  return by_value[hint.kind] or "text"
end

--- The shape of a table of this name.
---@param given string
---@param key? string[]
---@param columns { name: string, type?: string }[] that it has in any case
---@param texts string[] SQL whose columns are this table's
---@return table shape as of opsh.host.authoring.catalog
function M.shape(given, key, columns, texts)
  local schema, name = sql.parts(given)
  local shape = { given = given, schema = schema, name = name, columns = {}, key = key or { "id" } }
  local known = {}
  local function add(column)
    if known[column.name] then return end
    known[column.name] = true
    shape.columns[#shape.columns + 1] = column
  end
  for at, column in ipairs(shape.key) do
    local type = M.type_of(column)
    add({ name = column, type = type, not_null = true, is_identity = type == "bigint" and #shape.key == 1 and at == 1 })
  end
  for _, column in ipairs(columns) do
    add({ name = column.name, type = column.type or M.type_of(column.name) })
  end
  for _, text in ipairs(texts) do
    local hints = expressions.comparisons(text)
    for _, column in ipairs(expressions.names(text)) do
      add({ name = column, type = type_by(column, hints[column]) })
    end
  end
  return shape
end

return M
