--- opsh.config.lua: data, found upward from the working directory, run in an empty environment.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local native_sql = require("opsh.native.sql")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local name = "opsh.config.lua"

-- Keys, and what their values must be: a Lua type, or one of `kinds`.
local known = {
  top = { targets = "table", runbooks = "folders", modules = "folders", lang = "language" },
  target = {
    connect = "string",
    reader = "string",
    time_zone = "string",
    role = "name",
    insecure = "text",
    protected = "boolean",
    budgets = "budgets",
    plan_max_age = "duration",
    idle = "duration",
    backup = "backup",
    tools = "tools",
  },
  backup = {
    dir = "path",
    max_age = "duration",
    level = "level",
    jobs = "number",
    keep = "number",
    keep_for = "duration",
    scratch = "string",
    attested = "attested",
  },
  attested = { command = "words", verified = "words", max_age = "duration" },
  tools = { prefix = "words", connect = "string", directory = "folder" },
  budgets = { max_rows = "count", max_seconds = "seconds", tables = "tables" },
}

local units = { s = 1, m = 60, h = 3600, d = 86400, w = 7 * 86400 }

local function find()
  local folder = system.working_directory()
  while true do
    local path = (folder == "/" and "" or folder) .. "/" .. name
    if system.file_kind(path) == "file" then return path, folder end
    if folder == "/" then return nil end
    folder = folder:match("^(.*)/[^/]*$")
    if folder == "" then folder = "/" end
  end
end

local check

local function is_texts(list, fits)
  local count = 0
  for _ in pairs(list) do
    count = count + 1
  end
  for _, word in ipairs(list) do
    local is_text = type(word) == "string" and word ~= "" and (not fits or fits(word))
    count = is_text and count - 1 or count
  end
  return #list > 0 and count == 0
end

-- Each says what is wanted, and whether a value is that; those that look into it raise what is wrong in it.
local kinds = {}

kinds.text = {
  wanted = "a text that says why",
  fits = function(value) return type(value) == "string" and value:find("%S") ~= nil end,
}
kinds.name = {
  wanted = "a name",
  fits = function(value) return type(value) == "string" and value ~= "" and value ~= "none" end,
}
kinds.duration = {
  wanted = "a number with s, m, h, d or w, as in 2h",
  fits = function(value) return M.seconds(value) ~= nil end,
}
kinds.seconds = {
  wanted = "a number of seconds, more than 0",
  fits = function(value) return type(value) == "number" and value > 0 and value < math.huge end,
}
kinds.count = {
  wanted = "a whole number, 0 or more",
  fits = function(value) return type(value) == "number" and value >= 0 and value % 1 == 0 and value < 2 ^ 53 end,
}
kinds.number = {
  wanted = "a whole number, 1 or more",
  fits = function(value) return kinds.count.fits(value) and value >= 1 end,
}
kinds.path = {
  wanted = "a path",
  fits = function(value) return type(value) == "string" and value ~= "" and not value:find("%z") end,
}
kinds.folder = {
  wanted = "a folder, from / on",
  fits = function(value) return kinds.path.fits(value) and value:sub(1, 1) == "/" end,
}
kinds.folders = {
  wanted = 'a list of folders, as in { "scripts" }',
  fits = function(value) return type(value) == "table" and (next(value) == nil or is_texts(value, kinds.path.fits)) end,
}
kinds.language = { wanted = "en or es", fits = function(value) return value == "en" or value == "es" end }
local levels = { written = true, readable = true, restored = true, equal = true }
kinds.level = {
  wanted = "written, readable, restored or equal",
  fits = function(value) return levels[value] == true end,
}
kinds.words = {
  wanted = 'a list of texts, as in { "docker", "exec", "db" }',
  fits = function(value) return type(value) == "table" and is_texts(value) end,
}

