--- What a statement that somebody is typing says of its tables: names, aliases, WITH, and where in it the cursor is.
local names = require("opsh.native.names")

local M = {}

-- Words that a table's name follows, and words that end a list of tables.
local introduces = { from = true, join = true, update = true, into = true, table = true, only = true, truncate = true }
local ends_list = {}
for word in
  ([[where on using group order having limit offset fetch for union intersect except set values returning select when
     window join left right inner full cross natural as with]]):gmatch("%a+")
do
  ends_list[word] = true
end

--- The statement that has the cursor: its tokens, each with its parentheses, and how many stand before the cursor.
local function statement(text, point)
  local list, broken = names.tokens(text)
  local first, last = 1, #list
  for at, token in ipairs(list) do
    token.word = token.text:lower()
    if token.text == ";" then
      if token.begin <= point then
        first = at + 1
      else
        last = at - 1
        break
      end
    end
  end
  local found, stack, before = {}, {}, 0
  for at = first, last do
    local token = list[at]
    if token.text == ")" then stack[#stack] = nil end
    token.within = { unpack(stack) }
    if token.text == "(" then stack[#stack + 1] = #found + 1 end
    found[#found + 1] = token
    if token.begin <= point then before = #found end
  end
  return found, before, broken
end

local function is_name(token)
  return token ~= nil and not token.keyword and token.text:find('^["%a_\128-\255]') ~= nil
end

--- Whether what stands in these parentheses is seen from those.
local function sees(inner, outer)
  for at, one in ipairs(outer) do
    if inner[at] ~= one then return false end
  end
  return true
end

local function closing(tokens, open)
  for at = open + 1, #tokens do
    if tokens[at].text == ")" and #tokens[at].within == #tokens[open].within then return at end
  end
  return #tokens + 1
end

local columns_of_select

--- A table's name from `at` on, its alias, and where that ends.
local function reference(tokens, at)
  local token = tokens[at]
  local found = { within = token.within }
  if token.text == "(" then
    found.open, found.close = at, closing(tokens, at)
    at = found.close + 1
  elseif is_name(token) then
    found.name, at = token.text, at + 1
    if tokens[at] and tokens[at].text == "." and is_name(tokens[at + 1]) then
      found.name, at = found.name .. "." .. tokens[at + 1].text, at + 2
    end
    if tokens[at] and tokens[at].text == "(" then at = closing(tokens, at) + 1 end
  else
    return nil, at + 1
  end
  found.alias = found.name and found.name:match("([^.]+)$")
  if tokens[at] and tokens[at].word == "as" then at = at + 1 end
  if is_name(tokens[at]) and not ends_list[tokens[at].word] then
    found.alias, found.named, at = tokens[at].text, true, at + 1
  end
  return found, at
end

--- The tables of FROM, JOIN, UPDATE, INTO, in their order.
local function references(tokens)
  local list = {}
  for at, token in ipairs(tokens) do
    local before = tokens[at - 1] and tokens[at - 1].word
    local more = introduces[token.word] and not (token.word == "from" and before == "distinct")
    local place = at + 1
    while more and tokens[place] do
      local found
      if tokens[place].word == "only" or tokens[place].word == "lateral" then place = place + 1 end
      if not tokens[place] then break end
      found, place = reference(tokens, place)
      if found then list[#list + 1] = found end
      more = found and tokens[place] and tokens[place].text == "," and token.word ~= "into"
      place = place + 1
    end
  end
  return list
end

--- The names of WITH, each with what it selects.
local function with_names(tokens)
  local list = {}
  for at, token in ipairs(tokens) do
    local before = tokens[at - 1] and tokens[at - 1].word
    if is_name(token) and (before == "with" or before == "recursive" or before == ",") then
      local place = at + 1
      local columns
      if tokens[place] and tokens[place].text == "(" then
        columns = {}
        local close = closing(tokens, place)
        for inner = place + 1, close - 1 do
          if is_name(tokens[inner]) then columns[#columns + 1] = tokens[inner].text end
        end
        place = close + 1
      end
      if tokens[place] and tokens[place].word == "as" then
        place = place + 1
        while tokens[place] and (tokens[place].word == "not" or tokens[place].word == "materialized") do
          place = place + 1
        end
        if tokens[place] and tokens[place].text == "(" then
          list[token.text] = { open = place, close = closing(tokens, place), columns = columns }
        end
      end
    end
  end
  return list
end

--- The columns that a table of the statement has.
---@param scene table of M.read
---@param found table of references
---@param catalog table
---@param level? integer
function M.columns(scene, found, catalog, level)
  level = level or 0
  if level > 4 then return {} end
  local with = found.name and scene.with[found.name]
  if with and with.columns then return with.columns end
  if with or found.open then return columns_of_select(scene, with or found, catalog, level + 1) end
  local relation = found.name and catalog:relation(found.name)
  return relation and catalog:columns(relation) or {}
end

--- What a SELECT in parentheses gives names to: the last name of each entry of its list, all columns for a star.
function columns_of_select(scene, place, catalog, level)
  local tokens, list, last = scene.tokens, {}, nil
  local depth = #(tokens[place.open].within) + 1
  local began = false
  for at = place.open + 1, math.min(place.close, #tokens + 1) do
    local token = tokens[at]
    local over = at == place.close or not token
    over = over or #token.within == depth and (token.word == "from" or token.text == ",")
    if over then
      if last == "*" then
        for _, found in ipairs(scene.references) do
          if #found.within == depth and found.within[depth] == place.open then
            for _, column in ipairs(M.columns(scene, found, catalog, level)) do
              list[#list + 1] = column
            end
          end
        end
      elseif last then
        list[#list + 1] = last
      end
      last = nil
      if not token or at == place.close or token.word == "from" then break end
    elseif #token.within == depth then
      if token.word == "select" then
        began = true
      elseif began and (is_name(token) or token.text == "*") then
        last = token.text
      end
    end
  end
  return list
end

--- Reads what is typed.
---@param text string
---@param point integer bytes before the cursor
---@return table|nil scene { tokens, before = tokens in front of what is being typed, references, with, within }; nil
--- within a string or a comment
function M.read(text, point)
  local _, _, broken = statement(text:sub(1, point), point)
  if broken then return nil end
  local tokens, before = statement(text, point)
  local scene = { tokens = tokens, before = before, references = references(tokens), with = with_names(tokens) }
  local last = tokens[before]
  scene.within = last and { unpack(last.within) } or {}
  if last and last.text == "(" then table.insert(scene.within, before) end
  return scene
end

--- The tables that are seen from the cursor, the innermost first.
function M.visible(scene)
  local list = {}
  for _, found in ipairs(scene.references) do
    if sees(scene.within, found.within) and found.alias then list[#list + 1] = found end
  end
  table.sort(list, function(one, other) return #one.within > #other.within end)
  return list
end

return M
