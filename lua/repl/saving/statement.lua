--- A statement that was typed, taken apart at its outermost clauses and put together again. PostgreSQL's scanner says
--- where its words are; what they mean says its parser (opsh.native.shape).
local names = require("opsh.native.names")

local M = {}

-- What a line of a saved file may have of SQL.
local most_columns = 100

--- The tokens with their depth: those within parentheses, brackets and CASE are deeper than 0.
local function tokens_of(text)
  local depth, list = 0, {}
  for at, token in ipairs((names.tokens(text))) do
    local word = token.text:lower()
    local closes = word == ")" or word == "]" or word == "end" and token.keyword
    if closes then depth = depth - 1 end
    list[at] = { word = word, first = token.begin, last = token.begin + #token.text - 1, depth = depth }
    if word == "(" or word == "[" or word == "case" and token.keyword then depth = depth + 1 end
  end
  return list
end

--- The text of some tokens, with what stands between them.
local function slice(text, tokens, from, to)
  if from > to then return nil end
  return text:sub(tokens[from].first, tokens[to].last)
end

local ends_select = {
  group = true,
  having = true,
  window = true,
  union = true,
  intersect = true,
  except = true,
  order = true,
  limit = true,
  offset = true,
  fetch = true,
  ["for"] = true,
}

--- The first token from `from` on for which `is` says so, outside of parentheses; one behind the last for none.
local function find(tokens, from, is)
  for at = from, #tokens do
    if tokens[at].depth == 0 and is(tokens[at].word, at) then return at end
  end
  return #tokens + 1
end

local function word(wanted)
  return function(found) return found == wanted end
end

--- Takes a statement apart: what stands before the condition, the condition, and what stands behind it. RETURNING is
--- left out. Of an INSERT it is its SELECT's condition.
---@param text string
---@param kind string of shape.of
---@return { head: string, from: string|nil, where: string|nil, tail: string|nil } `from` is the FROM of a SELECT
function M.apart(text, kind)
  local tokens = tokens_of(text)
  local stop = find(tokens, 1, word("returning"))
  local from
  local tail = stop
  if kind == "select" or kind == "insert" then
    local begins = find(tokens, 1, function(found) return found == "select" or found == "values" end)
    from = find(tokens, begins, function(found, at) return found == "from" and tokens[at - 1].word ~= "distinct" end)
    tail = find(tokens, math.min(from, stop), function(found, at)
      local conflict = found == "on" and tokens[at + 1] and tokens[at + 1].word == "conflict"
      return ends_select[found] or conflict
    end)
    tail = math.min(tail, stop)
  end
  local where = math.min(find(tokens, from or 1, word("where")), tail)
  return {
    head = slice(text, tokens, 1, math.min(where, tail) - 1),
    from = from and from < where and slice(text, tokens, from + 1, where - 1) or nil,
    where = slice(text, tokens, where + 1, tail - 1),
    tail = slice(text, tokens, tail, stop - 1),
  }
end

--- A text without parentheses around all of it.
local function bare(text)
  while true do
    local tokens = tokens_of(text)
    if #tokens < 3 or tokens[1].word ~= "(" then return text end
    local closing = find(tokens, 2, word(")"))
    if closing ~= #tokens then return text end
    text = slice(text, tokens, 2, #tokens - 1)
  end
end

--- The parts of a condition that AND joins; the whole, when OR stands outside of parentheses.
---@param where string
---@return string[]
function M.parts(where)
  where = bare(where)
  local tokens = tokens_of(where)
  if find(tokens, 1, word("or")) <= #tokens then return { where } end
  local parts, from, between = {}, 1, false
  for at, token in ipairs(tokens) do
    if token.depth == 0 and token.word == "between" then between = true end
    if token.depth == 0 and token.word == "and" then
      if not between then
        parts[#parts + 1] = slice(where, tokens, from, at - 1)
        from = at + 1
      end
      between = false
    end
  end
  parts[#parts + 1] = slice(where, tokens, from, #tokens)
  return parts
end

--- The parts of a list within parentheses: `(a, f(b, c))` has two.
local function elements(text)
  local tokens = tokens_of(text)
  local list, from = {}, 2
  for at = 2, #tokens do
    if tokens[at].depth == 0 and tokens[at].word == ")" or tokens[at].depth == 1 and tokens[at].word == "," then
      list[#list + 1] = slice(text, tokens, from, at - 1)
      from = at + 1
    end
  end
  return list
end

--- The rows of INSERT ... VALUES: what stands before them, the expressions of each, what stands behind them.
---@param text string
---@return { head: string, rows: string[][], tail: string|nil }|nil
function M.inserted(text)
  local tokens = tokens_of(text)
  local values = find(tokens, 1, word("values"))
  local stop = find(tokens, 1, word("returning"))
  local rows, at = {}, values + 1
  while tokens[at] and tokens[at].word == "(" do
    local closing = find(tokens, at + 1, word(")"))
    rows[#rows + 1] = elements(slice(text, tokens, at, closing))
    at = closing + 1
    if tokens[at] and tokens[at].word == "," then at = at + 1 end
  end
  if #rows == 0 then return nil end
  return { head = slice(text, tokens, 1, values - 1), rows = rows, tail = slice(text, tokens, at, stop - 1) }
end

--- A text with other words behind the colons.
---@param text string
---@param renamed table<string, string>
function M.renamed(text, renamed)
  local tokens, parts, at = tokens_of(text), {}, 1
  for number, token in ipairs(tokens) do
    local before = tokens[number - 1]
    local name = before and before.word == ":" and before.last + 1 == token.first and text:sub(token.first, token.last)
    if name and renamed[name] then
      parts[#parts + 1] = text:sub(at, token.first - 1) .. renamed[name]
      at = token.last + 1
    end
  end
  return table.concat(parts) .. text:sub(at)
end

local begins_line = {
  from = true,
  where = true,
  group = true,
  having = true,
  order = true,
  limit = true,
  union = true,
  set = true,
  join = true,
  ["for"] = true,
  select = true,
  values = true,
}
local before_join = { left = true, right = true, full = true, inner = true, cross = true, outer = true, natural = true }

--- Where a line may end: before the token, with nothing but white space in between.
local function is_gap(text, tokens, at)
  return at > 1 and text:sub(tokens[at - 1].last + 1, tokens[at].first - 1):find("^%s+$") ~= nil
end

local function clause_begins(tokens, at)
  local found, before = tokens[at].word, tokens[at - 1].word
  if tokens[at].depth > 0 then return false end
  if before_join[found] then return tokens[at + 1] ~= nil and tokens[at + 1].word ~= "(" and not before_join[before] end
  if found == "from" then return before ~= "distinct" and before ~= "delete" end
  return begins_line[found] and not (found == "join" and before_join[before])
end

--- One line as several: a clause begins one, and none is too long where that can be helped.
local function broken(text)
  local tokens, lines, from = tokens_of(text), {}, 1
  local function close(at)
    lines[#lines + 1] = (#lines > 0 and "  " or "") .. slice(text, tokens, from, at - 1)
    from = at
  end
  local begun = {}
  for at = 2, #tokens do
    if is_gap(text, tokens, at) then
      local clause = clause_begins(tokens, at)
      if clause or tokens[at].last - tokens[from].first > most_columns then
        close(at)
        begun[#lines + 1] = clause
      end
    end
  end
  close(#tokens + 1)
  for at, is_clause in pairs(begun) do
    if is_clause then lines[at] = lines[at]:sub(3) end
  end
  return lines
end

--- The lines of a statement as they stand in a file, without a margin.
---@param text string
---@return string[]
---@return boolean fixed a string goes over several of them: they must stay as they are
function M.lines(text)
  if not text:find("\n") then return #text > most_columns and broken(text) or { text }, false end
  local lines, margin = {}, nil
  for line in (text .. "\n"):gmatch("(.-)%s*\n") do
    lines[#lines + 1] = line
    local blanks = #lines > 1 and line:find("%S") and #line:match("^%s*")
    if blanks then margin = math.min(margin or blanks, blanks) end
  end
  for _, token in ipairs(tokens_of(text)) do
    if text:sub(token.first, token.last):find("\n") then return lines, true end
  end
  for at = 2, #lines do
    lines[at] = lines[at]:sub((margin or 0) + 1)
  end
  local continued = {}
  for at, line in ipairs(lines) do
    local first = (line:match("^%a+") or ""):lower()
    local is_clause = at == 1 or begins_line[first] or before_join[first] or line:find("^%s")
    continued[at] = (is_clause or margin ~= 0) and line or "  " .. line
  end
  return continued, false
end

--- A statement of its parts, with these conditions.
---@param head string
---@param conditions string[]
---@param tail? string
function M.joined(head, conditions, tail)
  local lines = { unpack((M.lines(head))) }
  for at, condition in ipairs(conditions) do
    local of_condition, fixed = M.lines(condition)
    for number, line in ipairs(of_condition) do
      local before = number > 1 and (fixed and "" or "    ") or at == 1 and "where " or "  and "
      lines[#lines + 1] = before .. line
    end
  end
  local made = table.concat(lines, "\n")
  return tail and made .. "\n" .. table.concat(M.lines(tail), "\n") or made
end

--- A condition that can stand beside others.
function M.part(text)
  local tokens = tokens_of(text)
  if find(tokens, 1, word("or")) <= #tokens then return "(" .. text .. ")" end
  return text
end

return M
