--- The modules that a team wrote: the texts that a runbook takes of them (`orders.is_open`, where
--- orders = require("lib.orders")), and where it requires them.
local cage = require("opsh.host.cage")
local config = require("opsh.host.config")
local declared = require("opsh.host.lint.declared")
local host = require("opsh.native.host")
local own_modules = require("opsh.host.own_modules")
local roles = require("opsh.host.lint.roles")
local walk = require("opsh.host.lint.walk")

local M = {}

--- The name of a team's module that a call requires.
local function required(node)
  if node.kind ~= "call" then return nil end
  local name = declared.required(node)
  return name and name ~= "opsh" and not name:find("^opsh%.") and name or nil
end

--- What a run consists of is recorded before it begins.
local function look_at_place(review, node, name)
  if #roles.places(node.owner) == 0 then return end
  review:add(
    "late-module",
    node.at,
    ("module %s is required when the run has begun, which is refused"):format(name),
    "say require at the head of the file, outside of every function"
  )
end

--- The first of the folders that has a module wins: which one it is should not hang on their order.
local function look_at_others(review, node, name, folders)
  local found = own_modules.all(folders, name)
  if #found < 2 then return end
  review:add(
    "hidden-module",
    node.arguments[1].at,
    ("%s is %s, and hides %s"):format(name, found[1].path, found[2].path),
    "give one of them another name"
  )
end

--- Looks at each place that requires a module.
---@param review table
---@param tree table
function M.look(review, tree)
  local folders = { own_modules.folder_of(review.path), unpack(config.modules()) }
  walk.all(tree, function(node)
    local name = required(node)
    if not name then return end
    look_at_place(review, node, name)
    look_at_others(review, node, name, folders)
  end)
end

--- Gives the nodes of a runbook that loads what their modules have there.
---@param path string of the runbook
---@param tree table
---@param shelf table<string, table> the modules of a folder are read once for all its runbooks
function M.resolve(path, tree, shelf)
  local folder = own_modules.folder_of(path)
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
