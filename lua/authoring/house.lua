--- What `opsh init` puts into a folder: the configuration, what editors and git want, and folders.
local host = require("opsh.native.host")
local source = require("opsh.host.authoring.source")

local M = {}

local config = [==[
-- Read by opsh from here and from every folder below. It is data: nothing can be called in it.
return {
  targets = {
    $(target)
  },

  -- opsh NAME finds NAME.lua in these folders; opsh new writes into the first.
  runbooks = { "scripts" },

  -- More folders whose Lua every runbook may require.
  -- modules = { "shared" },

  -- The language of screens: en or es. Without it LC_ALL, LC_MESSAGES or LANG decides.
  -- lang = "es",
}
]==]

local example = [==[
-- dev = { connect = "host=localhost dbname=shop_dev" },
-- staging = { connect = "service=staging", reader = "service=staging_reader" },
-- prod = {
--   connect = "service=prod",
--   reader = "service=prod_reader", -- a login that cannot write
--   protected = true,               -- who writes confirms the database's name
--   budgets = { max_rows = 200000, max_seconds = 3600 },
--   backup = { dir = "/backups", max_age = "2h" },
-- },
]==]

local known = [==[
-- opsh --target $(name) ...; no password in here: the passfile (~/.pgpass) and service files are read.
[$(quoted)] = { connect = $(connect) },
]==]

M.luarc = [==[
{
  "$schema": "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
  "runtime.version": "LuaJIT",
  "runtime.path": ["?.lua", "?/init.lua", "scripts/?.lua"],
  "workspace.library": [".opsh/types"],
  "workspace.checkThirdParty": false
}
]==]

M.editorconfig = [==[
root = true

[*]
charset = utf-8
end_of_line = lf
indent_style = space
indent_size = 2
insert_final_newline = true
trim_trailing_whitespace = true
max_line_length = 120
]==]

-- Plans, runs, reports and backups hold rows of the database.
M.gitignore = "/.opsh/\n"

--- opsh.config.lua
---@param target? { name: string, connect: string }
---@return string
function M.config(target)
  local text = example
  if target then
    text = source.fill(known, {
      name = target.name,
      quoted = source.quoted(target.name),
      connect = source.quoted(target.connect),
    }) .. example
    if target.name:find("^%a[%w_]*$") then text = text:gsub("%[\"[%w_]+\"%]", target.name, 1) end
  end
  return source.fill(config, { target = text:gsub("\n$", "") })
end

--- The types for editors of all that a runbook may require: by path below the folder for them.
---@return table<string, string>
function M.types()
  local found = {}
  for _, module in ipairs(host.modules()) do
    local name = "opsh._meta." .. module
    if host.has_module(name) then found[module:gsub("%.", "/") .. ".lua"] = host.asset(name) end
  end
  return found
end

return M
