--- What stands in the code blocks of report.md: values that are no markup there, aligned.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local native = require("opsh.native.report")
local shape = require("opsh.host.report.shape")
local text = require("opsh.native.text")

local M = {}

local there = shape.there

--- How wide a line is.
M.width = 100

local widest_cell, most_lines = 40, 4

--- What can end a code block is written as an escape, as control characters are.
function M.safe(value) return (text.printable(tostring(value)):gsub("`", "\\x60")) end

function M.cell(value)
  if not there(value) then return "NULL" end
  if type(value) == "table" then value = json.encode(value) end
  return text.fit(M.safe(value), widest_cell)
end

function M.aligned(columns, rows) return (native.table(columns, rows, { width = M.width })) end

--- A value in lines of this width, at its words.
local function wrapped(value, width)
  local lines, line = {}, ""
  for word in M.safe(value):gmatch("%S+") do
    word = text.fit(word, width)
    if line ~= "" and text.width(line) + 1 + text.width(word) > width then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  for at = #lines, most_lines + 1, -1 do
    lines[at] = nil
    lines[most_lines] = text.fit(lines[most_lines] .. " …", width)
  end
  return lines
end

--- Names and values under each other.
function M.listed(list)
  local width, lines = 0, {}
  for _, one in ipairs(list) do
    width = math.max(width, text.width(one[1]))
  end
  for _, one in ipairs(list) do
    for at, line in ipairs(wrapped(one[2], M.width - width)) do
      lines[#lines + 1] = ("%s  %s\n"):format(text.pad_right(at == 1 and one[1] or "", width), line)
    end
  end
  return table.concat(lines)
end

function M.more(count) return count > 0 and lang.format("and %s more\n", native.number(count)) or "" end

return M
