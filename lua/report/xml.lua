--- XML as JUnit's readers want it: an element a line.
local text = require("opsh.native.text")

local M = {}

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&apos;" }

M.declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

-- XML has no control characters, not even as references: they come as the escapes that people see elsewhere.
local function escaped(value) return (text.printable(tostring(value)):gsub("[&<>\"']", entities)) end

--- The lines of a text as content.
---@param content string
---@return string
function M.lines(content)
  local lines = {}
  for line in (content:gsub("\n+$", "") .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = escaped(line) .. "\n"
  end
  return table.concat(lines)
end

---@param name string
---@param attributes { [1]: string, [2]: any }[] names and values, in their order
---@param content string XML
---@return string
function M.element(name, attributes, content)
  local parts = {}
  for at, attribute in ipairs(attributes) do
    parts[at] = (' %s="%s"'):format(attribute[1], escaped(attribute[2]))
  end
  local opening = ("<%s%s"):format(name, table.concat(parts))
  return content == "" and opening .. "/>\n" or ("%s>\n%s</%s>\n"):format(opening, content, name)
end

return M
