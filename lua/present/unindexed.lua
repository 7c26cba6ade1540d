--- Foreign keys without an index that would make a delete slow, each with what helps.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local text = require("opsh.native.text")

local M = {}

local _, array = json.metatables()

---@param job table planned
---@return string
function M.render(job)
  local lines = {}
  for at, key in ipairs(job.unindexed or {}) do
    lines[at] = lang.format(
      "\nno index serves the foreign key %s: each row deleted from %s makes the server read all of %s\n",
      text.printable(key.name),
      text.printable(key.referred_table),
      text.printable(key.table)
    ) .. ("  %s\n"):format(text.printable(key.index_ddl))
  end
  return table.concat(lines)
end

--- The same for the document of --json.
function M.document(job)
  local keys, list = { "name", "table", "referred_table", "index_ddl" }, {}
  for at, key in ipairs(job.unindexed or {}) do
    local shown = {}
    for _, name in ipairs(keys) do
      shown[name] = key[name]
    end
    list[at] = setmetatable(shown, { __columns = keys })
  end
  return setmetatable(list, array)
end

return M
