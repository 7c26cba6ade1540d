--- Source text, made from templates.
local host = require("opsh.native.host")
local sql = require("opsh.native.sql")

local M = {}

local known_names = {}

--- A name of the catalog as people write it: in quotes only where it must be.
---@param name string
---@return string
function M.name(name)
  local known = known_names[name]
  if known then return known end
  local is_plain = name:find("^[%l_][%l%d_]*$") ~= nil
    and host.protect(sql.check_read, ("select %s, %s.%s from %s as %s"):format(name, name, name, name, name))
  known_names[name] = is_plain and name or sql.identifier(name)
  return known_names[name]
end

--- A table, as the author writes it, in SQL.
function M.table(given)
  local schema, name = sql.parts(given)
  return (schema ~= "" and M.name(schema) .. "." or "") .. M.name(name)
end

--- A text in SQL.
function M.literal(text)
  return text:find("[\\%c]") and sql.literal(text) or "'" .. text:gsub("'", "''") .. "'"
end

--- Puts values in the places `$(name)` of a template. A value of several lines is indented as the line that it stands
--- in; a line that has nothing but a place without a value goes.
---@param template string
---@param values table<string, string|nil>
---@return string
function M.fill(template, values)
  local lines = {}
  for line in template:gmatch("([^\n]*)\n") do
    local indent, only = line:match("^(%s*)%$%(([%w_]+)%)$")
    if not only or values[only] and values[only] ~= "" then
      local inner = (indent or line:match("^%s*")):gsub("%%", "%%%%")
      lines[#lines + 1] = (line:gsub("%$%(([%w_]+)%)", function(name)
        local value = values[name] or error("a template has no value for " .. name)
        return (value:gsub("\n(%f[^\n])", "\n" .. inner))
      end))
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- A text as Lua writes it, in one line.
---@param text string
---@return string
function M.quoted(text)
  if text:find("[%c\\]") or text:find('"') and text:find("'") then return ("%q"):format(text):gsub("\\\n", "\\n") end
  local mark = text:find('"') and "'" or '"'
  return mark .. text .. mark
end

--- Names as Lua writes them: `"id"`, or `{ "a", "b" }` of several.
function M.names(names)
  local list = {}
  for at, name in ipairs(names) do
    list[at] = M.quoted(name)
  end
  return #list == 1 and list[1] or "{ " .. table.concat(list, ", ") .. " }"
end

--- Words with commas between them, in lines of at most 100 columns.
---@param words string[]
---@return string
function M.wrapped(words)
  local lines, line = {}, ""
  for at, word in ipairs(words) do
    local piece = word .. (at < #words and "," or "")
    if #line > 0 and #line + #piece + 1 > 100 then
      lines[#lines + 1], line = line, piece
    else
      line = line == "" and piece or line .. " " .. piece
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

--- Column names as SQL, each behind a relation's name when there is one.
---@param columns string[]
---@param relation? string SQL
---@return string[]
function M.columns(columns, relation)
  local list = {}
  for at, column in ipairs(columns) do
    list[at] = (relation and relation .. "." or "") .. M.name(column)
  end
  return list
end

--- The same as one text.
function M.listed(columns, relation) return table.concat(M.columns(columns, relation), ", ") end

--- "a.id = b.id and ..."
function M.same(columns, left, right)
  local pairs_of = {}
  local lefts, rights = M.columns(columns, left), M.columns(columns, right)
  for at in ipairs(columns) do
    pairs_of[at] = lefts[at] .. " = " .. rights[at]
  end
  return table.concat(pairs_of, " and ")
end

--- Whether a row is one of the batch's.
function M.in_batch(key)
  if #key == 1 then return M.name(key[1]) .. " = any(:keys)" end
  return ("(%s) in (select %s from :keys as planned)"):format(M.listed(key), M.listed(key, "planned"))
end

--- A condition that may stand beside AND.
function M.condition(text) return text:lower():find("%f[%a]or%f[%A]") and "(" .. text .. ")" or text end

--- An expression that may stand beside operators.
function M.operand(expression)
  local is_one = expression:find("^[%w_.]+$") or expression:find("^'[^']*'$") or expression:find("^[%w_.]+%b()$")
  return is_one and expression or "(" .. expression .. ")"
end

return M
