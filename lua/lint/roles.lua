--- Which locals are a runbook's handles (tx, ctx, check, items), in which function of a step code stands, and which
--- values are data: what came from the database or the command line.
local walk = require("opsh.host.lint.walk")

local M = {}

-- What the functions of a runbook and its steps get.
local parameters = {
  plan = { "ctx" },
  classify = { "row", "ctx" },
  summary = { "figures", "ctx" },
  apply = { "tx", "items", "ctx" },
  verify = { "check", "ctx" },
  on_failure = { "tx", "row", "err" },
  undo = { "tx", "items" },
  effect = { "ctx" },
  compensate = { "ctx" },
  preconditions = { "check", "ctx" },
  finally = { "ctx" },
}

-- A helper's parameter with this name is taken for what it says; one without a handle has no rows either.
local by_name = { tx = "tx", ctx = "ctx", check = "check" }
local rows_by_name = { items = "items", item = "row" }

local queries = { query = true, one = true, first = true, value = true, rows = true, sample = true }

--- The handle that an expression is: "tx", "ctx", "check".
function M.handle(node)
  node = walk.bare(node)
  local role = node and node.kind == "name" and node.binding and node.binding.role
  return (role == "tx" or role == "ctx" or role == "check") and role or nil
end

local function role_of(node)
  node = walk.bare(node)
  return node and node.kind == "name" and node.binding and node.binding.role
end