-- Tables with keys of their own; `needed` are those that must be there.
local function keys_of(named, ...)
  local needed = { ... }
  return {
    wanted = "a table" .. (#needed > 0 and " with " .. table.concat(needed, " and ") or ""),
    fits = function(value, what, path)
      check(value, known[named], what, path)
      for _, field in ipairs(needed) do
        if value[field] == nil then return false end
      end
      return true
    end,
  }
end

kinds.budgets = keys_of("budgets")
kinds.backup = keys_of("backup")
kinds.attested = keys_of("attested", "command", "verified")
kinds.tools = keys_of("tools")

local function is_name(value) return type(value) == "string" and host.protect(native_sql.qualified, value) end

kinds.tables = {
  wanted = 'a list of tables; of some of them the columns, as in { "a", b = { "column" } }',
  fits = function(value)
    local fits = type(value) == "table" and next(value) ~= nil
    for at, given in pairs(fits and value or {}) do
      if type(at) == "number" then
        fits = fits and is_name(given)
      else
        fits = fits and is_name(at) and type(given) == "table" and is_texts(given)
      end
    end
    return fits
  end,
}

function check(value, fields, what, path)
  if type(value) ~= "table" then
    local hint = what == name and "it ends with: return { targets = { ... } }" or nil
    errors.raise("usage.config", ("%s must be a table"):format(what), hint, path)
  end
  for field, given in pairs(value) do
    local kind = fields[field]
    if not kind then
      local names = {}
      for possible in pairs(fields) do
        names[#names + 1] = possible
      end
      table.sort(names)
      local meant = text.nearest(tostring(field), names)
      errors.raise(
        "usage.config",
        ("%s has an unknown key %s"):format(what, tostring(field)),
        meant and ("did you mean %s?"):format(meant) or "this opsh knows " .. table.concat(names, ", "),
        path
      )
    end
    local wanted, fits = "a " .. kind, type(given) == kind
    if kinds[kind] then
      wanted, fits = kinds[kind].wanted, kinds[kind].fits(given, ("%s: %s"):format(what, field), path)
    end
    if not fits then errors.raise("usage.config", ("%s: %s must be %s"):format(what, field, wanted), nil, path) end
  end
end

--- How long a duration is that opsh.config.lua or an option says: "90s", "30m", "2h", "1d", "4w".
---@param duration any
---@return number|nil seconds nothing when it is none
function M.seconds(duration)
  local number, unit = tostring(duration):match("^(%d+)([smhdw])$")
  local seconds = type(duration) == "string" and number and tonumber(number) * units[unit]
  return seconds and seconds > 0 and seconds or nil
end

--- A target's name is also that of a file in the state folder.
local function check_target(target, fields, path)
  local what = ("target %s"):format(tostring(target))
  if type(target) ~= "string" or not target:find("^[%w_][%w_.-]*$") then
    errors.raise("usage.config", ("%s: a name is letters, digits, _, . and -"):format(what), nil, path)
  end
  check(fields, known.target, what, path)
end

--- The configuration and where it lies.
---@return table config { targets = {...}, runbooks = {...}, modules = {...}, lang }, string|nil folder
function M.load()
  local path, folder = find()
  if not path then return { targets = {}, runbooks = {}, modules = {} }, nil end
  local chunk, message = host.load(system.read_file(path), path)
  if not chunk then
    errors.raise("usage.config", message:gsub("^.-:(%d+: )", "line %1"), "it is a Lua file that returns a table", path)
  end
  local ok, config = host.protect(setfenv(chunk, {}))
  if not ok then errors.raise("usage.config", config.message, "it is data: no functions can be called in it", path) end
  check(config, known.top, name, path)
  for target, fields in pairs(config.targets or {}) do
    check_target(target, fields, path)
  end
  return {
    targets = config.targets or {},
    runbooks = config.runbooks or {},
    modules = config.modules or {},
    lang = config.lang,
  },
    folder
end

--- A folder that opsh.config.lua names, from its own folder on.
---@param named string
---@param folder string of opsh.config.lua
---@return string
function M.resolved(named, folder) return named:sub(1, 1) == "/" and named or folder .. "/" .. named end

--- The same for runbooks, whose paths people read and paste: short where it counts from the working directory.
local function runbook_folder(named, folder)
  return folder == system.working_directory() and named or M.resolved(named, folder)
end

--- The folders of a team's runbooks: those that opsh.config.lua names, else `scripts`.
---@return string[] folders
---@return boolean named whether opsh.config.lua names them
function M.runbook_folders()
  local settings, folder = M.load()
  local folders = {}
  for at, named in ipairs(settings.runbooks) do
    folders[at] = runbook_folder(named, folder)
  end
  if #folders > 0 then return folders, true end
  return { "scripts" }, false
end

--- The same, all of which are there: one that opsh.config.lua names in vain is an error. Nothing where nobody has
--- begun.
---@return string[]|nil folders
function M.existing_runbook_folders()
  local folders, named = M.runbook_folders()
  for _, folder in ipairs(folders) do
    if not system.file_kind(folder) then
      if not named then return nil end
      errors.raise(
        "usage.config",
        ("%s names %s in runbooks, and it is not there"):format(name, folder),
        "mend the name; opsh new makes the first of these folders"
      )
    end
  end
  return folders
end

--- The folders with modules for every runbook.
---@return string[]
function M.modules()
  local settings, folder = M.load()
  local folders = {}
  for at, named in ipairs(settings.modules) do
    folders[at] = M.resolved(named, folder)
  end
  return folders
end

--- A bare word that is a runbook in one of the folders that opsh.config.lua names.
---@param word string
---@return string|nil path
function M.find_runbook(word)
  local settings, folder = M.load()
  for _, runbooks in ipairs(settings.runbooks) do
    local path = runbook_folder(runbooks, folder) .. "/" .. word .. ".lua"
    if system.file_kind(path) == "file" then return path end
  end
end

return M
