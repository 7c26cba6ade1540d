--- Files that a command makes beside those of the person: all of them or none, and never in another's place.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local system = require("opsh.native.system")

local M = {}

local function folder_of(path) return path:match("^(.*)/[^/]*$") or "." end

--- Makes a folder and those that it lies in; adds what was not there to `made`, outer ones first.
local function make_folder(path, made)
  if path == "" or system.file_kind(path) == "directory" then return end
  make_folder(folder_of(path), made)
  system.make_directory(path, true)
  made[#made + 1] = path
end

--- Makes a folder, and those that it lies in.
---@param path string
---@return boolean whether it was not there
function M.folder(path)
  local made = {}
  make_folder(path, made)
  return #made > 0
end

--- Writes the files. Nothing is left of them when one cannot be written, or when one of them is there already
--- ("usage.exists").
---@param files { path: string, text: string }[]
function M.make(files)
  local there, made, folders = {}, {}, {}
  for _, file in ipairs(files) do
    if system.file_kind(file.path) then there[#there + 1] = file.path end
  end
  if #there > 0 then
    errors.raise(
      "usage.exists",
      ("%s is there already"):format(table.concat(there, ", ")),
      "nothing was written; take another name, or remove what is there"
    )
  end
  local ok, err = host.protect(function()
    for _, file in ipairs(files) do
      make_folder(folder_of(file.path), folders)
      system.write_file(file.path, file.text, true)
      made[#made + 1] = file.path
    end
  end)
  if ok then return end
  for _, path in ipairs(made) do
    host.protect(system.remove_tree, path)
  end
  -- Only what was made here, and so is empty again.
  for at = #folders, 1, -1 do
    if #system.list(folders[at]) == 0 then host.protect(system.remove_tree, folders[at]) end
  end
  error(err, 0)
end

return M
