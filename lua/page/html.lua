--- HTML by construction: what is put into an element is text unless an element was made of it, so that no value can be
--- markup. Control characters and invalid UTF-8 are shown as escapes.
local text = require("opsh.native.text")

local M = {}

local Markup = {}
Markup.__index = Markup

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
local void = { meta = true, input = true, br = true }

local function escaped(value) return (text.printable(tostring(value)):gsub('[&<>"]', entities)) end

--- What is HTML already: style sheets, scripts, data.
---@param source string
---@return table
function M.markup(source) return setmetatable({ source = source }, Markup) end

local function add(parts, content)
  if content == nil or content == false then return end
  if type(content) ~= "table" then
    parts[#parts + 1] = escaped(content)
  elseif getmetatable(content) == Markup then
    parts[#parts + 1] = content.source
  else
    for at = 1, table.maxn(content) do
      add(parts, content[at])
    end
  end
end

local function attribute_names(attributes)
  local names = {}
  for name, value in pairs(attributes or {}) do
    if value then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- An element: `e("td.number", nil, count)`, `e("a", { href = "#checks" }, { "checks" })`.
---@param tag string with classes behind dots
---@param attributes? table<string, string|number|boolean> true for one without a value; false and nil are left out
---@param content? any a text, an element, or a list of them, in which false and nil are nothing
---@return table
function M.element(tag, attributes, content)
  local name, classes = tag:match("^([^.]+)%.?(.*)$")
  local parts = { "<", name }
  if classes ~= "" then parts[#parts + 1] = (' class="%s"'):format((classes:gsub("%.", " "))) end
  for _, attribute in ipairs(attribute_names(attributes)) do
    local value = attributes[attribute]
    parts[#parts + 1] = value == true and " " .. attribute or (' %s="%s"'):format(attribute, escaped(value))
  end
  parts[#parts + 1] = ">"
  if not void[name] then
    add(parts, content)
    parts[#parts + 1] = ("</%s>"):format(name)
  end
  return M.markup(table.concat(parts))
end

--- The source of an element, or of a list of them.
---@param content any
---@return string
function M.source(content)
  local parts = {}
  add(parts, content)
  return table.concat(parts)
end

--- JSON as it may stand in a script element: nothing in it ends the element or begins a comment.
---@param document string
---@return string
function M.data(document) return (document:gsub("<", "\\u003c")) end

return M
