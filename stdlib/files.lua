--- Files in the folders that the runbook declares: `folders = { "output", "/srv/app", ":app_dir" }`, from the script's
--- own folder on; `:name` is the folder that a param names.
local effects = require("opsh.effects")

local M = {}

--- The content of a file. Raises "file.missing".
---@param path string
---@return string
function M.read(path)
  return effects.ask({ kind = "file", reads = true, verb = "read", path = effects.text(path, "files.read: the path") })
end

--- Replaces a file's content, or makes the file: afterwards, also after a crash, there is the old content or the new
--- one. A file that is there keeps its mode and owner; a new one can be read by its owner only.
---@param path string
---@param content string
function M.write(path, content)
  if type(content) ~= "string" then effects.misuse("files.write: the content must be a text") end
  return effects.ask({
    kind = "file",
    verb = "write",
    path = effects.text(path, "files.write: the path"),
    content = content,
  })
end

return M
