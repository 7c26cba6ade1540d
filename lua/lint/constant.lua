--- Texts that are known without running a step: literals, what is put together of them, locals and modules that keep
--- one, functions that only return one. Each knows where its bytes stand in the source.
local walk = require("opsh.host.lint.walk")

local M = {}

-- Calls within calls that are followed.
local deepest = 8

local function joined(left, right)
  local pieces = {}
  for _, piece in ipairs(left.pieces) do
    pieces[#pieces + 1] = piece
  end
  for _, piece in ipairs(right.pieces) do
    pieces[#pieces + 1] = { at = piece.at + #left.text, source = piece.source, is_elsewhere = piece.is_elsewhere }
  end
  return { text = left.text .. right.text, pieces = pieces }
end

--- A text whose bytes stand elsewhere, or are computed: in the source there is only what gives it.
local function given_by(node, text)
  return { text = text, pieces = { { at = 1, source = node.at, is_elsewhere = true } } }
end

--- A field of a table that a local is declared with; nothing else is known to set it.
local function field_of(node)
  local object = walk.meant(node.object)
  if not object or object.kind ~= "table" or object.is_changed then return nil end
  for _, item in ipairs(object.items) do
    if item.name == node.name then return item.value end
  end
end

local of

--- `("... %s ..."):format(...)` with constants.
local function formatted(node, known, depth)
  local form = of(node.object, known, depth)
  if not form or form.text:gsub("%%%%", ""):gsub("%%s", ""):find("%%") then return nil end
  local values = {}
  for at, argument in ipairs(node.arguments) do
    local value = of(argument, known, depth)
    if not value then return nil end
    values[at] = value.text
  end
  local ok, text = pcall(string.format, form.text, unpack(values))
  return ok and given_by(node, text) or nil
end

--- What a local function of one return gives for constants.
local function returned(node, known, depth)
  local called = walk.meant(node.callee)
  if not called or called.kind ~= "function" or called.varargs or #called.statements ~= 1 then return nil end
  local only = called.statements[1]
  if only.kind ~= "return" or #only.values ~= 1 then return nil end
  local inner = {}
  for at, param in ipairs(called.params) do
    inner[param] = node.arguments[at] and of(node.arguments[at], known, depth)
  end
  local found = of(only.values[1], inner, depth + 1)
  return found and given_by(node, found.text)
end

function of(node, known, depth)
  node = walk.meant(node)
  if not node or depth > deepest then return nil end
  if node.kind == "text" then return { text = node.value, pieces = node.pieces } end
  if node.kind == "name" then return known and known[node.binding] end
  if node.kind == "binary" and node.operator == ".." then
    local left = of(node.left, known, depth)
    local right = left and of(node.right, known, depth)
    return right and joined(left, right)
  end
  if node.kind == "index" and node.name and not node.is_assigned then
    if node.from_module then return given_by(node, node.from_module) end
    local value = field_of(node)
    return value and of(value, nil, depth)
  end
  if node.kind == "invoke" and node.name == "format" then return formatted(node, known, depth) end
  if node.kind == "call" then return returned(node, known, depth) end
end

--- The constant text that an expression gives.
---@param node table
---@return { text: string, pieces: { at: integer, source: integer, is_elsewhere?: boolean }[] }|nil
function M.of(node) return of(node, nil, 1) end

--- A text that is known by other ways than the source's: all of it stands where the node does.
---@param node table
---@param text string
function M.elsewhere(node, text) return given_by(node, text) end

--- The byte of the source at which the text's byte `at` stands.
---@param constant table
---@param at integer from 1
---@return integer
function M.source(constant, at)
  local best = constant.pieces[1]
  for _, piece in ipairs(constant.pieces) do
    if piece.at > at then break end
    best = piece
  end
  return best.is_elsewhere and best.source or best.source + at - best.at
end

return M
