--- What a person typed: Lua, SQL or a command of the prompt; and whether it is whole.
local cage = require("opsh.host.cage")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local sql = require("opsh.native.sql")

local M = {}

-- The words that statements of PostgreSQL begin with: also those that the gate refuses, because it says why.
local statements = {}
for word in
  ([[abort alter analyze begin call checkpoint close cluster comment commit copy create deallocate declare delete
     discard do drop end execute explain fetch grant import insert listen load lock merge move notify prepare reassign
     refresh reindex release reset revoke rollback savepoint security select set show start table truncate unlisten
     update vacuum values with]]):gmatch("%a+")
do
  statements[word] = true
end

--- The text without the white space, comments and parentheses that SQL can begin with.
local function body(text)
  while true do
    local rest = text:match("^[%s(]+(.*)$") or text:match("^%-%-[^\n]*\n(.*)$") or text:match("^/%*.-%*/(.*)$")
    if not rest then return text end
    text = rest
  end
end

--- Whether it begins as a statement does, and whether it can be nothing else: `select` and `table` are names in Lua.
local function looks_like_sql(text, env)
  local word, rest = body(text):match("^(%a+)(.*)$")
  if not word or not statements[word:lower()] or rest:find("^[%w_]") then return false, false end
  local of_user = rawget(env, word) ~= nil and word ~= "select" and word ~= "table"
  local in_lua = rest:find("^%s*[=.:%[,]") or of_user or word == "do" or word == "end"
  return true, not in_lua and (rest:find("^%s*$") ~= nil or sql.statements(text).ended)
end

-- What is longer is no chunk but a file.
local longest = 2 ^ 20

local function is_unfinished(message)
  return message:find("'<eof>'$") ~= nil and not message:find("unfinished string", 1, true)
end

--- Lua, or what is wrong with it.
---@return function|nil chunk
---@return boolean|nil unfinished
local function as_lua(text, name)
  local chunk, about_value = host.load("return " .. text, name)
  if chunk then return chunk end
  local about_statement
  chunk, about_statement = host.load(text, name)
  if chunk then return chunk end
  return nil, is_unfinished(about_value) or is_unfinished(about_statement)
end

local function as_sql(text, is_last)
  local found = sql.statements(text)
  if found.ended or is_last then return { kind = "sql", statements = found } end
  return nil
end

--- `select 1 \gx`: a statement, and the command that ends it in a semicolon's place.
local function with_command(text, env)
  -- What follows has no quote: behind a backslash within a string there is at least the one that closes it.
  local head, word, rest = text:match("^(.-)\\(%a+)%s*([%w%s=.]-)%s*$")
  if not head or not select(2, looks_like_sql(head .. ";", env)) then return nil end
  local found = sql.statements(head .. ";")
  -- Within a string or a comment a backslash is a part of it.
  if not found.ended or #found == 0 then return nil end
  return { kind = "sql", statements = found, ended_by = { word = word, rest = rest } }
end

--- Reads what was typed so far.
---@param text string
---@param env table the globals: a name that the person gave is no word of SQL
---@param place { name: string, line: integer, is_last: boolean } for messages; nothing more will come
---@return table|nil chunk { kind = "lua", run }, { kind = "sql", statements, ended_by = { word, rest } or nil } or
--- { kind = "command", word, rest }; nil when more is to come
function M.read(text, env, place)
  if #text > longest then
    errors.raise("usage.input", ("a chunk has at most %d bytes"):format(longest), "make a runbook of it, or a module")
  end
  local word, rest = text:match("^%s*\\(%S*)%s*(.-)%s*$")
  if word then return { kind = "command", word = word, rest = rest } end
  local ended = text:find("\\", 1, true) and with_command(text, env)
  if ended then return ended end
  -- As many lines as came before it, so that messages count them all.
  local above = ("\n"):rep(place.line - 1)
  local expression = text:match("^%s*=(.*)$")
  local begins_like_sql, is_sql = false, false
  if not expression then
    begins_like_sql, is_sql = looks_like_sql(text, env)
  end
  if is_sql then return as_sql(text, place.is_last) end
  local source = expression and "return " .. expression or text
  local run, unfinished = as_lua(above .. source, place.name)
  if run then return { kind = "lua", run = setfenv(run, env) } end
  if unfinished and not place.is_last then return nil end
  if begins_like_sql then return as_sql(text, place.is_last) end
  -- Raises, with the place.
  return { kind = "lua", run = cage.compile(place.name, above .. source, env) }
end

--- Reads a text that is SQL, or a command of the prompt, whatever it would be in Lua: that of -c.
---@param text string
---@return table chunk
function M.read_sql(text)
  local word, rest = text:match("^%s*\\(%S*)%s*(.-)%s*$")
  if word then return { kind = "command", word = word, rest = rest } end
  return with_command(text, {}) or { kind = "sql", statements = sql.statements(text) }
end

return M
