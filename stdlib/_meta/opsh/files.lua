---@meta opsh.files

local files = {}

---@param path string below one of the runbook's `folders`
---@return string
function files.read(path) end

--- Replaces the content, or makes the file.
---@param path string below one of the runbook's `folders`
---@param content string
function files.write(path, content) end

return files
