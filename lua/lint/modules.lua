--- The texts that a runbook takes of the modules beside it: `orders.is_open`, where orders = require("lib.orders").
local cage = require("opsh.host.cage")
local config = require("opsh.host.config")
local declared = require("opsh.host.lint.declared")
local host = require("opsh.native.host")
local walk = require("opsh.host.lint.walk")

local M = {}

--- Gives the nodes of a runbook that loads what their modules have there.
---@param path string of the runbook
---@param tree table
---@param shelf table<string, table> the modules of a folder are read once for all its runbooks
function M.resolve(path, tree, shelf)
  local folder = path:match("^(.*)/[^/]*$") or "."
  shelf[folder] = shelf[folder] or cage.environment(folder, { modules = config.modules() })
  local env = shelf[folder]
  walk.all(tree, function(node)
    if node.kind ~= "index" or not node.name then return end
    local name = declared.required(node.object)
    if not name or name:find("^opsh") then return end
    local ok, module = host.protect(env.require, name)
    local value = ok and type(module) == "table" and rawget(module, node.name)
    if type(value) == "string" then node.from_module = value end
  end)
end

return M
