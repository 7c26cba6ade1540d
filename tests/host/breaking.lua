--- An opsh with something taken out, for controls: what it then lets through is what that something holds back.
local test = require("opsh.test")

local M = {}

local function with_instead(source, change)
  local file, piece, instead = unpack(change)
  local at, ends = source:find(piece, 1, true)
  local once = at ~= nil and not source:find(piece, ends + 1, true)
  test.expect.is_true(once, ("%s has the piece once: %s"):format(file, piece))
  return source:sub(1, at - 1) .. instead .. source:sub(ends + 1)
end

--- A copy of opsh's own Lua with other lines in it, as the environment that makes opsh run it.
---@param changes { [1]: string, [2]: string, [3]: string }[] a file ("lua/...", "stdlib/..."), a piece that is in it
--- once, and what stands there instead
---@return table<string, string>
function M.environment(changes)
  local tree, root = test.folder() .. "/broken", test.beside("../..")
  local copied = test.shell(("mkdir '%s' && cp -r '%s/lua' '%s/stdlib' '%s'"):format(tree, root, root, tree))
  test.expect.equal(copied.exit, 0, copied.errors)
  for _, change in ipairs(changes) do
    local file = "broken/" .. change[1]
    test.write(file, with_instead(test.shell(("cat '%s/%s'"):format(test.folder(), file)).output, change))
  end
  return { OPSH_LUA_DIR = tree }
end

return M
