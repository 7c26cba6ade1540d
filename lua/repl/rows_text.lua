--- Rows as a person reads them: as a table, or each as a list of its columns.
local counted = require("opsh.host.counted")
local json = require("opsh.native.json")
local report = require("opsh.native.report")
local sample = require("opsh.host.repl.sample")
local text = require("opsh.native.text")

local M = {}

-- PostgreSQL's type oids (pg_type.dat): figures, whose columns go right and are never cut; and bytea.
local figures = { [20] = true, [21] = true, [23] = true, [26] = true, [700] = true, [701] = true, [790] = true }
figures[1700] = true
local bytea = 17

-- Bytes of a value that are shown, and of one that is longer, in a table: who wants it all writes it into a file.
local most_bytes, glance = 10000, 40

local function shape(value) return type(value) == "table" and debug.getmetatable(value) or {} end

--- Whether a value is a list of rows.
function M.is_rows(value) return shape(value).__is_list == true end

--- Whether a value is one row.
function M.is_row(value) return shape(value).__columns ~= nil and not M.is_rows(value) end

--- A row as a list of one.
function M.of_row(row)
  local list = { row }
  debug.setmetatable(list, shape(row).__list)
  return list
end

--- Every digit of a number.
function M.number(value)
  local finite = value == value and math.abs(value) ~= math.huge
  return finite and json.encode(value) or tostring(value)
end

--- The beginning of a long text, and how long it is. No character is cut in two.
local function cut(value, size, shown)
  while shown > 0 and (value:byte(shown + 1) or 0) >= 0x80 and value:byte(shown + 1) < 0xc0 do
    shown = shown - 1
  end
  return ("%s… (%s)"):format(value:sub(1, shown), counted(size, "byte"))
end

--- A field: NULL is no text, and no text is empty.
local function field(row, name, oid, shown)
  local value = rawget(row, name)
  local long = value == nil and sample.long_value(row, name)
  if long then return (oid == bytea and "\\x" or "") .. cut(long.beginning, long.bytes, #long.beginning) end
  if value == nil then return "NULL" end
  if type(value) == "number" then return M.number(value) end
  if type(value) == "boolean" then return tostring(value) end
  local made, size = value, nil
  if type(value) ~= "string" then made = json.encode(value) end
  if #made > most_bytes then size, made = #made, made:sub(1, shown + 4) end
  if oid == bytea and type(value) == "string" then
    made = "\\x" .. made:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
  end
  return size and cut(made, size, shown) or made
end

--- A list as what report.table takes.
local function parts_of(list)
  local columns, oids = shape(list).__columns, shape(list).__types
  local heads, cells = {}, {}
  for at, name in ipairs(columns) do
    heads[at] = { title = name, right = figures[oids[at]] or false }
  end
  for at, row in ipairs(list) do
    local line = {}
    for column, name in ipairs(columns) do
      line[column] = field(row, name, oids[column], glance)
    end
    cells[at] = line
  end
  return heads, cells
end

--- A list as a table.
---@param list table
---@param layout table width, bold_header, and to go on with a table: goes_on, widths
---@return string text
---@return integer[] widths of the columns
---@return integer width when nothing is cut
function M.table(list, layout)
  local heads, cells = parts_of(list)
  if #heads == 0 then return "", {}, 0 end
  return report.table(heads, cells, layout)
end

-- No column of text is cut to less (report/table.cpp).
local narrowest = 8

--- Whether a table with these columns can be cut to a width.
---@param widths integer[]
function M.can_be_cut(list, widths, width)
  local oids, total = shape(list).__types, 2 * (#widths - 1)
  for at, own in ipairs(widths) do
    total = total + (figures[oids[at]] and own or math.min(own, narrowest))
  end
  return total <= width
end

--- Each row as a list of its columns.
---@param number integer of the first row
---@param width integer of the terminal, 0 for no limit
---@param strong fun(text: string): string
---@return string
function M.lists(list, number, width, strong)
  local columns, oids = shape(list).__columns, shape(list).__types
  local names, widest = {}, 0
  for at, name in ipairs(columns) do
    names[at] = text.printable(name)
    widest = math.max(widest, text.width(names[at]))
  end
  if width > 0 then widest = math.min(widest, math.floor(width / 2)) end
  local lines = {}
  for at, row in ipairs(list) do
    local title = ("─ row %s "):format(report.number(number + at - 1))
    local line = width > 0 and math.min(width, 60) or 60
    lines[#lines + 1] = strong(title .. ("─"):rep(line - text.width(title)))
    for column, name in ipairs(columns) do
      local shown = text.printable(field(row, name, oids[column], most_bytes))
      lines[#lines + 1] = text.pad_right(text.fit(names[column], widest), widest) .. "  " .. shown
    end
  end
  return table.concat(lines, "\n") .. (#lines > 0 and "\n" or "")
end

--- What stands under rows: which of how many they are.
---@param list table
---@return string
function M.footer(list)
  local total, before = sample.total(list), sample.before(list)
  local all = counted(total, "row")
  if before > 0 then
    return ("(rows %s to %s of %s)"):format(report.number(before + 1), report.number(before + #list), all)
  end
  if #list < total then return ("(the first %s of %s)"):format(report.number(#list), all) end
  return "(" .. all .. ")"
end

return M
