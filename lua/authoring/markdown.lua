--- Markdown that is put together piece by piece.
local text = require("opsh.native.text")

local Markdown = {}
Markdown.__index = Markdown

--- What stands in a document as text, and is not markup.
local function plain(value)
  return (text.printable(tostring(value)):gsub("[\\`*_<>|#%[%]]", "\\%0"):gsub("\\_", "_"))
end

--- Text of the author's, in one line.
function Markdown.plain(value) return plain((tostring(value):gsub("%s+", " "))) end

--- A name in the type of code.
function Markdown.code(value)
  local shown = text.printable(tostring(value))
  local fence = shown:find("`", 1, true) and "``" or "`"
  return fence .. (fence == "``" and " " .. shown .. " " or shown) .. fence
end

function Markdown:add(line)
  self.lines[#self.lines + 1] = line
  return self
end

function Markdown:heading(level, words) return self:add(""):add(("#"):rep(level) .. " " .. words):add("") end

function Markdown:paragraph(words) return self:add(words):add("") end

function Markdown:item(words) return self:add("- " .. words) end

function Markdown:box(words, is_done) return self:add((is_done and "- [x] " or "- [ ] ") .. words) end

--- A block of code, which nothing in it can end.
function Markdown:block(language, code)
  local fence = "```"
  while code:find(fence, 1, true) do
    fence = fence .. "`"
  end
  self:add(""):add(fence .. language)
  for line in (code:gsub("%s+$", "") .. "\n"):gmatch("(.-)\n") do
    self:add((text.printable((line:gsub("\t", "  ")))))
  end
  return self:add(fence):add("")
end

--- A table; cells are Markdown.
function Markdown:table(columns, rows)
  self:add("| " .. table.concat(columns, " | ") .. " |")
  self:add("|" .. (" --- |"):rep(#columns))
  for _, row in ipairs(rows) do
    self:add("| " .. table.concat(row, " | ") .. " |")
  end
  return self:add("")
end

--- The document: no two blank lines behind one another.
function Markdown:text()
  return (table.concat(self.lines, "\n"):gsub("\n\n\n+", "\n\n"):gsub("^\n+", ""):gsub("\n*$", "\n"))
end

local M = {}

function M.new() return setmetatable({ lines = {} }, Markdown) end

return M
