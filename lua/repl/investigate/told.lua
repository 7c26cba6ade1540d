--- Which table's rows a query gives, where its text tells; and where a value at the prompt comes from.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local names = require("opsh.native.names")
local relation = require("opsh.host.repl.investigate.relation")
local rows_text = require("opsh.host.repl.rows_text")
local sample = require("opsh.host.repl.sample")

local M = {}

--- A name as the catalog has it.
local function name_of(token)
  local quoted = token:match('^"(.*)"$')
  return quoted and (quoted:gsub('""', '"')) or token:lower()
end

-- What may follow the first table of FROM and adds no other one.
local ends = { where = true, order = true, limit = true, offset = true, fetch = true }
local gathers = { group = true, having = true, union = true, intersect = true, except = true, window = true }

--- The tokens outside of parentheses; "(" stands for what is within.
local function outer_tokens(text)
  local list, depth = {}, 0
  for _, token in ipairs((names.tokens(text))) do
    local sign = token.text
    if sign == "(" or sign == "[" then
      if depth == 0 then list[#list + 1] = "(" end
      depth = depth + 1
    elseif sign == ")" or sign == "]" then
      depth = depth - 1
    elseif depth == 0 then
      list[#list + 1] = sign
    end
  end
  return list
end

--- `select ITEMS from NAME [as ALIAS] ...` taken apart; nil for anything else.
local function parts_of(text)
  local tokens = outer_tokens(text)
  if (tokens[1] or ""):lower() ~= "select" then return nil end
  local items, at = { {} }, 2
  if (tokens[at] or ""):lower() == "distinct" then
    at = at + 1
    if (tokens[at] or ""):lower() == "on" then at = at + 2 end
  end
  while tokens[at] and tokens[at]:lower() ~= "from" do
    if tokens[at] == "," then
      items[#items + 1] = {}
    else
      table.insert(items[#items], tokens[at])
    end
    at = at + 1
  end
  local name = tokens[at + 1]
  if not name or name == "(" then return nil end
  at = at + 2
  local alias = name_of(name)
  while tokens[at] == "." do
    name, alias, at = name .. "." .. tokens[at + 1], name_of(tokens[at + 1]), at + 2
  end
  if tokens[at] == "(" then return nil end
  if (tokens[at] or ""):lower() == "as" then at = at + 1 end
  local found = { items = items, name = name, alone = true, alias = alias }
  local following = tokens[at] and tokens[at]:lower()
  local joins = following == "join" or following == "left" or following == "inner" or following == "cross"
  if following and following:find('^["%a_]') and not joins and not ends[following] and not gathers[following] then
    found.alias = name_of(tokens[at])
  end
  local of_tables = true
  for rest = at, #tokens do
    local word = tokens[rest]:lower()
    if gathers[word] then return nil end
    if ends[word] then of_tables = false end
    if of_tables and (word == "join" or word == ",") then found.alone = false end
  end
  return found
end

--- Whether a column of the first table comes out under its own name.
local function gives(parts, column)
  for at, item in ipairs(parts.items) do
    local qualified = item[2] == "." and name_of(item[1]) == parts.alias
    local last = item[qualified and 3 or 1] or ""
    local plain = #item == (qualified and 3 or 1) and (qualified or parts.alone)
    -- Of two columns with one name the first keeps it.
    if plain and last == "*" and (parts.alone or at == 1) then return true end
    if plain and last ~= "*" and name_of(last) == column then return true end
  end
  return false
end

--- The table whose rows a query gives, one of its own for each, and the key of it that comes with them.
---@param text string
---@return table|nil relation of relation.lua
---@return string[]|nil key
function M.of_query(bench, text)
  local parts = parts_of(text)
  local found = parts and relation.find(bench, parts.name)
  for _, key in ipairs(found and found.keys or {}) do
    local whole = true
    for _, column in ipairs(key) do
      whole = whole and gives(parts, column)
    end
    if whole then return found, key end
  end
  return nil
end

--- The same of rows, or of one row, that a statement gave; also of some of them.
---@param value table
function M.of_rows(bench, value)
  local text = sample.statement_of(value)
  if text then return M.of_query(bench, text) end
  return nil
end

--- The value of a Lua expression at the prompt.
function M.value(bench, expression)
  local run, message = host.load("return " .. expression, "expression")
  if not run then
    errors.raise(
      "usage.value",
      ("%s is no expression of Lua: %s"):format(expression, message),
      "a table, as \\d lists them, or an expression, as _[1]"
    )
  end
  return setfenv(run, bench.env)()
end

--- Rows by a Lua expression, such as _1 or suspects.late.
function M.rows(bench, expression)
  local value = M.value(bench, expression)
  if rows_text.is_row(value) then return rows_text.of_row(value) end
  if rows_text.is_rows(value) then return value end
  errors.raise(
    "usage.value",
    ("%s has no rows: it is a %s"):format(expression, type(value)),
    "_ is the last result, _1 the one before it, suspects.NAME a bag"
  )
end

--- A key in the values of a row, as texts; nil when one is NULL.
function M.key_values(row, key)
  local values = {}
  for at, name in ipairs(key) do
    local value = rawget(row, name)
    if value == nil then return nil end
    values[at] = type(value) == "number" and rows_text.number(value) or tostring(value)
  end
  return values
end

return M
