--- The arguments of a command of the prompt, taken apart as psql does it.
local errors = require("opsh.host.errors")

local M = {}

local escapes = { n = "\n", t = "\t", r = "\r", b = "\b", f = "\f" }

local function unfinished(quote)
  errors.raise("usage.word", ("a %s is not closed"):format(quote), "write it twice for one within the quotes")
end

--- What stands between single quotes from `at` on: two of them are one, backslashes escape as in C.
local function in_single(text, at, parts)
  while true do
    local stop = text:find("['\\]", at) or unfinished("'")
    parts[#parts + 1] = text:sub(at, stop - 1)
    local next_one = text:sub(stop + 1, stop + 1)
    if text:sub(stop, stop) == "\\" then
      parts[#parts + 1] = escapes[next_one] or next_one
      at = stop + 2
    elseif next_one == "'" then
      parts[#parts + 1] = "'"
      at = stop + 2
    else
      return stop + 1
    end
  end
end

--- Double quotes stay: they are part of a name.
local function in_double(text, at, parts)
  local stop = at
  repeat
    stop = text:find('"', stop, true) or unfinished('"')
    local doubled = text:sub(stop + 1, stop + 1) == '"'
    stop = stop + (doubled and 2 or 1)
  until not doubled
  parts[#parts + 1] = '"' .. text:sub(at, stop - 1)
  return stop
end

--- The words of a text.
---@param text string
---@return string[]
function M.of(text)
  local words, at = {}, 1
  while true do
    at = text:find("%S", at)
    if not at then return words end
    local parts = {}
    while at <= #text and not text:find("^%s", at) do
      local sign = text:sub(at, at)
      if sign == "'" then
        at = in_single(text, at + 1, parts)
      elseif sign == '"' then
        at = in_double(text, at + 1, parts)
      else
        local plain = text:match("^[^%s'\"]+", at)
        parts[#parts + 1] = plain
        at = at + #plain
      end
    end
    words[#words + 1] = table.concat(parts)
  end
end

--- The words of a command that takes at most so many of them.
---@param text string
---@param most integer
---@return string ...
function M.at_most(text, most)
  local words = M.of(text)
  if #words > most then
    errors.raise(
      "usage.word",
      ("%q is one word too many"):format(words[most + 1]),
      "\\? shows what a command takes; a word with blanks stands in single quotes"
    )
  end
  return unpack(words)
end

return M
