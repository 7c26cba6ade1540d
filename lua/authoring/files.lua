--- Files that a command makes beside those of the person: all of them or none, and never in another's place.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local system = require("opsh.native.system")

local M = {}

-- What was made within `all_or_none`, a folder before what lies in it.
local made

local function folder_of(path) return path:match("^(.*)/[^/]*$") or "." end

--- Makes a folder and those that it lies in.
local function make_folder(path, is_private)
  if path == "" or system.file_kind(path) == "directory" then return end
  make_folder(folder_of(path))
  system.make_directory(path, not is_private)
  made[#made + 1] = path
end

local function take_back(list)
  for at = #list, 1, -1 do
    -- A folder that was made here has nothing of it any more; what else came into it stays.
    local is_empty = system.file_kind(list[at]) ~= "directory" or #system.list(list[at]) == 0
    if is_empty then host.protect(system.remove_tree, list[at]) end
  end
end

--- What the work makes with the functions of this module is gone again when it fails.
---@param work fun(): any
---@return any result of the work
function M.all_or_none(work)
  if made then return work() end
  made = {}
  local ok, result = host.protect(work)
  local list = made
  made = nil
  if ok then return result end
  take_back(list)
  error(result, 0)
end

--- Makes a folder, and those that it lies in.
---@param path string
---@param is_private? boolean nobody else may look into it
---@return boolean whether it was not there
function M.folder(path, is_private)
  return M.all_or_none(function()
    local before = #made
    make_folder(path, is_private)
    return #made > before
  end)
end

--- Writes a file of opsh's own, which may be there already.
---@param path string
---@param content string
function M.renew(path, content)
  M.all_or_none(function()
    local is_new = system.file_kind(path) == nil
    make_folder(folder_of(path))
    system.write_file(path, content, true)
    if is_new then made[#made + 1] = path end
  end)
end

--- Writes the files. Nothing is left of them when one cannot be written, or when one of them is there already
--- ("usage.exists").
---@param files { path: string, text: string }[]
function M.make(files)
  local there = {}
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
  M.all_or_none(function()
    for _, file in ipairs(files) do
      M.renew(file.path, file.text)
    end
  end)
end

return M
