--- `opsh init [FOLDER]`: a folder for runbooks, without touching what is there.
local again = require("opsh.host.commands.again")
local arguments = require("opsh.host.commands.arguments")
local errors = require("opsh.host.errors")
local files = require("opsh.host.authoring.files")
local house = require("opsh.host.authoring.house")
local made_files = require("opsh.host.authoring.made")
local new_runbook = require("opsh.host.authoring.new_runbook")
local options = require("opsh.host.options")
local request = require("opsh.host.authoring.request")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local workplace = require("opsh.host.workplace")

local config_name = "opsh.config.lua"

-- The first runbook, as `opsh new` would be asked for it.
local first = {
  name = "lower_case_emails",
  kind = { "backfill" },
  table = { "customer" },
  column = { "email" },
  set = { "lower(email)" },
}

--- A folder above that is one already.
local function house_above(folder)
  while folder ~= "/" do
    folder = folder:match("^(.+)/[^/]*$") or "/"
    local path = (folder == "/" and "" or folder) .. "/" .. config_name
    if system.file_kind(path) == "file" then return path end
  end
end

--- The real path of a folder that need not be there.
local function resolved(path)
  local rest = ""
  while not system.file_kind(path) do
    local outer, name = path:match("^(.*)/([^/]*)$")
    outer, name = outer or ".", name or path
    path, rest = outer == "" and "/" or outer, "/" .. name .. rest
  end
  return (system.real_path(path) .. rest):gsub("//+", "/")
end

local function require_free(folder, given)
  local kind = system.file_kind(folder)
  if kind and kind ~= "directory" then
    errors.raise("usage.folder", ("%s is no folder"):format(given), "name one, or a place for a new one")
  end
  if system.file_kind(folder .. "/" .. config_name) then return end
  local above = house_above(folder)
  if not above then return end
  errors.raise(
    "usage.folder",
    ("%s lies below %s, which opsh reads there"):format(given, above),
    "opsh new writes a runbook beside it; or take a folder that is not below it"
  )
end

local variables = {
  { "PGSERVICE", "service" },
  { "PGHOST", "host" },
  { "PGPORT", "port" },
  { "PGUSER", "user" },
  { "PGDATABASE", "dbname" },
}

local function quoted(value)
  return value:find("^[%w_./:@-]+$") and value or "'" .. value:gsub("[\\']", "\\%0") .. "'"
end

--- What libpq's environment says, as a connection string; nothing when that is nothing.
local function of_environment()
  local words = {}
  for _, variable in ipairs(variables) do
    local value = system.environment(variable[1])
    if value and value ~= "" then words[#words + 1] = variable[2] .. "=" .. quoted(value) end
  end
  return #words > 0 and table.concat(words, " ") or nil
end

--- The target that was given, with a name that says which it is.
local function target_of(given)
  local connect = given.db and given.db[1] or of_environment()
  if not connect then return nil end
  -- Judged as anywhere: no password in it, and libpq can read it.
  local described = workplace.open({ db = { connect } }).target.described
  local name = connect:match("service=([%w_.-]+)") or described:match("dbname='?([%w_.-]+)") or "main"
  return { name = name:find("^[%w_]") and name or "main", connect = connect }
end

local function has_runbooks(folder)
  for _, name in ipairs(system.file_kind(folder) == "directory" and system.list(folder) or {}) do
    if name:find("%.lua$") then return true end
  end
  return false
end

--- Makes what is missing; says what was there.
local function furnish(folder, given, lists)
  local function at(name) return made_files.shown(folder .. "/" .. name) end
  local function note(is_new, name)
    local list = is_new and lists.made or lists.kept
    list[#list + 1] = at(name)
  end
  local function file(name, text)
    local kind = system.file_kind(folder .. "/" .. name)
    if kind and kind ~= "file" then
      errors.raise("usage.folder", ("%s is no file"):format(at(name)), "move it away: opsh init makes one of this name")
    end
    if not kind then files.make({ { path = folder .. "/" .. name, text = text() } }) end
    note(not kind, name)
  end
  local target
  file(config_name, function()
    target = target_of(given)
    return house.config(target)
  end)
  file(".luarc.json", function() return house.luarc end)
  file(".editorconfig", function() return house.editorconfig end)
  file(".gitignore", function() return house.gitignore end)
  -- The state folder is opsh's own, and the types are those of this opsh.
  files.folder(folder .. "/.opsh", true)
  note(files.folder(folder .. "/.opsh/types"), ".opsh/types/")
  for path, text in pairs(house.types()) do
    files.renew(folder .. "/.opsh/types/" .. path, text)
  end
  note(files.folder(folder .. "/scripts"), "scripts/")
  local is_first = not has_runbooks(folder .. "/scripts")
  note(files.folder(folder .. "/scripts/lib"), "scripts/lib/")
  if is_first then
    local wanted, kind = request.read(first, first.name, nil)
    for _, path in ipairs((new_runbook.write(folder .. "/scripts", wanted, kind))) do
      lists.made[#lists.made + 1] = made_files.shown(path)
    end
  end
  return target
end

--- What git is to leave out, where somebody else wrote the file.
local function says_state(folder)
  for line in system.read_file(folder .. "/.gitignore"):gmatch("[^\n]+") do
    if line:match("^%s*/?%.opsh/?%s*$") then return true end
  end
  return false
end

return function(before, rest)
  local own = options.plain()
  for _, option in ipairs(options.host) do
    if option.name == "db" then table.insert(own, 1, option) end
  end
  local given, words = arguments.read(before, rest, {
    program = "opsh init",
    description = "Makes a folder ready for runbooks: opsh.config.lua, settings and types for editors, scripts/ with a"
      .. " first runbook, its fixture and its test. What is there stays as it is; done again it makes what is missing.",
    options = own,
    positionals = { { name = "FOLDER", help = "Where; the working directory when none is given." } },
  })
  if not given then return 0 end
  local out = screen.open(given)
  local shown = words[1] or "."
  if shown == "" then errors.raise("usage.value", "FOLDER is empty", "leave it out for the working directory") end
  local folder = resolved(shown)
  require_free(folder, shown)
  local lists = { made = {}, kept = {} }
  local target = files.all_or_none(function()
    files.folder(folder)
    return furnish(folder, given, lists)
  end)
  if not says_state(folder) then
    out.say("add /.opsh/ to .gitignore: what lies there holds rows of the database")
  end
  local here = folder == system.working_directory()
  made_files.show(out, lists, {
    (here and "" or ("cd %s && "):format(again.quoted(made_files.shown(folder)))) .. "opsh test",
    target and "opsh doctor --target " .. target.name or "opsh list",
    "opsh new clean_sessions --kind delete --table session --where 'expires_at < :before'",
  })
  return 0
end
