--- The results of checks as text.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")
local shown_rows = 5

local words = { pass = "pass", fail = "FAIL", error = "ERROR", skip = "skip" }
local colors = { pass = 32, fail = 31, error = 31, skip = 33 }

local function value_text(value)
  if value == nil or value == null then return "NULL" end
  if type(value) == "table" then return json.encode(value) end
  return tostring(value)
end

local function rows_text(out, result, indent)
  if not result.rows or #result.rows == 0 then return "" end
  local columns, rows = {}, {}
  for at, name in ipairs(result.columns) do
    columns[at] = { name = name }
  end
  for at = 1, math.min(#result.rows, shown_rows) do
    rows[at] = {}
    for column, name in ipairs(result.columns) do
      rows[at][column] = value_text(result.rows[at][name])
    end
  end
  local more = tonumber(result.found) - #rows
  return out.table(columns, rows, indent)
    .. (more > 0 and (" "):rep(indent) .. lang.format("and %d more\n", more) or "")
end

local function said(words_) return text.printable(words_ and lang.message(words_) or "") end

local function found_text(result, now)
  if result.outcome == "error" or result.outcome == "skip" then return said(result.message) end
  if result.outcome == "pass" and not now then return said(result.found) end
  local wanted = lang.format("%s, expected %s", said(result.found), said(result.expected))
  return result.message and wanted .. ": " .. said(result.message) or wanted
end

--- One line a check, with the rows that break it; `now` leaves out the verdict, which a plan cannot give.
function M.render(out, results, indent, now)
  local lines, width = {}, 0
  for _, result in ipairs(results) do
    width = math.max(width, text.width(text.printable(lang.message(result.name))))
  end
  for _, result in ipairs(results) do
    local verdict = now and result.outcome ~= "error" and ""
      or out.color(colors[result.outcome], text.pad_right(lang.text(words[result.outcome]), 5)) .. "  "
    lines[#lines + 1] = ("%s%s%s  %s\n"):format(
      (" "):rep(indent),
      verdict,
      text.pad_right(text.printable(lang.message(result.name)), width),
      found_text(result, now)
    )
    if result.outcome == "error" and result.excerpt then
      lines[#lines + 1] = (" "):rep(indent + 4) .. result.excerpt:gsub("\n", "\n" .. (" "):rep(indent + 4)) .. "\n"
    end
    if result.outcome == "error" and result.where and not result.where:find("^opsh/") then
      lines[#lines + 1] = lang.format("%sat %s\n", (" "):rep(indent + 4), text.printable(result.where))
    end
    if result.outcome == "fail" and not now then lines[#lines + 1] = rows_text(out, result, indent + 7) end
  end
  return table.concat(lines)
end

return M
