--- Declared parameters: from text to values, for Lua and for SQL.
local errors = require("opsh.host.errors")
local lang = require("opsh.host.lang")
local system = require("opsh.native.system")
local system_text = require("opsh.native.text")
local decimal = require("opsh.native.decimal")
local secrets = require("opsh.native.secrets")

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

--- Stands for a secret value wherever values are shown or recorded.
M.mask = "***"

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

--- The environment variable that a secret param is taken from.
function M.environment_name(name) return "OPSH_PARAM_" .. name:upper() end

local function ways(param)
  local name = M.environment_name(param.name)
  return ("set $%s, or $%s_FILE to a file that only you can read, or answer a prompt on a terminal"):format(name, name)
end

local function help_of(param)
  local help = param.help and lang.message(param.help)
  if not param.secret then return help or "" end
  local name = M.environment_name(param.name)
  local from = lang.format(
    "Secret: from $%s, the file in $%s_FILE or a prompt, never from here%s.",
    name,
    name,
    param.required and lang.text("; required") or ""
  )
  return help and help .. " " .. from or from
end

--- The declared parameters as options for the command line; a secret one is there to be refused with the ways to give
--- it.
function M.options(params)
  local options = {}
  for _, param in ipairs(params) do
    local default = param.default
    options[#options + 1] = {
      name = M.option_name(param.name),
      value = param.type ~= "boolean" and (param.type == "choice" and "CHOICE" or param.type:upper()) or "",
      negatable = param.type == "boolean" and not param.list,
      list = param.list,
      help = help_of(param),
      default_text = default ~= nil and (type(default) == "table" and table.concat(default, ", ") or tostring(default))
        or "",
      choices = param.choices,
      required = param.required and not param.secret,
      group = "parameters of this runbook",
    }
  end
  return options
end

local function wrong(param, text, wanted)
  errors.raise(
    "usage.parameter",
    ("--%s wants %s, not %s"):format(
      M.option_name(param.name),
      wanted,
      param.secret and "what was given (it is secret)" or ("%q"):format(text)
    ),
    param.help or "see --help"
  )
end

--- What is given for a secret outside the command line; nothing when that is nothing.
---@param wanted boolean whether to ask the person for it
local function secret_text(param, wanted)
  local name = M.environment_name(param.name)
  local value, path = system.environment(name), system.environment(name .. "_FILE")
  if value and value ~= "" then return value end
  if path and path ~= "" then return secrets.read(path) end
  local answer = wanted and secrets.ask(("%s: "):format(M.option_name(param.name)))
  return answer and answer ~= "" and answer or nil
end

--- A secret's texts, hidden from here on. A run records only that there was one.
local function secret_texts(param, texts, recorded)
  local option = M.option_name(param.name)
  if texts and not recorded then
    errors.raise(
      "usage.secret",
      ("--%s is secret, and on the command line other users and the shell's history see it"):format(option),
      ways(param)
    )
  end
  if recorded and not texts then return nil end
  local value = secret_text(param, recorded or param.required)
  if not value then
    if not recorded then return nil end
    errors.raise("usage.missing", ("the value of --%s is secret, and recorded nowhere"):format(option), ways(param))
  end
  if value:find("%c") or not secrets.hide(value) then
    errors.raise(
      "usage.secret",
      ("--%s is secret, and must have four characters or more, and no control characters"):format(option),
      "what is shorter cannot be hidden where it would be shown"
    )
  end
  return { value }
end

local function texts_of(param, given, recorded)
  local texts = given[M.option_name(param.name)]
  if param.secret then return secret_texts(param, texts, recorded) end
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
---@param recorded? boolean `given` is what a run recorded: a secret that is not in it was not given
---@return table values for Lua, by name
---@return table scope for SQL, by name
---@return table texts canonical texts by option name, which read back give the same; of a secret only the mask
function M.values(params, given, recorded)
  local values, scope, texts = {}, {}, {}
  for _, param in ipairs(params) do
    local type, raw = types[param.type], texts_of(param, given, recorded)
    if raw == nil then
      if param.required then
        errors.raise(
          "usage.missing",
          ("--%s is required"):format(M.option_name(param.name)),
          param.secret and ways(param) or param.help or "see --help"
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
      texts[M.option_name(param.name)] = param.secret and { M.mask } or canonical
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
