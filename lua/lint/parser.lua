--- Expressions of a Lua source, as a tree. What a node and a binding are, syntax.lua says.
local Parser = {}
Parser.__index = Parser

-- Left and right priority of operators, as in Lua's own parser.
local priorities = {
  ["or"] = { 1, 1 },
  ["and"] = { 2, 2 },
  ["<"] = { 3, 3 },
  [">"] = { 3, 3 },
  ["<="] = { 3, 3 },
  [">="] = { 3, 3 },
  ["~="] = { 3, 3 },
  ["=="] = { 3, 3 },
  [".."] = { 5, 4 },
  ["+"] = { 6, 6 },
  ["-"] = { 6, 6 },
  ["*"] = { 7, 7 },
  ["/"] = { 7, 7 },
  ["%"] = { 7, 7 },
  ["^"] = { 10, 9 },
}
local unary_priority = 8
local callable = { name = true, index = true, paren = true, call = true, invoke = true }
local unary = { ["not"] = true, ["-"] = true, ["#"] = true }

function Parser:kind() return self.list[self.number].kind end

function Parser:take()
  local token = self.list[self.number]
  self.number, self.last = self.number + 1, token.last
  return token
end

function Parser:fail(wanted)
  local token = self.list[self.number]
  error({ syntax = ("%s expected near '%s'"):format(wanted, token.value or token.kind), at = token.at }, 0)
end

function Parser:expect(kind)
  if self:kind() ~= kind then self:fail("'" .. kind .. "'") end
  return self:take()
end

function Parser:try(kind)
  if self:kind() == kind then return self:take() end
end

--- A name may also be `goto`, which LuaJIT takes for one where it is no statement.
function Parser:name()
  if self:kind() ~= "name" and self:kind() ~= "goto" then self:fail("<name>") end
  return self:take()
end

function Parser:node(kind, at, fields)
  fields = fields or {}
  fields.kind, fields.at, fields.last = kind, at, self.last
  return fields
end

function Parser:open() self.scope = { outer = self.scope, names = {} } end

function Parser:close() self.scope = self.scope.outer end

function Parser:declare(token, value)
  local binding = { name = token.value, at = token.at, owner = self.owner, value = value, writes = {} }
  self.scope.names[binding.name] = binding
  return binding
end

function Parser:resolve(name)
  local scope = self.scope
  while scope do
    if scope.names[name] then return scope.names[name] end
    scope = scope.outer
  end
end

function Parser:expressions()
  local list = { self:expression() }
  while self:try(",") do
    list[#list + 1] = self:expression()
  end
  return list
end

function Parser:constructor()
  local at = self:expect("{").at
  local items, place = {}, 0
  while self:kind() ~= "}" do
    local item = { at = self.list[self.number].at }
    if self:kind() == "[" then
      self:take()
      item.key = self:expression()
      self:expect("]")
      self:expect("=")
      if item.key.kind == "text" then item.name = item.key.value end
    elseif (self:kind() == "name" or self:kind() == "goto") and self.list[self.number + 1].kind == "=" then
      item.name = self:take().value
      self:take()
    else
      place = place + 1
      item.place = place
    end
    item.value = self:expression()
    item.last = self.last
    items[#items + 1] = item
    if not self:try(",") and not self:try(";") then break end
  end
  self:expect("}")
  return self:node("table", at, { items = items })
end

function Parser:arguments()
  if self:kind() == "text" then return { self:primary() } end
  if self:kind() == "{" then return { self:constructor() } end
  self:expect("(")
  local list = self:kind() ~= ")" and self:expressions() or {}
  self:expect(")")
  return list
end

--- Parameters and body, from the bracket on.
function Parser:body(at, has_self)
  local node = { params = {}, statements = {}, outer = self.owner }
  self.owner = node
  self:open()
  if has_self then node.params[1] = self:declare({ value = "self", at = at }) end
  self:expect("(")
  if self:kind() ~= ")" then
    repeat
      if self:try("...") then
        node.varargs = true
        break
      end
      node.params[#node.params + 1] = self:declare(self:name())
    until not self:try(",")
  end
  self:expect(")")
  node.statements = self:block()
  self:expect("end")
  self:close()
  self.owner = node.outer
  for at_, param in ipairs(node.params) do
    param.param_of, param.place = node, at_
  end
  return self:node("function", at, node)
end

function Parser:primary()
  local token = self:take()
  local kind = token.kind
  if kind == "name" or kind == "goto" then
    local node = self:node("name", token.at, { name = token.value, binding = self:resolve(token.value) })
    if not node.binding then self.globals[#self.globals + 1] = node end
    return node
  elseif kind == "text" then
    return self:node("text", token.at, { value = token.value, pieces = token.pieces, is_long = token.is_long })
  elseif kind == "number" then
    return self:node("number", token.at, { value = token.value })
  elseif kind == "nil" or kind == "true" or kind == "false" or kind == "..." then
    return self:node(kind, token.at)
  elseif kind == "function" then
    return self:body(token.at)
  elseif kind == "(" then
    local inner = self:expression()
    self:expect(")")
    return self:node("paren", token.at, { inner = inner })
  elseif kind == "{" then
    self.number = self.number - 1
    return self:constructor()
  end
  self.number = self.number - 1
  self:fail("expression")
end

function Parser:suffixed()
  local at = self.list[self.number].at
  local node = self:primary()
  while true do
    local kind = self:kind()
    if kind == "." then
      self:take()
      local name = self:name()
      node = self:node("index", at, { object = node, name = name.value, name_at = name.at })
    elseif kind == "[" then
      self:take()
      local key = self:expression()
      self:expect("]")
      node = self:node("index", at, { object = node, key = key, name = key.kind == "text" and key.value or nil })
    elseif kind == ":" then
      self:take()
      local name = self:name()
      node = self:node("invoke", at, {
        object = node,
        name = name.value,
        name_at = name.at,
        arguments = self:arguments(),
        owner = self.owner,
      })
      node.last = self.last
    elseif kind == "(" or kind == "text" or kind == "{" then
      -- A constructor or a text directly behind a literal is no call.
      if not callable[node.kind] then return node end
      node = self:node("call", at, { callee = node, arguments = self:arguments(), owner = self.owner })
      node.last = self.last
    else
      return node
    end
  end
end

function Parser:expression(limit)
  local at = self.list[self.number].at
  local left
  if unary[self:kind()] then
    local sign = self:take().kind
    left = self:node("unary", at, { operator = sign, operand = self:expression(unary_priority) })
    left.last = self.last
  else
    left = self:suffixed()
  end
  while true do
    local sign = self:kind()
    local priority = priorities[sign]
    if not priority or priority[1] <= (limit or 0) then return left end
    self:take()
    local right = self:expression(priority[2])
    left = self:node("binary", at, { operator = sign, left = left, right = right })
  end
end

return Parser
