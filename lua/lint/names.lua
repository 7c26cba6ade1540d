--- Names that a script does not have: globals, members of Lua's library, modules. And globals that it sets.
local cage = require("opsh.host.cage")
local constant = require("opsh.host.lint.constant")
local host = require("opsh.native.host")
local walk = require("opsh.host.lint.walk")

local M = {}

local env = cage.environment(".", { is_test = true })

local function names_of(values)
  local names = {}
  for name in pairs(values) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

local globals = names_of(env)

local function replace(at, old, new) return { at = at, last = at + #old - 1, text = new } end

--- Locals that could be meant by a name that is none.
local function locals_of(tree)
  local names = {}
  walk.all(tree, function(node)
    for _, binding in ipairs(node.bindings or node.params or {}) do
      names[#names + 1] = binding.name
    end
  end)
  return names
end

local function look_at_globals(review, tree)
  local set, list = {}, nil
  for _, node in ipairs(tree.globals) do
    if node.is_assigned then set[node.name] = true end
  end
  local told = {}
  for _, node in ipairs(tree.globals) do
    local name = node.name
    if node.is_assigned then
      if not told[name] then
        review:add("global-write", node.at, ("%s is a global here"):format(name), ("say local %s"):format(name))
        told[name] = true
      end
    elseif not set[name] and rawget(env, name) == nil then
      if not list then
        list = locals_of(tree)
        for _, global in ipairs(globals) do
          list[#list + 1] = global
        end
      end
      local hint, _, only = review.meant(name, list, "declare it with local")
      local is_global = only and rawget(env, only) ~= nil
      local fix = is_global and replace(node.at, name, only) or nil
      review:add("undefined-global", node.at, ("undefined global %s"):format(name), hint, fix)
    end
  end
end

--- `os.execute`: of Lua's library a script has a part.
local function look_at_member(review, node)
  local object = walk.bare(node.object)
  if object.kind ~= "name" or object.binding or not node.name or not node.name_at then return end
  local library = rawget(env, object.name)
  if type(library) ~= "table" or object.name == "_G" or node.is_assigned or library[node.name] ~= nil then return end
  local hint, _, only = review.meant(
    node.name,
    names_of(library),
    ("a script has %s.%s"):format(object.name, table.concat(names_of(library), (", %s."):format(object.name)))
  )
  local name = ("%s.%s"):format(object.name, node.name)
  review:add(
    "undefined-global",
    node.name_at,
    ("there is no %s in a script"):format(name),
    hint,
    only and replace(node.name_at, node.name, only)
  )
end

local function look_at_require(review, node)
  if node.callee.kind ~= "name" or node.callee.binding or node.callee.name ~= "require" then return end
  local name = node.arguments[1] and constant.of(node.arguments[1])
  if not name or not name.text:find("^opsh") then return end
  local known, err = host.protect(env.require, name.text)
  if not known and err.kind == "script.module" then
    review:add("unknown-module", node.arguments[1].at, err.message, err.hint)
  elseif name.text == "opsh.test" and not review.is_test and not review.is_beside_test then
    review:add(
      "unknown-module",
      node.arguments[1].at,
      "opsh.test is for test files",
      "opsh test runs the files named *_test.lua"
    )
  end
end

local function look_at_table(review, node)
  local seen = {}
  for _, item in ipairs(node.items) do
    if item.name then
      if seen[item.name] then
        local line = review:position(seen[item.name].at)
        review:add(
          "duplicate-key",
          item.at,
          ("the table has the key %s twice"):format(item.name),
          ("the first is in line %d, and is lost"):format(line)
        )
      end
      seen[item.name] = item
    end
  end
end

---@param review table
---@param tree table
function M.look(review, tree)
  look_at_globals(review, tree)
  walk.all(tree, function(node)
    if node.kind == "index" then look_at_member(review, node) end
    if node.kind == "call" then look_at_require(review, node) end
    if node.kind == "table" then look_at_table(review, node) end
  end)
end

return M
