--- Goes through a syntax tree.
local M = {}

local function each(list, visit)
  for _, node in ipairs(list) do
    visit(node)
  end
end

-- The children of each kind of node, in the order of the source.
local children = {}

function children.index(node, visit)
  visit(node.object)
  if node.key then visit(node.key) end
end

function children.call(node, visit)
  visit(node.callee)
  each(node.arguments, visit)
end

function children.invoke(node, visit)
  visit(node.object)
  each(node.arguments, visit)
end

children["function"] = function(node, visit) each(node.statements, visit) end

function children.table(node, visit)
  for _, item in ipairs(node.items) do
    if item.key then visit(item.key) end
    visit(item.value)
  end
end

function children.paren(node, visit) visit(node.inner) end
function children.unary(node, visit) visit(node.operand) end

function children.binary(node, visit)
  visit(node.left)
  visit(node.right)
end

children["local"] = function(node, visit) each(node.values, visit) end

function children.assign(node, visit)
  each(node.targets, visit)
  each(node.values, visit)
end

children["do call"] = function(node, visit) visit(node.call) end
children["do"] = children["function"]
children["return"] = function(node, visit) each(node.values, visit) end

children["for"] = function(node, visit)
  each(node.values, visit)
  each(node.statements, visit)
end

children["while"] = function(node, visit)
  visit(node.condition)
  each(node.statements, visit)
end

children["repeat"] = function(node, visit)
  each(node.statements, visit)
  visit(node.condition)
end

children["if"] = function(node, visit)
  for _, clause in ipairs(node.clauses) do
    if clause.condition then visit(clause.condition) end
    each(clause.statements, visit)
  end
end

--- Calls `visit(node, parents)` for a node and all below it, outer before inner; `false` leaves out what is below.
---@param node table
---@param visit fun(node: table): boolean|nil
function M.all(node, visit)
  if visit(node) == false then return end
  local of = children[node.kind]
  if of then of(node, function(child) M.all(child, visit) end) end
end

--- The expression without brackets around it.
function M.bare(node)
  while node and node.kind == "paren" do
    node = node.inner
  end
  return node
end

--- What a name stands for: the expression that its local is declared with and keeps; else the node itself.
function M.meant(node)
  node = M.bare(node)
  for _ = 1, 20 do
    local binding = node and node.kind == "name" and node.binding
    if not binding or not binding.value or #binding.writes > 0 then break end
    node = M.bare(binding.value)
  end
  return node
end

return M
