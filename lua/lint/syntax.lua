--- The syntax tree of a Lua source, with places, and every name resolved to the local that it means.
---
--- A node has `kind`, `at` and `last` (bytes of the source). A name has `binding`, the local, or none for a global. A
--- binding has `name`, `at`, `owner` (the function that declares it), `value` (what it is declared with, where that is
--- one expression) and `writes` (the nodes that assign to it later).
local Parser = require("opsh.host.lint.parser")
local tokens = require("opsh.host.lint.tokens")

local ends_block = { ["end"] = true, ["else"] = true, ["elseif"] = true, ["until"] = true, ["end of file"] = true }

function Parser:block()
  local list = {}
  while not ends_block[self:kind()] do
    local statement = self:statement()
    if statement then list[#list + 1] = statement end
    if statement and statement.kind == "return" then break end
  end
  return list
end

function Parser:scoped_block()
  self:open()
  local list = self:block()
  self:close()
  return list
end

local statements = {}

function statements:local_(at)
  if self:try("function") then
    local name = self:name()
    local binding = self:declare(name)
    binding.value = self:body(at)
    binding.value.name = name.value
    return self:node("local", at, { bindings = { binding }, values = { binding.value }, is_function = true })
  end
  local names = {}
  repeat
    names[#names + 1] = self:name()
  until not self:try(",")
  local values = self:try("=") and self:expressions() or {}
  local bindings = {}
  for number, name in ipairs(names) do
    bindings[number] = self:declare(name, values[number])
    bindings[number].from = values[number] or values[#values]
    bindings[number].is_bare = #values == 0
  end
  return self:node("local", at, { bindings = bindings, values = values })
end

function statements:if_(at)
  local clauses = {}
  repeat
    local condition = self:expression()
    self:expect("then")
    clauses[#clauses + 1] = { condition = condition, statements = self:scoped_block() }
  until not self:try("elseif")
  if self:try("else") then clauses[#clauses + 1] = { statements = self:scoped_block() } end
  self:expect("end")
  return self:node("if", at, { clauses = clauses })
end

function statements:for_(at)
  local names = { self:name() }
  while self:try(",") do
    names[#names + 1] = self:name()
  end
  local is_numeric = #names == 1 and self:try("=") ~= nil
  if not is_numeric then self:expect("in") end
  local values = self:expressions()
  self:expect("do")
  self:open()
  local bindings = {}
  for number, name in ipairs(names) do
    bindings[number] = self:declare(name)
    bindings[number].loop, bindings[number].place = values, number
  end
  local body = self:block()
  self:close()
  self:expect("end")
  return self:node("for", at, { bindings = bindings, values = values, statements = body, is_numeric = is_numeric })
end

function statements:function_(at)
  local name = self:name()
  local target = self:node("name", name.at, { name = name.value, binding = self:resolve(name.value) })
  local has_self = false
  while self:kind() == "." or self:kind() == ":" do
    has_self = self:take().kind == ":"
    local field = self:name()
    target = self:node("index", target.at, { object = target, name = field.value, name_at = field.at })
    if has_self then break end
  end
  if target.kind == "name" and not target.binding then self.globals[#self.globals + 1] = target end
  local value = self:body(at, has_self)
  value.name = target.name
  return self:assignment(at, { target }, { value })
end

function Parser:assignment(at, targets, values)
  for number, target in ipairs(targets) do
    target.is_assigned = true
    local value = values[number] or values[#values]
    if target.kind == "name" and target.binding then
      local writes = target.binding.writes
      writes[#writes + 1] = { node = target, value = value, by = self.owner }
    end
  end
  return self:node("assign", at, { targets = targets, values = values })
end

function Parser:statement()
  local kind, at = self:kind(), self.list[self.number].at
  if kind == "name" or kind == "(" then
    local first = self:suffixed()
    if self:kind() ~= "=" and self:kind() ~= "," then
      if first.kind ~= "call" and first.kind ~= "invoke" then self:fail("'='") end
      return self:node("do call", at, { call = first })
    end
    local targets = { first }
    while self:try(",") do
      targets[#targets + 1] = self:suffixed()
    end
    self:expect("=")
    return self:assignment(at, targets, self:expressions())
  end
  self:take()
  if kind == "local" then return statements.local_(self, at) end
  if kind == "if" then return statements.if_(self, at) end
  if kind == "for" then return statements.for_(self, at) end
  if kind == "function" then return statements.function_(self, at) end
  if kind == ";" or kind == "break" then return nil end
  if kind == "goto" then
    self:name()
    return nil
  end
  if kind == "::" then
    self:name()
    self:expect("::")
    return nil
  end
  if kind == "do" then
    local body = self:scoped_block()
    self:expect("end")
    return self:node("do", at, { statements = body })
  end
  if kind == "while" then
    local condition = self:expression()
    self:expect("do")
    local body = self:scoped_block()
    self:expect("end")
    return self:node("while", at, { condition = condition, statements = body })
  end
  if kind == "repeat" then
    self:open()
    local body = self:block()
    self:expect("until")
    local condition = self:expression()
    self:close()
    return self:node("repeat", at, { condition = condition, statements = body })
  end
  if kind == "return" then
    local values = {}
    if not ends_block[self:kind()] and self:kind() ~= ";" then values = self:expressions() end
    self:try(";")
    return self:node("return", at, { values = values, owner = self.owner })
  end
  self.number = self.number - 1
  self:fail("statement")
end

local M = {}

--- Parses a source.
---@param source string
---@return table|nil tree { statements, globals (name nodes), comments }; nothing, and { syntax, at }, when it is no Lua
---@return table? fault
function M.parse(source)
  local ok, result = pcall(function()
    local list, comments = tokens.read(source)
    local parser = setmetatable({ list = list, number = 1, globals = {}, last = 1 }, Parser)
    local tree = { kind = "function", at = 1, params = {}, varargs = true }
    parser.owner = tree
    parser:open()
    tree.statements = parser:block()
    if parser:kind() ~= "end of file" then parser:fail("'end of file'") end
    tree.last, tree.globals, tree.comments = #source, parser.globals, comments
    return tree
  end)
  if ok then return result end
  if type(result) == "table" and result.syntax then return nil, result end
  error(result, 0)
end

return M
