--- An opsh with something taken out, for controls: what it then lets through is what that something holds back.
local test = require("opsh.test")

local M = {}

-- Replaces a piece of a file that is in it once.
local edit = [[
import sys
file, piece, instead = sys.argv[1:]
text = open(file).read()
assert text.count(piece) == 1, piece
open(file, "w").write(text.replace(piece, instead))
]]

--- A copy of opsh's own Lua with other lines in it, as the environment that makes opsh run it.
---@param changes { [1]: string, [2]: string, [3]: string }[] file below lua/, a piece of it, and what stands there
--- instead
---@return table<string, string>
function M.environment(changes)
  local tree = test.folder() .. "/broken"
  local places = { TREE = tree, LUA = test.beside("../../lua"), STDLIB = test.beside("../../stdlib") }
  local copied = test.shell('mkdir "$TREE" && cp -r "$LUA" "$STDLIB" "$TREE"', { environment = places })
  test.expect.equal(copied.exit, 0, copied.errors)
  local editor = test.write("edit.py", edit)
  for _, change in ipairs(changes) do
    local edited = test.shell('python3 "$EDITOR" "$FILE" "$PIECE" "$INSTEAD"', {
      environment = {
        EDITOR = editor,
        FILE = tree .. "/lua/" .. change[1],
        PIECE = change[2],
        INSTEAD = change[3],
        PATH = "/usr/local/bin:/usr/bin:/bin",
      },
    })
    test.expect.equal(edited.exit, 0, change[1] .. edited.errors)
  end
  return { OPSH_LUA_DIR = tree }
end

return M
