--- What the functions of a runbook ask of their handles: methods, fields, params, what checks are given.
local roles = require("opsh.host.lint.roles")
local statements = require("opsh.host.lint.statements")
local walk = require("opsh.host.lint.walk")

local M = {}

local function set_of(...)
  local made = {}
  for _, name in ipairs({ ... }) do
    made[name] = true
  end
  return made
end

local fields_of_ctx = set_of("params", "planned", "done", "run", "so_far")
local figures = set_of("seen", "items", "skipped", "rejected", "failed", "labels", "totals", "counts")

local of_items = set_of("keys", "column")

local function sorted(...)
  local list = {}
  for _, names in ipairs({ ... }) do
    for name in pairs(names) do
      list[#list + 1] = name
    end
  end
  table.sort(list)
  return list
end

local function replace(at, old, new) return { at = at, last = at + #old - 1, text = new } end

local function look_at_method(review, node)
  local handle = roles.handle(node.object)
  if not handle or statements.methods[handle][node.name] then return end
  local known = sorted(statements.methods[handle])
  local hint, _, only = review.meant(node.name, known, ("%s has %s"):format(handle, table.concat(known, ", ")))
  if handle == "ctx" and statements.methods.tx[node.name] then
    hint, only = "ctx only reads; write through tx in apply", nil
  elseif handle == "check" and statements.methods.ctx[node.name] then
    hint, only = "query through ctx, and give the value to check:equal", nil
  end
  review:add(
    "handle-member",
    node.name_at,
    ("%s has no %s"):format(handle, node.name),
    hint,
    only and replace(node.name_at, node.name, only)
  )
end

--- `tx.exec(...)`: the statement would be taken for the handle.
local function look_at_dot(review, node)
  local callee = node.callee
  local handle = callee.kind == "index" and callee.name_at and roles.handle(callee.object)
  local method = handle and statements.methods[handle][callee.name]
  if not method then return end
  local first = node.arguments[1] and walk.bare(node.arguments[1])
  if first and roles.handle(first) == handle then return end
  review:add(
    "handle-call",
    callee.name_at - 1,
    ("%s.%s is called with a dot"):format(handle, callee.name),
    ("write %s:%s"):format(walk.bare(callee.object).name, callee.name),
    { at = callee.name_at - 1, last = callee.name_at - 1, text = ":" }
  )
end

local function unknown_member(review, node, what, known)
  if known[node.name] or not node.name_at then return end
  local list = sorted(known)
  local hint, _, only = review.meant(node.name, list, ("%s has %s"):format(what, table.concat(list, ", ")))
  review:add(
    "handle-member",
    node.name_at,
    ("%s has no %s"):format(what, node.name),
    hint,
    only and replace(node.name_at, node.name, only)
  )
end

local function look_at_param(review, node)
  if not review.params or review.params[node.name] then return end
  local hint, _, only = review.meant(node.name, sorted(review.params), "add it to params")
  review:add(
    "unknown-param",
    node.name_at or node.at,
    ("the runbook declares no param %s"):format(node.name),
    hint,
    only and node.name_at and replace(node.name_at, node.name, only)
  )
end

local function look_at_field(review, node)
  if not node.name then return end
  local object = walk.meant(node.object)
  if roles.handle(object) == "ctx" then
    if not statements.methods.ctx[node.name] then unknown_member(review, node, "ctx", fields_of_ctx) end
    return
  end
  local of_ctx = object and object.kind == "index" and roles.handle(object.object) == "ctx" and object.name
  if of_ctx == "params" then return look_at_param(review, node) end
  if of_ctx == "planned" or of_ctx == "done" then
    local known = of_ctx == "planned" and set_of("tally", unpack(sorted(figures))) or figures
    unknown_member(review, node, "ctx." .. of_ctx, known)
  end
  local binding = object and object.kind == "name" and object.binding
  if binding and binding.role == "items" and not binding.is_guess and not node.is_assigned then
    unknown_member(review, node, binding.name, of_items)
  end
  if binding and binding.role == "figures" then
    unknown_member(review, node, binding.name, set_of("tally", unpack(sorted(figures))))
  end
end

local forms = {
  none = "check:none(name, sql, ...)",
  count = "check:count(name, sql, expected, ...)",
  equal = "check:equal(name, found, expected)",
  that = "check:that(name, condition, message)",
  skip = "check:skip(name, message)",
  http = "check:http(name, url, wanted)",
}

local function look_at_check(review, node)
  local method = roles.handle(node.object) == "check" and statements.methods.check[node.name]
  if not method then return end
  local last = node.arguments[#node.arguments] and walk.bare(node.arguments[#node.arguments])
  -- What a call gives at the end may be several.
  local is_open = last and (last.kind == "call" or last.kind == "invoke" or last.kind == "...")
  if #node.arguments >= (is_open and method.least - 1 or method.least) then return end
  review:add(
    "check-arguments",
    node.name_at,
    ("check:%s wants %d arguments, and %d are given"):format(node.name, method.least, #node.arguments),
    "it is " .. forms[node.name]
  )
end

---@param review table
---@param tree table
function M.look(review, tree)
  walk.all(tree, function(node)
    if node.kind == "invoke" then
      look_at_method(review, node)
      look_at_check(review, node)
    elseif node.kind == "call" then
      look_at_dot(review, node)
    elseif node.kind == "index" then
      look_at_field(review, node)
    end
  end)
end

return M
