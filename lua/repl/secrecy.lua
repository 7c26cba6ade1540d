--- What must not be kept of what somebody typed.
local M = {}

--- Passwords by the way in which they are written, in lower case.
local patterns = {
  "%f[%a]password%s*=>?%s*%S", -- of a connection string, and of a table of Lua
  "%f[%a]passwd%s*=%s*%S",
  "%f[%a]pgpassword%s*=%s*%S",
  "%f[%a]password%s+e?'", -- of CREATE ROLE and ALTER USER
  "%f[%a]password%s+%$",
  "://[^%s/@:]*:[^%s/@]+@", -- of a URI
  "%f[%a]identified%s+by%s+'",
}

--- Whether a text looks as if there were a password in it. That of a comparison (`password = $1`) counts as one: a line
--- too few in the history is no loss.
---@param text string
---@return boolean
function M.has_password(text)
  local lower = text:lower()
  for _, pattern in ipairs(patterns) do
    if lower:find(pattern) then return true end
  end
  return false
end

return M