local function add_place(node, place)
  node.places = node.places or {}
  for _, known in ipairs(node.places) do
    if known.field == place.field and known.step == place.step then return false end
  end
  node.places[#node.places + 1] = place
  return true
end

local function give_roles(value, field, step)
  local node = walk.meant(value)
  if not node or node.kind ~= "function" or not parameters[field] then return end
  for at, param in ipairs(node.params) do
    param.role = param.role or parameters[field][at]
  end
  add_place(node, { field = field, step = step })
end

--- The functions of a runbook in which code may run: { field = "apply", step = ... }; empty when nobody knows.
---@param owner table the function that it stands in
---@return table[]
function M.places(owner)
  while owner do
    if owner.places then return owner.places end
    owner = owner.outer
  end
  return {}
end

--- Whether it runs in one of these fields only, for all that is known.
function M.only_in(owner, ...)
  local places, fields = M.places(owner), {}
  for _, field in ipairs({ ... }) do
    fields[field] = true
  end
  for _, place in ipairs(places) do
    if not fields[place.field] then return false end
  end
  return #places > 0
end

local is_data

local function any_data(list)
  for _, node in ipairs(list) do
    if is_data(node) then return true end
  end
  return false
end

-- Functions that make a text safe to stand in a statement.
local function quotes(callee)
  return callee.kind == "index" and (callee.name == "literal" or callee.name == "name")
end

local data_of = {}
local is_data_role = { row = true, items = true, err = true }

function data_of.name(node)
  local binding = node.binding
  return binding ~= nil and (binding.is_data or is_data_role[binding.role] == true)
end

function data_of.index(node)
  local object = walk.bare(node.object)
  if M.handle(object) == "ctx" then return true end
  return is_data(object)
end

function data_of.invoke(node)
  local handle = M.handle(node.object)
  if handle and queries[node.name] then return true end
  return not handle and (is_data(node.object) or any_data(node.arguments))
end

function data_of.call(node)
  local callee = node.callee
  if quotes(callee) then return false end
  if callee.kind == "index" and callee.object.kind == "name" and callee.object.name == "os" then return true end
  if callee.kind == "index" and role_of(callee.object) == "items" then return true end
  return any_data(node.arguments)
end

--- Of `a and b or c` a value comes out of b or c.
function data_of.binary(node)
  if node.operator == "and" then return is_data(node.right) end
  if node.operator == "or" or node.operator == ".." or node.operator:find("^[-+*/%%^]$") then
    return is_data(node.left) or is_data(node.right)
  end
  return false
end

function data_of.unary(node) return node.operator == "-" and is_data(node.operand) end

function data_of.paren(node) return is_data(node.inner) end

function data_of.table(node)
  for _, item in ipairs(node.items) do
    if is_data(item.value) then return true end
  end
  return false
end

--- Whether a value of the database, the command line or the clock is in what an expression gives.
function is_data(node)
  local of = node and data_of[node.kind]
  return of ~= nil and of(node) == true
end

M.is_data = is_data

local function mark(binding)
  if not binding or binding.is_data then return false end
  binding.is_data = true
  return true
end

--- The local at the bottom of `a.b[c]`.
local function base_of(node)
  while node.kind == "index" or node.kind == "paren" do
    node = node.object or node.inner
  end
  return node.kind == "name" and node.binding or nil
end

-- One round of what assignments and calls hand on; each says whether something new is known.
local hand_on = {}

hand_on["local"] = function(node)
  local changed = false
  for at, binding in ipairs(node.bindings) do
    local value = node.values[at] or node.values[#node.values]
    local role = value and node.values[at] and role_of(value)
    if role and not binding.role then
      binding.role, changed = role, true
    end
    -- An index that is looked up in the script's own table is no data.
    if value and is_data(value) then changed = mark(binding) or changed end
  end
  return changed
end

function hand_on.assign(node)
  local changed = false
  for at, target in ipairs(node.targets) do
    local value = node.values[at] or node.values[#node.values]
    if value and is_data(value) then changed = mark(base_of(target)) or changed end
  end
  return changed
end

hand_on["for"] = function(node)
  if node.is_numeric then return false end
  local first = walk.bare(node.values[1])
  local changed = false
  if first.kind == "call" and first.callee.kind == "name" and first.callee.name == "ipairs" then
    local row = role_of(first.arguments[1] or first) == "items" and "row" or nil
    local binding = node.bindings[2]
    if binding and row and not binding.role then
      binding.role, changed = row, true
    end
    if binding and first.arguments[1] and is_data(first.arguments[1]) then changed = mark(binding) or changed end
    return changed
  end
  if is_data(first) then
    for _, binding in ipairs(node.bindings) do
      changed = mark(binding) or changed
    end
  end
  return changed
end

function hand_on.call(node)
  local callee = walk.meant(node.callee)
  if node.callee.kind == "index" and node.callee.name == "insert" and node.arguments[1] then
    local last = node.arguments[#node.arguments]
    return is_data(last) and mark(base_of(node.arguments[1])) or false
  end
  if not callee or callee.kind ~= "function" then return false end
  local changed = false
  for at, argument in ipairs(node.arguments) do
    local param = callee.params[at]
    local role = param and role_of(argument)
    if role and not param.role then
      param.role, changed = role, true
    end
    if param and not param.role and is_data(argument) then changed = mark(param) or changed end
  end
  for _, place in ipairs(M.places(node.owner)) do
    changed = add_place(callee, place) or changed
  end
  return changed
end

local function name_roles(node)
  local has_handle = false
  for _, param in ipairs(node.params) do
    param.role = param.role or by_name[param.name]
    has_handle = has_handle or param.role ~= nil
  end
  for _, param in ipairs(has_handle and node.params or {}) do
    if not param.role and rows_by_name[param.name] then
      param.role, param.is_guess = rows_by_name[param.name], true
    end
  end
end

--- Finds out about all locals of a tree.
---@param tree table
---@param declared table of declared.lua
function M.resolve(tree, declared)
  for _, step in ipairs(declared.steps) do
    for field, item in pairs(step.fields) do
      give_roles(item.value, field, step)
    end
  end
  for field, item in pairs(declared.fields) do
    give_roles(item.value, field, nil)
  end
  local handing = {}
  walk.all(tree, function(node)
    if node.kind == "table" then
      for _, item in ipairs(node.items) do
        local value = item.name and parameters[item.name] and walk.meant(item.value)
        if value and value.kind == "function" and not value.places then give_roles(value, item.name, nil) end
      end
    elseif node.kind == "function" then
      name_roles(node)
    elseif node.kind == "assign" then
      for _, target in ipairs(node.targets) do
        local object = target.kind == "index" and walk.meant(target.object)
        if object and object.kind == "table" then object.is_changed = true end
      end
    end
    if hand_on[node.kind] then handing[#handing + 1] = node end
  end)
  for _ = 1, 6 do
    local changed = false
    for _, node in ipairs(handing) do
      changed = hand_on[node.kind](node) or changed
    end
    if not changed then break end
  end
end

return M
