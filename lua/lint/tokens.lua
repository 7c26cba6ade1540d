--- The tokens of a Lua source, as LuaJIT reads them: with places, and of each text its value and the way back from a
--- byte of that to the source.
local M = {}

local keywords = {}
for word in
  ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while")
    :gmatch("%a+")
do
  keywords[word] = true
end

-- The longest first.
local signs = { "...", "==", "~=", "<=", ">=", "..", "::" }

local escapes = { a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v" }

local function fail(message, at) error({ syntax = message, at = at }, 0) end

--- The end of a line break at `at`; nothing when there is none.
local function line_break(source, at)
  return source:match("^\r\n()", at) or source:match("^\n\r()", at) or source:match("^[\r\n]()", at)
end

--- The end of the opening bracket of a long text at `at`, and what closes it; nothing when there is none.
local function long_bracket(source, at)
  local level, ends = source:match("^%[(=*)%[()", at)
  if level then return ends, "]" .. level .. "]" end
end

--- A line break within a text is one byte of its value, however it is written.
local function long_text(source, at, begins, closing)
  local ends = source:find(closing, begins, true)
  if not ends then fail("unfinished long string", at) end
  begins = line_break(source, begins) or begins
  local raw = source:sub(begins, ends - 1)
  local pieces = { { at = 1, source = begins } }
  if raw:find("\r", 1, true) then
    local parts, from, length = {}, 1, 0
    for stands, breaks in raw:gmatch("()(\r\n?)") do
      parts[#parts + 1] = raw:sub(from, stands - 1) .. "\n"
      length, from = length + stands - from + 1, stands + #breaks
      pieces[#pieces + 1] = { at = length + 1, source = begins + from - 1 }
    end
    raw = table.concat(parts) .. raw:sub(from)
  end
  return raw, pieces, ends + #closing
end

local function utf8(code)
  if code < 0x80 then return string.char(code) end
  local tail = {}
  local limit = 0x40
  repeat
    table.insert(tail, 1, string.char(0x80 + code % 0x40))
    code, limit = math.floor(code / 0x40), limit / 2
  until code < limit
  return string.char(0x100 - limit * 2 + code) .. table.concat(tail)
end

--- The byte that an escape stands for, and where it ends; `at` is behind the backslash.
local function escaped(source, at)
  local sign = source:sub(at, at)
  if escapes[sign] then return escapes[sign], at + 1 end
  local digits = source:match("^x(%x%x)", at)
  if digits then return string.char(tonumber(digits, 16)), at + 3 end
  local code, ends = source:match("^u{(%x+)}()", at)
  if code then return utf8(tonumber(code, 16)), ends end
  if sign == "z" then return "", source:match("^%s*()", at + 1) end
  digits = source:match("^%d%d?%d?", at)
  if digits then return string.char(tonumber(digits) % 256), at + #digits end
  local breaks = line_break(source, at)
  if breaks then return "\n", breaks end
  return sign, at + 1
end

local function quoted_text(source, at, quote)
  local parts, pieces, length, from = {}, { { at = 1, source = at + 1 } }, 0, at + 1
  while true do
    local stands = source:find(quote == '"' and '["\\\r\n]' or "['\\\r\n]", from)
    local sign = stands and source:sub(stands, stands)
    if not sign or sign == "\n" or sign == "\r" then fail("unfinished string", at) end
    parts[#parts + 1] = source:sub(from, stands - 1)
    length = length + stands - from
    if sign == quote then return table.concat(parts), pieces, stands + 1 end
    local value, ends = escaped(source, stands + 1)
    pieces[#pieces + 1] = { at = length + 1, source = stands }
    parts[#parts + 1], length, from = value, length + #value, ends
    pieces[#pieces + 1] = { at = length + 1, source = ends }
  end
end

--- Where the next token begins; comments are given to `comment(begins, text)`.
local function skip_blank(source, at, comment)
  while true do
    at = source:match("^%s*()", at)
    if source:sub(at, at + 1) ~= "--" then return at end
    local begins, closing = long_bracket(source, at + 2)
    local ends
    if begins then
      local _, last = source:find(closing, begins, true)
      if not last then fail("unfinished long comment", at) end
      ends = last + 1
    else
      ends = source:find("[\r\n]", at) or #source + 1
    end
    comment(at, source:sub(at, ends - 1))
    at = ends
  end
end

local function sign_at(source, at)
  for _, sign in ipairs(signs) do
    if source:sub(at, at + #sign - 1) == sign then return sign end
  end
  return source:sub(at, at)
end

--- Reads a whole source. `kind` of a token is "name", "number", "text", "end of file", or the keyword or sign itself;
--- `at` and `last` are its first and last byte; a text has `value` and `pieces`.
---@param source string
---@return table[] tokens
---@return { at: integer, text: string }[] comments
function M.read(source)
  local tokens, comments = {}, {}
  local function comment(at, text) comments[#comments + 1] = { at = at, text = text } end
  local at = source:match("^#[^\n]*()") or source:match("^\239\187\191()") or 1
  while true do
    at = skip_blank(source, at, comment)
    local token = { at = at }
    local sign = source:sub(at, at)
    local ends
    if sign == "" then
      token.kind, token.last = "end of file", at
      tokens[#tokens + 1] = token
      return tokens, comments
    end
    local word = source:match("^[%a_\128-\255][%w_\128-\255]*", at)
    if word then
      token.kind, token.value, ends = keywords[word] and word or "name", word, at + #word
    elseif sign == '"' or sign == "'" then
      token.kind = "text"
      token.value, token.pieces, ends = quoted_text(source, at, sign)
    elseif source:find("^%.?%d", at) then
      local number = source:match("^0[xX][%x.]*[pP]?[+-]?%w*", at) or source:match("^[%d.]+[eE][+-]?%w*", at)
      token.value = number or source:match("^[%d.]+%a*", at)
      token.kind, ends = "number", at + #token.value
    else
      local begins, closing = long_bracket(source, at)
      if begins then
        token.kind, token.is_long = "text", true
        token.value, token.pieces, ends = long_text(source, at, begins, closing)
      else
        token.kind = sign_at(source, at)
        ends = at + #token.kind
      end
    end
    token.last = ends - 1
    tokens[#tokens + 1] = token
    at = ends
  end
end

return M
