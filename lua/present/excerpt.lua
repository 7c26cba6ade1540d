--- The line of a statement that an error is about, with a caret under the place, as wide as the terminal.
local text = require("opsh.native.text")

local M = {}

local character = "[%z\1-\127\194-\255][\128-\191]*"

--- Cuts a line to what stands round a character: as much before it as behind it, and more where there is room.
local function window(characters, place, room)
  local widths = {}
  for at, each in ipairs(characters) do
    widths[at] = text.width(each)
  end
  -- One column each for what is left out, and one for the caret behind the end.
  local first, last, taken = place, place - 1, 3
  local function grow(most)
    while first > 1 and taken + widths[first - 1] <= most do
      first = first - 1
      taken = taken + widths[first]
    end
  end
  grow(math.floor(room / 2))
  while last < #characters and taken + widths[last + 1] <= room do
    last = last + 1
    taken = taken + widths[last]
  end
  grow(room)
  local left, right = first > 1 and "…" or "", last < #characters and "…" or ""
  local before = left .. table.concat(characters, "", first, place - 1)
  return before .. table.concat(characters, "", place, last) .. right, text.width(before)
end

--- An excerpt that is not wider than so many columns. The server and the parsers make them: "line 3: select nme", and
--- a line with the caret.
---@param excerpt string
---@param columns integer 0 for no limit
---@return string
function M.fit(excerpt, columns)
  local head, line, blanks = excerpt:match("^(line %d+: )([^\n]*)\n( *)%^$")
  if not head then return excerpt end
  local characters = {}
  for each in line:gmatch(character) do
    characters[#characters + 1] = each
  end
  local place = #blanks - #head + 1
  local before = text.width(table.concat(characters, "", 1, math.min(place - 1, #characters)))
  if columns > 0 and #head + text.width(line) > columns and place <= #characters + 1 then
    line, before = window(characters, place, math.max(columns - #head, 6))
  end
  return ("%s%s\n%s^"):format(head, line, (" "):rep(#head + before))
end

return M
