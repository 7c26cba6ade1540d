--- Texts as a report may have them: of those that are too long the beginning, and how long they are; and without the
--- secrets of this process, whatever format they go into.
local report = require("opsh.native.report")
local secrets = require("opsh.native.secrets")

local M = {}

--- So many bytes of a text stand in a report.
M.most = 4096

--- The beginning of a text, up to a whole character.
local function clipped(text)
  local at = M.most
  -- A byte 10xxxxxx goes on with a character.
  while at > 0 and text:byte(at + 1) >= 0x80 and text:byte(at + 1) < 0xC0 do
    at = at - 1
  end
  return ("%s… (%s)"):format(text:sub(1, at), report.bytes(#text))
end

--- Clips all texts in a document, which it changes.
---@param value table
---@return table value
function M.all(value)
  for key, inner in pairs(value) do
    if type(inner) == "string" then
      -- Before it is cut: half of a secret is not known as one.
      local shown = secrets.redacted(inner)
      rawset(value, key, #shown > M.most and clipped(shown) or shown)
    elseif type(inner) == "table" then
      M.all(inner)
    end
  end
  return value
end

return M
