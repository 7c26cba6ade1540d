--- Differences of two databases as lines for people: the row and its columns, before -> after.
local counted = require("opsh.host.counted")
local text = require("opsh.native.text")

local M = {}

local most_lines, widest = 12, 60

local function value(found) return found and '"' .. text.fit(text.printable(found), widest) .. '"' or "NULL" end

local function named(difference)
  local parts = {}
  for at, name in ipairs(difference.key) do
    parts[at] = ("%s = %s"):format(name, value(difference.row[name]))
  end
  return ("%s, %s"):format(difference.table, table.concat(parts, ", "))
end

local kinds = { new = "there is one more", gone = "it is not there" }

--- Rows.
---@param rows table[] of content.differences
function M.rows(rows)
  local lines = {}
  for _, difference in ipairs(rows) do
    lines[#lines + 1] = named(difference)
    if kinds[difference.kind] then lines[#lines] = lines[#lines] .. ": " .. kinds[difference.kind] end
    for _, column in ipairs(difference.columns or {}) do
      lines[#lines + 1] = ("  %s: %s -> %s"):format(column.name, value(column.before), value(column.after))
    end
  end
  return lines
end

local function definition(found) return found and text.fit(text.printable(found), 100) or "not there" end

--- Parts of the schema.
---@param definitions table[] of definitions.differences
function M.definitions(definitions)
  local lines = {}
  for _, difference in ipairs(definitions) do
    lines[#lines + 1] = difference.name
    lines[#lines + 1] = ("  %s -> %s"):format(definition(difference.before), definition(difference.after))
  end
  return lines
end

--- All of it, as far as it can be read at once; nothing when there is none.
---@param found { rows: table[], tables?: string[], sequences?: string[] }
---@param definitions table[]
---@return string|nil
function M.of(found, definitions)
  local lines = M.definitions(definitions)
  for _, name in ipairs(found.sequences or {}) do
    lines[#lines + 1] = ("sequence %s has moved"):format(name)
  end
  for _, line in ipairs(M.rows(found.rows)) do
    lines[#lines + 1] = line
  end
  if #lines == 0 then return nil end
  if #lines > most_lines then lines[most_lines + 1] = "and " .. counted(#lines - most_lines, "more line") end
  return table.concat(lines, "\n", 1, math.min(#lines, most_lines + 1))
end

return M
