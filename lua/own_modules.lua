--- Modules that a team wrote: which file a name means. Only what lies in a script's folders, and is reached through no
--- symbolic link that leads out of them.
local errors = require("opsh.host.errors")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

--- The folder that a file lies in.
---@param path string
---@return string
function M.folder_of(path)
  local folder = path:match("^(.*)/[^/]*$")
  return folder == "" and "/" or folder or "."
end

local function below(folder, path) return (folder == "/" and "" or folder) .. "/" .. path end

--- Whether a file, with all symbolic links followed, lies in the folder.
---@param path string
---@param folder string
function M.lies_in(path, folder)
  local home = below(system.real_path(folder), "")
  return system.real_path(path):sub(1, #home) == home
end

local function is_name(name) return ("." .. name):gsub("%.[%w_]+", "") == "" end

local function file_of(folder, name) return below(folder, name:gsub("%.", "/") .. ".lua") end

--- Names of the modules that lie where one of this name would.
local function neighbours(folders, name)
  local before, found = name:match("^(.*%.)[^.]*$") or "", {}
  for _, folder in ipairs(folders) do
    local place = M.folder_of(file_of(folder, name))
    for _, file in ipairs(system.file_kind(place) == "directory" and system.list(place) or {}) do
      local stem = file:match("^([%w_]+)%.lua$")
      if stem then found[#found + 1] = before .. stem end
    end
  end
  return found
end

local function raise_missing(folders, name)
  local hint
  if is_name(name) then
    local meant, places = text.nearest(name, neighbours(folders, name)), {}
    for at, folder in ipairs(folders) do
      places[at] = file_of(folder, name)
    end
    hint = meant and ("did you mean %s?"):format(meant)
      or ("it would be %s; opsh.config.lua may name more folders as modules"):format(errors.either(places))
  else
    local meant = name:gsub("%.lua$", ""):gsub("^%./", ""):gsub("/", ".")
    hint = is_name(meant) and ('folders are written with dots, the file without its end: require("%s")'):format(meant)
      or "a module's name is letters, digits and _, with a dot after each folder"
  end
  errors.raise("script.module", "there is no module " .. text.printable(name), text.printable(hint))
end

--- The files that a name could mean, in the order in which the folders are looked at: the first is it.
---@param folders string[]
---@param name string
---@return { path: string, folder: string }[]
function M.all(folders, name)
  local found = {}
  for _, folder in ipairs(is_name(name) and folders or {}) do
    local path = file_of(folder, name)
    if system.file_kind(path) == "file" then found[#found + 1] = { path = path, folder = folder } end
  end
  return found
end

--- The path of a module in the first of the folders that has it; else an error that says what was looked for.
---@param folders string[]
---@param name string
---@return string path
function M.find(folders, name)
  local found = M.all(folders, name)[1] or raise_missing(folders, name)
  if not M.lies_in(found.path, found.folder) then
    errors.raise("script.module", ("module %s lies outside %s"):format(name, found.folder), "keep the file in it")
  end
  return found.path
end

return M
