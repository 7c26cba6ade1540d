--- Runs tests in this process, by their file and number.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local suite = require("opsh.host.test.suite")

local M = {}

local read = {}

--- The tests that a file declares; it is read once.
---@param path string
---@return table[] of suite.load
function M.declared(path)
  read[path] = read[path] or suite.load(path)
  return read[path]
end

local function find(test)
  local found = M.declared(test.path)[test.number]
  if found and found.name == test.name then return found end
  errors.raise(
    "test.changing",
    ("the file does not declare %q each time that it is read"):format(test.name),
    "declare the same tests in the same order, whatever the time or chance"
  )
end

--- Runs one. An interrupt is raised; anything else is a result.
---@param test opsh.host.test.Test
---@return table result of suite.run
function M.run(test)
  if test.unread then return { name = test.name, milliseconds = 0, err = test.unread } end
  local ok, found = host.protect(find, test)
  if ok then return suite.run(test.path, found) end
  if found.kind == "interrupted" then error(found, 0) end
  return { name = test.name, milliseconds = 0, err = found }
end

return M
