--- Values in the text of a statement: what comes from the database, the command line or the clock is a parameter.
local roles = require("opsh.host.lint.roles")
local walk = require("opsh.host.lint.walk")

local M = {}

--- What is put together with a value in it: the operand that is one.
local function glued(node, depth)
  node = walk.bare(node)
  if not node or depth > 20 then return nil end
  if node.kind == "name" and node.binding then
    if node.binding.role then return roles.is_data(node) and node or nil end
    local binding = node.binding
    local found = binding.value and glued(binding.value, depth + 1)
    for _, write in ipairs(binding.writes) do
      found = found or write.value and glued(write.value, depth + 1)
    end
    return found
  end
  if node.kind == "binary" and node.operator == ".." then
    for _, side in ipairs({ node.left, node.right }) do
      local inner = glued(side, depth + 1)
      if inner then return inner end
      local bare = walk.bare(side)
      if roles.is_data(side) and bare.kind ~= "binary" then return bare end
    end
    return nil
  end
  if node.kind == "binary" then return glued(node.left, depth + 1) or glued(node.right, depth + 1) end
  local formats = node.kind == "invoke" and (node.name == "format" or node.name == "gsub" or node.name == "rep")
  local is_string = node.kind == "call" and node.callee.kind == "index" and node.callee.object.name == "string"
  if formats or is_string then
    for _, argument in ipairs(node.arguments) do
      if roles.is_data(argument) then return walk.bare(argument) end
    end
    return formats and glued(node.object, depth + 1) or nil
  end
  if node.kind == "call" and node.callee.kind == "index" and node.callee.name == "concat" and roles.is_data(node) then
    return node
  end
end

--- Looks at a statement whose text is not constant.
---@param review table
---@param statement table of statements.lua
function M.look(review, statement)
  if statement.session == "define" then return end
  local found = glued(statement.node, 0)
  if not found and roles.is_data(statement.node) and walk.meant(statement.node).kind == "index" then
    review:add(
      "glued-sql",
      walk.bare(statement.node).at,
      "the text of a statement comes from data",
      "write the statement here, with parameters; what a schema step defines goes to tx:ddl"
    )
    return
  end
  if not found then return end
  review:add(
    "glued-sql",
    found.at,
    "a value is glued into the text of a statement",
    "pass it as a parameter: $1, or :name with { name = value }; a list is any($1)"
  )
end

return M
