--- What may follow in Lua: names, fields and methods of live values, modules.
local config = require("opsh.host.config")
local host = require("opsh.native.host")
local system = require("opsh.native.system")
local values = require("opsh.host.repl.values")

local M = {}

local keywords = {}
for word in
  ([[and break do else elseif end false for function if in local nil not or repeat return then true until
     while]]):gmatch("%a+")
do
  keywords[#keywords + 1] = word
end

--- Looks without calling anything: what a script's metatable would do is its own business.
local function field(value, name)
  value = values.fields_of(value) or value
  for _ = 1, 8 do
    if type(value) ~= "table" then return nil end
    local found = rawget(value, name)
    if found ~= nil then return found end
    local shape = debug.getmetatable(value)
    value = type(shape) == "table" and rawget(shape, "__index") or nil
  end
  return nil
end

--- The names that a value has, its own and those that it gets from behind.
local function each_name(value, visit)
  value = values.fields_of(value) or value
  for _ = 1, 8 do
    if type(value) ~= "table" then return end
    local shape = debug.getmetatable(value)
    shape = type(shape) == "table" and shape or {}
    for _, column in ipairs(rawget(shape, "__columns") or {}) do
      visit(column)
    end
    for name, held in next, value do
      if type(name) == "string" then visit(name, held) end
    end
    value = rawget(shape, "__methods") or rawget(shape, "__index")
  end
end

--- The value of "a.b[1].c", or nil.
local function value_of(env, path)
  local value = env
  for name in path:gmatch("[^.:%[%]]+") do
    value = field(value, tonumber(name) or name)
    if value == nil then return nil end
  end
  if type(value) == "string" then return string end
  return value
end

--- What require takes: opsh's own modules, and files of the folders of opsh.config.lua.
local function modules(prefix)
  local known = host.modules()
  for _, folder in ipairs(config.modules()) do
    for _, file in ipairs(system.file_kind(folder) == "directory" and system.list(folder) or {}) do
      known[#known + 1] = file:match("^([%w_]+)%.lua$")
    end
  end
  local list = {}
  for _, name in ipairs(known) do
    if name:sub(1, #prefix) == prefix then list[#list + 1] = name end
  end
  return list
end

--- The steps of the runbook that is there, for rb.plan("step").
local function steps(bench, prefix)
  local list = {}
  for _, step in ipairs(bench.brought and bench.brought.runbook.steps or {}) do
    if step.name:sub(1, #prefix) == prefix then list[#list + 1] = step.name end
  end
  return list
end

--- What may stand at the cursor.
---@param before string what is typed up to it
---@param bench table of workbench.open
---@return integer begin bytes that stay
---@return string[] candidates
function M.candidates(before, bench)
  local module = before:match("require%s*%(?%s*[\"']([%w_.]*)$")
  if module then return #before - #module, modules(module) end
  local step = before:match("%f[%a]plan%s*%(?%s*[\"']([^\"'\n]*)$")
  if step then return #before - #step, steps(bench, step) end
  local path, separator, prefix = before:match("([%a_][%w_.%[%]]*)([.:])([%w_]*)$")
  if path and path:sub(-1) == "." then return #before, {} end
  prefix = prefix or before:match("[%a_][%w_]*$") or ""
  local list, known = {}, {}
  local function add(name, suffix)
    if known[name] or name:sub(1, #prefix) ~= prefix or not name:find("^[%a_][%w_]*$") then return end
    -- What begins with two underscores is not for people.
    if name:find("^__") then return end
    known[name] = true
    list[#list + 1] = name .. (suffix or "")
  end
  local value = path and value_of(bench.env, path) or not path and bench.env or nil
  each_name(value, function(name, held)
    if separator == ":" and type(held) ~= "function" then return end
    add(name, type(held) == "function" and "(" or nil)
  end)
  if not path and prefix ~= "" then
    for _, word in ipairs(keywords) do
      add(word)
    end
  end
  return #before - #prefix, list
end

return M
