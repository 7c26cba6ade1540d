--- The folders of one test: removed after it, with what it started.
local digest = require("opsh.native.digest")
local system = require("opsh.native.system")

local M = {}

local root, count, current

--- The folder of this `opsh test`, or of this worker of one; made when it is first wanted.
function M.root()
  if root then return root end
  return M.settle(("%s/opsh-test-%s"):format(system.environment("TMPDIR") or "/tmp", digest.random_hex(4)))
end

--- Makes the folder under this path.
function M.settle(path)
  system.make_directory(path)
  root, count = path, 0
  return root
end

--- Begins a test: a folder of its own, and nothing to clean up yet.
---@param file string the test file
function M.begin(file)
  local folder = M.root()
  count = count + 1
  current = { folder = ("%s/%d"):format(folder, count), beside = file:match("^(.*)/[^/]*$") or ".", at_end = {} }
  for _, name in ipairs({ "home", "state" }) do
    system.make_directory(current.folder .. "/" .. name)
  end
end

--- The test that runs now: { folder, beside, at_end, last }.
function M.current() return current end

--- Calls `work` when the test is over, the newest first.
function M.at_end(work) table.insert(current.at_end, work) end

--- Ends the test. Nothing here can change how it went.
function M.finish()
  for at = #current.at_end, 1, -1 do
    pcall(current.at_end[at])
  end
  pcall(system.remove_tree, current.folder)
  current = nil
end

--- Removes what is left when all tests are over.
function M.remove()
  if root then system.remove_tree(root) end
  root = nil
end

--- The absolute path of a file that is named from the test file's folder.
function M.beside(name)
  if name:sub(1, 1) == "/" then return name end
  return system.real_path(current.beside .. "/" .. name)
end

--- Makes a file in the test's folder; returns its path.
function M.write(name, text)
  local path = current.folder .. "/" .. name
  system.make_directory((path:match("^(.*)/[^/]*$")))
  system.write_file(path, text)
  return path
end

return M
