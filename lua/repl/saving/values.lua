--- The values behind the colons of a session's statements, as params of a runbook.
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")
local sql = require("opsh.native.sql")
local statement = require("opsh.host.repl.saving.statement")

local M = {}

local null = json.decode("null")
local reserved = { items = true, keys = true, run = true }

local Values = {}
Values.__index = Values

---@return table
function M.new() return setmetatable({ list = {}, by_name = {}, taken = options.taken() }, Values) end

local function type_of(value)
  if type(value) == "number" then
    return value == math.floor(value) and math.abs(value) <= 2 ^ 53 and "integer" or "number"
  end
  return (type(value) == "boolean" or type(value) == "string") and type(value) or nil
end

local figures = { integer = true, number = true }

-- What a runbook that was brought along gives has its type.
local declared = { [20] = "integer", [1700] = "number", [16] = "boolean", [1082] = "date" }

local function as_given(value)
  local shape = type(value) == "table" and debug.getmetatable(value)
  if not (type(shape) == "table" and shape.__typed and declared[value.oid]) then return value end
  if declared[value.oid] == "boolean" then return value.text == "true" end
  return tonumber(value.text) or value.text, declared[value.oid]
end

--- The type of a value and whether it is a list; nil for what cannot be given on a command line.
local function shape_of(value)
  if value == null then return "string", false end
  if type(value) ~= "table" then return type_of(value), false end
  if debug.getmetatable(value) or #value == 0 then return nil end
  local found
  for _, element in ipairs(value) do
    local one = type_of(element)
    if figures[one] and figures[found] and one ~= found then
      one, found = "number", "number"
    end
    if not one or found and one ~= found then return nil end
    found = one
  end
  return found, true
end

local function same(one, other)
  if type(one) ~= "table" or type(other) ~= "table" then return one == other end
  if #one ~= #other then return false end
  for at, element in ipairs(one) do
    if element ~= other[at] then return false end
  end
  return true
end

--- A name that a param may have, and that no other value of these has.
function Values:name_for(name, value)
  local wanted = name:lower():gsub("[^%w_]", "_"):gsub("^%d", "_%0")
  -- `picked` is what a plan of keys is given.
  local is_taken = reserved[wanted] or wanted:find("^picked") or self.taken[params.option_name(wanted)]
  if is_taken then wanted = "the_" .. wanted end
  local made, number = wanted, 1
  while self.by_name[made] and not same(self.by_name[made].value, value) do
    number = number + 1
    made = wanted .. "_" .. number
  end
  return made
end

--- Takes the values of a statement; returns it with the names that its params have.
---@param text string
---@param names table<string, any>
---@return string
function Values:take(text, names)
  local renamed = {}
  for _, name in ipairs(sql.placeholders(text)) do
    local value, known = as_given(names[name])
    if value == nil then
      errors.raise("refused.save", ("there is no value for :%s"):format(name), "assign it first, as a variable of Lua")
    end
    local kind, is_list = shape_of(value)
    kind = known or kind
    if not kind then
      errors.raise(
        "refused.save",
        (":%s is a value of this session that a runbook has no way to be given"):format(name),
        "a param is a number, a text, a boolean or a list of one of these; say with SQL what it stands for"
      )
    end
    local made = self:name_for(name, value)
    if not self.by_name[made] then
      local param = { name = made, type = kind, list = is_list, value = value ~= null and value or nil }
      self.by_name[made] = param
      table.insert(self.list, param)
    end
    if made ~= name then renamed[name] = made end
  end
  return next(renamed) and statement.renamed(text, renamed) or text
end

--- The values by the params' names, as a query takes them.
function Values:names()
  local names = {}
  for _, param in ipairs(self.list) do
    names[param.name] = param.value == nil and null or param.value
  end
  return names
end

return M
