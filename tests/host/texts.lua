--- Texts as they stand in Lua sources, for tests that hold translations against them. Reads the text of files only.
local test = require("opsh.test")

local M = {}

local escapes = { n = "\n", t = "\t", ["\\"] = "\\", ['"'] = '"', ["'"] = "'" }

--- The end of a literal in quotes that begins at `at`, and what it says.
local function quoted(source, at)
  local quote, parts, from = source:sub(at, at), {}, at + 1
  while true do
    local stop = source:find("[\\" .. quote .. "]", from)
    parts[#parts + 1] = source:sub(from, stop - 1)
    if source:sub(stop, stop) == quote then return stop + 1, table.concat(parts) end
    local letter = source:sub(stop + 1, stop + 1)
    parts[#parts + 1] = escapes[letter] or "\\" .. letter
    from = stop + 2
  end
end

--- The words and signs of a Lua source, in order: { text } for a literal, else what stands there. Literals that are put
--- together are one; what stands between them is a place, "%s".
---@param source string
---@return table[]
function M.tokens(source)
  local list, at = {}, 1
  local function add(token)
    local joins = list[#list] and list[#list].sign == ".."
    if joins and list[#list - 1] and list[#list - 1].text then
      list[#list] = nil
      local before = list[#list]
      if token.text then
        before.text, before.open = before.text .. token.text, nil
      elseif not before.open then
        before.text, before.open = before.text .. "%s", true
      end
    elseif list[#list] and list[#list].open and token.sign ~= ".." and not token.text then
      return
    else
      list[#list + 1] = token
    end
  end
  while at <= #source do
    local comment = source:match("^%-%-[^\n]*()", at)
    local long = source:match("^%[%[.-%]%]()", at)
    local word = source:match("^[%a_][%w_.:]*()", at)
    if comment then
      at = comment
    elseif long then
      add({ text = source:sub(at + 2, long - 3) })
      at = long
    elseif source:find("^[\"']", at) then
      local stop, text = quoted(source, at)
      add({ text = text })
      at = stop
    elseif source:find("^%.%.", at) then
      add({ sign = ".." })
      at = at + 2
    elseif word then
      add({ sign = source:sub(at, word - 1) })
      at = word
    else
      if source:find("^%S", at) then add({ sign = source:sub(at, at) }) end
      at = at + 1
    end
  end
  return list
end

--- The content of files that a pattern of the shell names, from the repository's root on.
---@param pattern string
---@return table<string, string> by path
function M.files(pattern)
  local contents = {}
  local all = test.shell(([[cd '%s' && find %s -type f -exec sh -c '
    for file; do printf "\001%%s\002" "$file"; cat "$file"; done' sh {} +]]):format(test.beside("../.."), pattern))
  for path, content in all.output:gmatch("\1([^\1\2]*)\2([^\1]*)") do
    contents[path] = content
  end
  return contents
end

--- A catalogue: { ["English"] = "other" }.
---@param source string
---@return table<string, string> texts
---@return string[] twice those that stand in it twice
function M.catalogue(source)
  local tokens, texts, twice = M.tokens(source), {}, {}
  for at = 2, #tokens - 3 do
    local key, value = tokens[at].text, tokens[at + 3].text
    if key and tokens[at - 1].sign == "[" and tokens[at + 1].sign == "]" and tokens[at + 2].sign == "=" then
      if texts[key] then twice[#twice + 1] = key end
      texts[key] = value
    end
  end
  return texts, twice
end

--- The kinds of a text's places, in order: "sds".
function M.places(text)
  local kinds = {}
  for kind in text:gsub("%%%%", ""):gmatch("%%[%d.+-]*(%a)") do
    kinds[#kinds + 1] = kind
  end
  return table.concat(kinds)
end

--- What stands between a text's places, without white space at its ends; too short to tell anything are left out.
function M.pieces(text)
  local pieces = {}
  for piece in (text .. "%s"):gsub("%%%%", "%%"):gmatch("(.-)%%[%d.+-]*%a") do
    local core = piece:match("^%s*(.-)%s*$")
    if #core > 2 then pieces[#pieces + 1] = core end
  end
  return pieces
end

return M
