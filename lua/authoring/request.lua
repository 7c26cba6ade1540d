--- What a new runbook is to be, complete and checked against the tables that it is about.
local answers = require("opsh.host.authoring.answers")
local catalog = require("opsh.host.authoring.catalog")
local errors = require("opsh.host.errors")
local expressions = require("opsh.host.authoring.expressions")
local guessed = require("opsh.host.authoring.guessed")
local host = require("opsh.native.host")
local params = require("opsh.host.authoring.params")
local source = require("opsh.host.authoring.source")
local sql = require("opsh.native.sql")
local text = require("opsh.native.text")

local M = {}

local function list_of(words)
  local list = {}
  for word in (words or ""):gmatch("[^,%s]+") do
    list[#list + 1] = word
  end
  return #list > 0 and list or nil
end

-- Names that need quotes would need them everywhere: they are written by hand.
local function require_plain(names, option)
  for _, name in ipairs(names) do
    if not name:find("^[%l_][%l%d_]*$") then
      errors.raise(
        "usage.value",
        ("--%s: %s is no plain name"):format(option, text.printable(name)),
        "lower-case letters, digits and underscores; what needs quotes is written by hand"
      )
    end
  end
end

local function require_table_name(given, option)
  local schema, name = given:match("^([^.]+)%.([^.]+)$")
  local plain = "^[%l_][%l%d_]*$"
  if (name or given):find(plain) and (schema or "public"):find(plain) then return end
  errors.raise(
    "usage.value",
    ("--%s: %s is no plain name of a table"):format(option, text.printable(given)),
    "write it as table, or schema.table, in lower case"
  )
end

local function check_texts(given)
  for _, entry in ipairs({ { "set", "value" }, { "where", "condition" } }) do
    if given[entry[1]] then expressions.check(given[entry[1]], entry[2], entry[1]) end
  end
  for _, option in ipairs({ "table", "references", "archive" }) do
    if given[option] then require_table_name(given[option], option) end
  end
end

--- How statements name a table: `plain` in FROM, `relation` where its alias is needed, `alias` before columns.
local function named(shape)
  local plain = source.table(shape.given)
  local alias = source.name(shape.name)
  return plain, plain == alias and plain or plain .. " as " .. alias, alias
end

local function column_known(shape, name)
  for _, column in ipairs(shape.columns) do
    if column.name == name then return column end
  end
end

--- Asks the target whether the author's SQL means something there.
local function try(session, request, given)
  local statements = {
    set = function(tried) return ("select %s from %s limit 0"):format(tried, request.relation) end,
    where = function(tried) return ("select 1 from %s where %s limit 0"):format(request.relation, tried) end,
  }
  for option, statement in pairs(statements) do
    local expression = given[option]
    if expression then
      local ok, err = host.protect(session.read, session, statement(params.tried(expression, request.params)))
      if not ok and (err.kind:find("^sql") or err.kind == "data") then
        errors.raise("usage.value", ("--%s: %s"):format(option, err.message), err.hint, nil, err.excerpt)
      elseif not ok then
        error(err, 0)
      end
    end
  end
end

local function match_of(given)
  if not given.match then return nil end
  local this, that = given.match:match("^%s*([^=%s]+)%s*=%s*([^=%s]+)%s*$")
  return this and { this, that } or { given.match, given.match }
end

--- The tables that it is about: of the target, or made up.
local function add_shapes(request, given, session)
  local key, match = list_of(given.key), match_of(given)
  if key then require_plain(key, "key") end
  if match then require_plain(match, "match") end
  if session then
    request.shape = catalog.shape(session, given.table, key)
    request.other = given.references and catalog.shape(session, given.references)
  else
    local columns = {}
    if match then columns[1] = { name = match[1], type = guessed.type_of(match[1]) } end
    if request.kind ~= "schema" and request.column then
      columns[#columns + 1] = { name = request.column, type = request.column_type }
    end
    request.shape = guessed.shape(given.table, key, columns, request.tried)
    local theirs = match and { { name = match[2], type = guessed.type_of(match[1]) } } or {}
    request.other = given.references and guessed.shape(given.references, nil, theirs, {})
  end
  request.match = match
end

local function is_in_key(shape, name)
  for _, column in ipairs(shape.key) do
    if column == name then return true end
  end
  return false
end

local function check_shapes(request)
  local shape, other = request.shape, request.other
  if request.kind == "schema" then
    if shape.is_real and column_known(shape, request.column) then
      errors.raise(
        "usage.column",
        ("table %s has a column %s already"):format(shape.given, request.column),
        "to fill it, take --kind backfill"
      )
    end
  elseif request.column then
    catalog.require_columns(shape, { request.column })
    if is_in_key(shape, request.column) then
      errors.raise(
        "usage.column",
        ("%s is of the key, by which rows are found again"):format(request.column),
        "take another column"
      )
    end
  end
  if request.match then
    catalog.require_columns(shape, { request.match[1] })
    catalog.require_columns(other, { request.match[2] })
  end
  if other and other.given == shape.given then
    errors.raise("usage.table", ("%s would refer to itself"):format(shape.given), "write this one by hand")
  end
  if other and #other.key > 1 then
    errors.raise(
      "usage.key",
      ("the key of %s is %s, and one column refers to one"):format(other.given, table.concat(other.key, ", ")),
      "write this one by hand"
    )
  end
end

--- The column, and the type that was given with it.
local function column_of(given, has_target)
  local column, type = given.column:match("^(%S+)%s*(.-)%s*$")
  if not column then errors.raise("usage.value", "--column is empty", "leave it out, or say what it is") end
  require_plain({ column }, "column")
  if type == "" then return column, nil end
  if not host.protect(sql.check_read, "select null::" .. type) or not type:find("^[%l][%w_ .,()%[%]]*$") then
    errors.raise("usage.value", ("--column: %s is no type"):format(text.printable(type)), "as in 'total numeric(8, 2)'")
  end
  if has_target and given.kind ~= "schema" then
    errors.raise("usage.value", "--column has a type, and the target knows it", "give the name alone")
  end
  return column, type
end

--- What is wanted, complete and checked.
---@param values table<string, string[]> options
---@param name string of the runbook
---@param session userdata|nil a native reader on the target
---@return table request
---@return table kind module of opsh.host.authoring.kinds
function M.read(values, name, session)
  local given, kind = answers.read(values, name)
  check_texts(given)
  local request = { name = name, kind = given.kind, set = given.set, where = given.where, archive = given.archive }
  if given.column then
    request.column, request.column_type = column_of(given, session ~= nil)
  end
  request.params = params.named({
    { given.where, given.where and ("For the rows with %s."):format(given.where) },
    { given.set, given.set and ("For %s, which gets %s."):format(request.column, given.set) },
  })
  request.tried = {}
  for _, option in ipairs({ "set", "where" }) do
    local expression = given[option]
    if expression then request.tried[#request.tried + 1] = params.tried(expression, request.params) end
  end
  add_shapes(request, given, session)
  check_shapes(request)
  local shape = request.shape
  request.relation_plain, request.relation, request.alias = named(shape)
  request.item = (shape.name == "item" or request.other and request.other.name == "item") and "planned" or "item"
  request.checksum_name = (shape.schema ~= "" and shape.schema or "public") .. "." .. shape.name
  if request.other then
    request.other.plain, request.other.relation, request.other.alias = named(request.other)
  end
  if session then
    try(session, request, given)
    if request.kind == "delete" then request.referring = catalog.referring(session, shape) end
  end
  return request, kind
end

return M
