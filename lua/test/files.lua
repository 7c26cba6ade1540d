--- The test files that there are, and the tests that they declare.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local runner = require("opsh.host.test.runner")
local system = require("opsh.native.system")

local M = {}

local usual_paths = { "tests", "scripts", "docs" }

local function collect(path, files)
  if system.file_kind(path) == "file" then
    files[#files + 1] = path
    return
  end
  for _, name in ipairs(system.list(path)) do
    local inner = path .. "/" .. name
    if system.file_kind(inner) == "directory" or name:find("_test%.lua$") then collect(inner, files) end
  end
end

--- The paths of all that `words` name, or of those in the usual folders. None is an error.
---@param words string[] files and folders
---@return string[]
function M.find(words)
  local files, given = {}, #words > 0
  for _, path in ipairs(given and words or usual_paths) do
    if system.file_kind(path) then
      collect(path, files)
    elseif given then
      errors.raise(
        "usage.tests",
        ("there is no file or folder %s"):format(path),
        "name test files, or folders of files *_test.lua"
      )
    end
  end
  if #files == 0 then
    errors.raise(
      "usage.tests",
      ("no test files in %s"):format(table.concat(given and words or usual_paths, ", ")),
      "a test file's name ends in _test.lua"
    )
  end
  return files
end

---@class opsh.host.test.Test
---@field path string of its file
---@field number integer in its file
---@field name string
---@field at integer among those that are to be run of the file
---@field together? table the same for tests that share what they make
---@field unread? table why the file could not be read: then this stands for its tests

---@class opsh.host.test.File
---@field path string
---@field tests opsh.host.test.Test[]

local function picked(path, declared, filter)
  local tests = {}
  for number, test in ipairs(declared) do
    if not filter or test.name:find(filter, 1, true) then
      tests[#tests + 1] =
        { path = path, number = number, name = test.name, at = #tests + 1, together = test.group.together }
    end
  end
  return tests
end

--- Reads the files. Those without a test that `filter` picks are left out; no test at all is an error. A file that
--- cannot be read is a test that fails.
---@param paths string[]
---@param filter? string
---@return opsh.host.test.File[]
function M.read(paths, filter)
  local files = {}
  for _, path in ipairs(paths) do
    local ok, declared = host.protect(runner.declared, path)
    if not ok and declared.kind == "interrupted" then error(declared, 0) end
    local tests = ok and picked(path, declared, filter)
      or { { path = path, number = 0, name = "the file can be read", at = 1, unread = declared } }
    if #tests > 0 then files[#files + 1] = { path = path, tests = tests } end
  end
  if #files == 0 then
    errors.raise("usage.tests", filter and ("no test's name has %q"):format(filter) or "the files have no tests", "")
  end
  return files
end

return M
