--- The declaration in a syntax tree: where a runbook, its params and its steps stand.
local constant = require("opsh.host.lint.constant")
local walk = require("opsh.host.lint.walk")

local M = {}

--- The module that an expression requires: `require("opsh.runbook")`, or a local that keeps it.
---@return string|nil name
function M.required(node)
  node = walk.meant(node)
  if not node or node.kind ~= "call" or node.callee.kind ~= "name" or node.callee.binding then return nil end
  if node.callee.name ~= "require" or #node.arguments ~= 1 then return nil end
  local name = constant.of(node.arguments[1])
  return name and name.text
end

local function fields_of(node)
  local fields = {}
  for _, item in ipairs(node.items) do
    if item.name then fields[item.name] = item end
  end
  return fields
end

local function constructor(node)
  node = walk.meant(node)
  return node and node.kind == "table" and node or nil
end

--- What the chunk returns at its end.
local function returned(tree)
  local last = tree.statements[#tree.statements]
  return last and last.kind == "return" and last or nil
end

--- How a message calls a step.
local function title_of(number, fields)
  local name = fields.name and constant.of(fields.name.value)
  return name and ("step %d (%s)"):format(number, name.text) or ("step %d"):format(number)
end

local function steps_of(node)
  local list, is_whole = {}, true
  for _, item in ipairs(node.items) do
    if not item.place then
      is_whole = false
    else
      local table_ = constructor(item.value)
      local step = { number = item.place, at = item.at, node = table_, fields = table_ and fields_of(table_) or {} }
      step.what = title_of(step.number, step.fields)
      list[#list + 1] = step
    end
  end
  return list, is_whole
end

local function params_of(node)
  local params = {}
  for _, item in ipairs(node.items) do
    if not item.name then return nil end
    params[item.name] = item
  end
  return params
end

--- The declaration that the file returns.
---@param tree table
---@return table declared { at, node, fields, steps, params } `node` is missing where the file's own text does not have
--- the table; `is_runbook`: it returns a runbook; `returns`: what it returns
function M.find(tree)
  local last = returned(tree)
  local value = last and last.values[1] and walk.meant(last.values[1])
  local declared = { returns = value, at = last and last.at or tree.last, fields = {}, steps = {} }
  if not value or value.kind ~= "call" or M.required(value.callee) ~= "opsh.runbook" then return declared end
  declared.is_runbook, declared.at = true, value.at
  local node = constructor(value.arguments[1])
  if not node then return declared end
  declared.node, declared.fields = node, fields_of(node)
  local steps = declared.fields.steps and constructor(declared.fields.steps.value)
  if steps then
    declared.steps, declared.has_all_steps = steps_of(steps)
  end
  if declared.fields.params then
    local params = constructor(declared.fields.params.value)
    declared.params = params and params_of(params)
  else
    declared.params = {}
  end
  return declared
end

M.fields_of, M.constructor = fields_of, constructor

return M
