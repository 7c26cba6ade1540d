--- Declared parameters: from text to values, for Lua and for SQL.
local errors = require("opsh.host.errors")
local system_text = require("opsh.native.text")
local decimal = require("opsh.native.decimal")

local M = {}

local typed = { __typed = true, __metatable = "opsh.typed" }

-- PostgreSQL's type oids (pg_type.dat): a parameter has its type wherever it stands, also in `:scenario is null`. Text
-- is left to the server, so that it can be compared with a uuid or an enum.
local types = {
  string = { list = 1009 },
  choice = { list = 1009 },
  integer = { scalar = 20, list = 1016 },
  number = { scalar = 1700, list = 1231 },
  boolean = { scalar = 16, list = 1000 },
  date = { scalar = 1082, list = 1182 },
}

M.types = { "string", "integer", "number", "boolean", "choice", "date" }

--- A value with its type, as the native side takes it.
function M.typed(oid, text) return setmetatable({ oid = oid, text = text }, typed) end

local function days_in(year, month)
  if month == 2 then return (year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)) and 29 or 28 end
  return (month == 4 or month == 6 or month == 9 or month == 11) and 30 or 31
end

-- text -> canonical text, or nil and what was wanted
local readers = {}

function readers.string(text) return text end

function readers.integer(text)
  local digits = text:match("^%s*([+-]?%d+)%s*$")
  if not digits then return nil, "an integer" end
  digits = digits:gsub("^%+", "")
  if decimal.compare(digits, "9223372036854775807") > 0 or decimal.compare(digits, "-9223372036854775808") < 0 then
    return nil, "an integer within 64 bits"
  end
  return digits
end

function readers.number(text)
  if decimal.compare(text, "0") == nil or not text:match("%d") then return nil, "a number" end
  return text
end

function readers.boolean(text)
  local known = { [""] = "true", ["true"] = "true", ["false"] = "false", yes = "true", no = "false" }
  if not known[text] then return nil, "true or false" end
  return known[text]
end

function readers.date(text)
  local year, month, day = text:match("^(%d%d%d%d)-(%d%d)-(%d%d)$")
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  if not year or year < 1 or month < 1 or month > 12 or day < 1 or day > days_in(year, month) then
    return nil, "a date, YYYY-MM-DD"
  end
  return text
end

function readers.choice(text, param)
  for _, choice in ipairs(param.choices) do
    if choice == text then return text end
  end
  local meant = system_text.nearest(text, param.choices)
  return nil, "one of " .. table.concat(param.choices, ", ") .. (meant and (" (did you mean " .. meant .. "?)") or "")
end

-- Numbers that Lua holds exactly are numbers, the others stay text.
local function lua_value(type, text)
  if type == "boolean" then return text == "true" end
  if type == "integer" or type == "number" then
    local number = tonumber(text)
    if decimal.compare(("%.17g"):format(number), text) == 0 and math.abs(number) <= 2 ^ 53 then return number end
  end
  return text
end

--- Reads one text as the parameter's type.
---@return string|nil canonical, string|nil wanted
function M.read(param, text)
  local canonical, wanted = readers[param.type](text, param)
  if canonical and param.pattern then
    local ok, found = pcall(string.find, canonical, param.pattern)
    if not ok then
      errors.raise("script.declaration", ("param %s: its pattern is no Lua pattern: %s"):format(param.name, found))
    end
    if not found then return nil, "text like " .. param.pattern end
  end
  return canonical, wanted
end

local function array_text(values)
  local quoted = {}
  for _, value in ipairs(values) do
    quoted[#quoted + 1] = '"' .. value:gsub('[\\"]', "\\%0") .. '"'
  end
  return "{" .. table.concat(quoted, ",") .. "}"
end

--- The option's name on the command line.
function M.option_name(name) return (name:gsub("_", "-")) end

--- The declared parameters as options for the command line.
function M.options(params)
  local options = {}
  for _, param in ipairs(params) do
    local default = param.default
    options[#options + 1] = {
      name = M.option_name(param.name),
      value = param.type ~= "boolean" and (param.type == "choice" and "CHOICE" or param.type:upper()) or "",
      negatable = param.type == "boolean" and not param.list,
      list = param.list,
      help = param.help or "",
      default_text = default ~= nil and (type(default) == "table" and table.concat(default, ", ") or tostring(default))
        or "",
      choices = param.choices,
      required = param.required,
      group = "parameters of this runbook",
    }
  end
  return options
end

local function wrong(param, text, wanted)
  errors.raise(
    "usage.parameter",
    ("--%s wants %s, not %q"):format(M.option_name(param.name), wanted, text),
    param.help or "see --help"
  )
end

local function texts_of(param, given)
  local texts = given[M.option_name(param.name)]
  if texts then return texts end
  if param.default == nil then return nil end
  local defaults = type(param.default) == "table" and param.default or { param.default }
  local list = {}
  for _, value in ipairs(defaults) do
    list[#list + 1] = tostring(value)
  end
  return list
end

--- Reads what was given for the declared parameters.
---@param params table[] in order, each with its name
---@param given table<string, string[]> by option name
---@return table values for Lua, by name
---@return table scope for SQL, by name
---@return table texts canonical texts by name, which read back give the same
function M.values(params, given)
  local values, scope, texts = {}, {}, {}
  for _, param in ipairs(params) do
    local type, raw = types[param.type], texts_of(param, given)
    if raw == nil then
      if param.required then
        errors.raise(
          "usage.missing",
          ("--%s is required"):format(M.option_name(param.name)),
          param.help or "see --help"
        )
      end
      scope[param.name] = M.typed(param.list and type.list or type.scalar or 0, nil)
    else
      local canonical, list = {}, {}
      for at, text in ipairs(raw) do
        local read, wanted = M.read(param, text)
        if read == nil then wrong(param, text, wanted) end
        canonical[at], list[at] = read, lua_value(param.type, read)
      end
      texts[M.option_name(param.name)] = canonical
      if param.list then
        values[param.name], scope[param.name] = list, M.typed(type.list, array_text(canonical))
      else
        values[param.name], scope[param.name] = list[1], M.typed(type.scalar or 0, canonical[1])
      end
    end
  end
  return values, scope, texts
end

return M
