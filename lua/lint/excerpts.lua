--- From the excerpt of an error about SQL back to the byte that its caret stands under.
local M = {}

--- The byte of a line at which its code point `number` (from 0) begins.
local function byte_of(line, number)
  local at = 1
  for _ = 1, number do
    at = line:match("^[^\128-\191]?[\128-\191]*()", at)
  end
  return at
end

--- The place in `line` that the caret of an excerpt of it stands under.
---@param excerpt string
---@param line string
---@return integer|nil byte from 1
function M.column(excerpt, line)
  local head, shown, blank = excerpt:match("^(line %d+: )([^\n]*)\n( *)%^")
  if not head then return nil end
  local caret = #blank - #head
  local first = 1
  local cut = shown:match("^%.%.%.(.*)$")
  if cut and line:sub(1, 3) ~= "..." then
    caret = caret - 3
    first = line:gsub("%c", " "):find((cut:gsub("%.%.%.$", "")), 1, true) or 1
  end
  return first + byte_of(line:sub(first), caret) - 1
end

--- The byte of a statement's text that an excerpt's caret stands under.
---@param excerpt string
---@param text string
---@return integer|nil byte from 1
function M.byte(excerpt, text)
  local wanted, number, at = tonumber(excerpt:match("^line (%d+):")), 1, 1
  while wanted and number < wanted do
    at = (text:find("\n", at, true) or #text) + 1
    number = number + 1
  end
  local column = wanted and M.column(excerpt, text:match("^[^\n]*", at))
  return column and at + column - 1
end

return M
