--- What two lists of rows have that is not the same, as tables for people.
local counted = require("opsh.host.counted")
local json = require("opsh.native.json")
local report = require("opsh.native.report")
local row_columns = require("opsh.host.runbook.rows").columns
local sorted_names = require("opsh.host.sorted_names")

local M = {}

local null = json.decode("null")
local most_lines, most_columns = 18, 12

local function is_value(value) return type(value) ~= "table" or value == null end

--- A list whose elements are values by column.
local function is_list(value)
  if type(value) ~= "table" or value == null then return false end
  for key in next, value do
    if type(key) ~= "number" or key > #value then return false end
  end
  for _, row in ipairs(value) do
    if type(row) ~= "table" or row == null or (next(row) == nil and not row_columns(row)) then return false end
    for column, held in next, row do
      if type(column) ~= "string" or not is_value(held) then return false end
    end
  end
  return true
end

--- Whether both are rows, and enough of them for tables to be easier to read than places.
---@return boolean
function M.apply(found, expected) return is_list(found) and is_list(expected) and math.max(#found, #expected) > 1 end

--- The columns, in the order in which the query has them where one gave the rows.
local function columns_of(found, expected)
  local columns, known = {}, {}
  local function add(column)
    if not known[column] then columns[#columns + 1] = column end
    known[column] = true
  end
  for _, column in ipairs(row_columns(found) or {}) do
    add(column)
  end
  local others = {}
  for _, rows in ipairs({ found, expected }) do
    for _, row in ipairs(rows) do
      for column in next, row do
        others[column] = true
      end
    end
  end
  for _, column in ipairs(sorted_names(others)) do
    add(column)
  end
  return columns
end

--- A text that is the same for the same values.
local function signature(row, columns)
  local parts = {}
  for at, column in ipairs(columns) do
    local value = rawget(row, column)
    local text = type(value) == "number" and ("%.17g"):format(value) or tostring(value)
    parts[at] = ("%s:%d:%s"):format(type(value), #text, text)
  end
  return table.concat(parts)
end

--- Pairs of rows that agree in `columns`; what is left of either, each in its order.
local function paired(found, expected, columns)
  local waiting, taken = {}, {}
  for at, row in ipairs(found) do
    local key = signature(row, columns)
    waiting[key] = waiting[key] or { next = 1 }
    table.insert(waiting[key], at)
  end
  local both, found_left, expected_left = {}, {}, {}
  for _, row in ipairs(expected) do
    local same = waiting[signature(row, columns)]
    local at = same and same[same.next]
    if at then
      same.next, taken[at] = same.next + 1, true
      both[#both + 1] = { found = found[at], expected = row }
    else
      expected_left[#expected_left + 1] = row
    end
  end
  for at, row in ipairs(found) do
    if not taken[at] then found_left[#found_left + 1] = row end
  end
  return both, found_left, expected_left
end

local function is_unique(rows, columns)
  local seen = {}
  for _, row in ipairs(rows) do
    for _, column in ipairs(columns) do
      local value = rawget(row, column)
      if value == nil or value == null then return false end
    end
    local key = signature(row, columns)
    if seen[key] then return false end
    seen[key] = true
  end
  return true
end

--- Of some lists of columns, that which tells all rows apart on both sides and has most values in common.
local function best_of(candidates, found, expected)
  local best, most = nil, 0
  for _, columns in ipairs(candidates) do
    if is_unique(found, columns) and is_unique(expected, columns) then
      local common = #paired(found, expected, columns)
      if common > most then
        best, most = columns, common
      end
    end
  end
  return best
end

--- What looks like the rows' key: a column, else two.
local function key_of(found, expected, columns)
  local singles, doubles = {}, {}
  for at, column in ipairs(columns) do
    singles[at] = { column }
    for after = at + 1, #columns do
      doubles[#doubles + 1] = { column, columns[after] }
    end
  end
  return best_of(singles, found, expected) or best_of(doubles, found, expected)
end

--- A table of the first rows: a title, then the columns that `shown` names.
local function add_table(lines, part, most_rows)
  local heads, cells = {}, {}
  for at = 1, math.min(#part.columns, most_columns) do
    heads[at] = { title = part.columns[at] }
  end
  for at = 1, math.min(#part.rows, most_rows) do
    cells[at] = {}
    for place, head in ipairs(heads) do
      cells[at][place] = part.cell(part.rows[at], head.title)
    end
  end
  lines[#lines + 1] = ("%s %s"):format(counted(#part.rows, "row"), part.title)
  -- Without the rule between names and rows: lines are few.
  for line in report.table(heads, cells, { indent = 2 }):gmatch("[^\n]+") do
    if line:gsub("─", ""):find("%S") then lines[#lines + 1] = line end
  end
  if #part.rows > most_rows then lines[#lines + 1] = "  and " .. counted(#part.rows - most_rows, "more row") end
end

local function changed_columns(changed, columns, key)
  local shown, is_shown = {}, {}
  for at, column in ipairs(key) do
    shown[at], is_shown[column] = column, true
  end
  for _, column in ipairs(columns) do
    for _, pair in ipairs(changed) do
      if not is_shown[column] and not rawequal(rawget(pair.found, column), rawget(pair.expected, column)) then
        shown[#shown + 1] = column
        break
      end
    end
  end
  return shown
end

--- The first place where rows stand in another order.
local function add_order(lines, found, expected, columns, show)
  for at, row in ipairs(expected) do
    if signature(row, columns) ~= signature(found[at], columns) then
      lines[1] = "the same rows in another order"
      lines[2] = ("row %d"):format(at)
      lines[3] = "  expected " .. show(row)
      lines[4] = "  found    " .. show(found[at])
      return
    end
  end
end

--- The lines that say it; none when the two are equal.
---@param found table[]
---@param expected table[]
---@param show fun(value: any): string
---@return string[]
function M.lines(found, expected, show)
  local columns, lines = columns_of(found, expected), {}
  local same, too_many, missing = paired(found, expected, columns)
  if #same == #found and #same == #expected then
    add_order(lines, found, expected, columns, show)
    return lines
  end
  local key, changed = key_of(found, expected, columns) or {}, {}
  if key[1] then
    changed, too_many, missing = paired(too_many, missing, key)
  end
  local function value(row, column) return show(rawget(row, column)) end
  local function change(pair, column)
    local wanted, there = value(pair.expected, column), value(pair.found, column)
    return wanted == there and there or ("%s -> %s"):format(wanted, there)
  end
  local parts = {}
  for _, part in ipairs({
    {
      title = "changed: expected -> found",
      rows = changed,
      columns = changed_columns(changed, columns, key),
      cell = change,
    },
    { title = "missing", rows = missing, columns = columns, cell = value },
    { title = "too many", rows = too_many, columns = columns, cell = value },
  }) do
    if #part.rows > 0 then parts[#parts + 1] = part end
  end
  for _, part in ipairs(parts) do
    -- Its title, its head and what it leaves out are lines as well.
    add_table(lines, part, math.floor(most_lines / #parts) - 3)
  end
  return lines
end

return M
