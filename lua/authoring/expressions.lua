--- What an author's piece of SQL says: which columns it names, what it compares them with, which params it wants.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local names = require("opsh.native.names")
local sql = require("opsh.native.sql")

local M = {}

local comparing = {}
for sign in ("= < > <= >= <> !="):gmatch("%S+") do
  comparing[sign] = true
end
local words_of_types = { date = true, timestamp = true, timestamptz = true }

-- Words that the grammar would take for columns, too.
local operators = { between = true, interval = true }

local function is_name(token)
  return token.text:find("^[%a_][%w_]*$") ~= nil and not token.keyword and not operators[token.text:lower()]
end

-- What stands in a clause that is one piece of a statement: "select EXPRESSION", "... where EXPRESSION".
local forms = { value = "select (%s) as value", condition = "select 1 where (%s)" }

-- These differ between a plan and its apply.
local moving = {
  now = true,
  current_date = true,
  current_time = true,
  current_timestamp = true,
  localtime = true,
  localtimestamp = true,
  clock_timestamp = true,
  statement_timestamp = true,
  transaction_timestamp = true,
  timeofday = true,
  random = true,
  gen_random_uuid = true,
  age = true,
}

--- Raises unless it is one expression over a row that reads, and says the same in a plan and in its apply.
---@param text string
---@param kind "value"|"condition"
---@param option string that it came by
function M.check(text, kind, option)
  if text:find("%-%-") or text:find(";", 1, true) or text:find("/%*") then
    errors.raise("usage.value", ("--%s wants one expression of SQL, without comments"):format(option), "leave ; out")
  end
  local ok, err = host.protect(sql.check_read, forms[kind]:format(text))
  if not ok then
    errors.raise("usage.value", ("--%s: %s"):format(option, err.message), err.hint, nil, err.excerpt)
  end
  if text:find("]]", 1, true) then
    errors.raise("usage.value", ("--%s has ]], which ends a text in Lua"):format(option), "write ] ]")
  end
  local tokens = (names.tokens(text))
  for at, token in ipairs(tokens) do
    local word, after = token.text:lower(), tokens[at + 1]
    local is_column = word == "age" and not (after and after.text == "(")
    if word == "select" then
      errors.raise(
        "usage.value",
        ("--%s asks another table, which the fixture would not have"):format(option),
        "make it with the columns of this table, and write the other one into plan, recheck and fixture"
      )
    end
    if moving[word] and not is_column then
      errors.raise(
        "usage.value",
        ("--%s has %s, and what a plan says must hold when it is applied"):format(option, word),
        kind == "condition" and "take a param in its place: --where 'expires_at < :before'"
          or "take a param in its place: --set :today"
      )
    end
  end
end

--- The params that it wants, in their order.
function M.params(text) return sql.placeholders(text) end

--- The names in it that may be columns, each once.
---@return string[]
function M.names(text)
  local list, seen, tokens = {}, {}, (names.tokens(text))
  for at, token in ipairs(tokens) do
    local before, after = tokens[at - 1], tokens[at + 1]
    local is_called = after and after.text:find("^[(.']")
    local is_behind = before and (before.text:find("^:") or before.text:lower() == "as")
    if is_name(token) and not is_called and not is_behind and not seen[token.text] then
      seen[token.text] = true
      list[#list + 1] = token.text:lower()
    end
  end
  return list
end

local function literal(tokens, at)
  local token = tokens[at]
  if not token then return nil end
  if words_of_types[token.text:lower()] then
    at, token = at + 1, tokens[at + 1]
  end
  local sign = token and token.text == "-" and "-" or ""
  if sign ~= "" then token = tokens[at + 1] end
  local text = token and token.text or ""
  if text:find("^%d+%.?%d*$") then return { kind = "number", value = sign .. text } end
  local inner = text:match("^'(.*)'$")
  if not inner then return nil end
  return { kind = inner:find("^%d%d%d%d%-%d%d%-%d%d") and "date" or "text", value = inner }
end

local function word_at(tokens, at) return tokens[at] and tokens[at].text:lower() or "" end

--- What the name at a place is compared with, and how; nothing when it is compared with no value.
local function comparison(tokens, at)
  local sign, before = word_at(tokens, at + 1), at > 1 and word_at(tokens, at - 1) or "and"
  if comparing[sign] or sign == "in" or sign == "between" then
    local hint = literal(tokens, at + (sign == "in" and 3 or 2))
    if not hint then return nil end
    hint.falls, hint.is_not = sign == ">" or sign == ">=", sign == "<>" or sign == "!="
    hint.is_equal = sign == "=" or sign == "in" or sign == "between" or hint.is_not
    return hint
  elseif sign == "like" or sign == "ilike" then
    local hint = literal(tokens, at + 2)
    return hint and { kind = "text", value = (hint.value:gsub("%%", ""):gsub("_", "x")) }
  elseif sign == "is" then
    local is_not = word_at(tokens, at + 2) == "not"
    local wanted = word_at(tokens, at + (is_not and 3 or 2))
    return { kind = wanted == "null" and "null" or "boolean", is_not = is_not ~= (wanted == "false") }
  end
  local stands_alone = sign == "" or sign == "and" or sign == "or" or sign == ")"
  if stands_alone and (before == "not" or before == "and" or before == "or" or before == "(") then
    return { kind = "boolean", is_not = before == "not" }
  end
end

--- What columns are compared with, so that a fixture can have rows on both sides: by column, the first comparison.
---@param text string without params
---@return table<string, { kind: "number"|"date"|"text"|"null"|"boolean", value?: string, is_equal?: boolean,
--- is_not?: boolean, falls?: boolean }> `is_equal`: one value is meant, `is_not`: any but this, `falls`: larger ones
function M.comparisons(text)
  local found, tokens = {}, (names.tokens(text))
  for at, token in ipairs(tokens) do
    local name = token.text:lower()
    if is_name(token) and not found[name] then found[name] = comparison(tokens, at) end
  end
  return found
end

return M
