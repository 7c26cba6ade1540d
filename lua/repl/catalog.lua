--- The names of the database, for completion: read in the background, old ones used until new ones are there.
local names = require("opsh.native.names")

local M = {}

local Catalog = {}
Catalog.__index = Catalog

-- Seconds after which they are read again when somebody asks: other sessions create tables as well.
local fresh_for = 300

function M.new()
  return setmetatable({ tables = {}, by_name = {}, keys = {}, functions = {}, types = {}, schemas = {} }, Catalog)
end

local function fields(text)
  local list = {}
  for field in text:gmatch("[^\31]+") do
    list[#list + 1] = field
  end
  return list
end

--- Starts reading, unless it is under way.
---@param target table
---@param now number seconds
function Catalog:read(target, now)
  if self.reading then return end
  self.reading, self.read_at, self.target = names.read(target), now, target
end

--- Reads again what is old, or of another place.
function Catalog:keep_fresh(target, now)
  if self.target ~= target then
    self:close()
    self:read(target, now)
  elseif now - self.read_at > fresh_for then
    self:read(target, now)
  end
end

function Catalog:descriptor() return self.reading and self.reading:descriptor() end

local function take_relations(self, texts)
  self.tables, self.by_name = {}, {}
  for at, text in ipairs(texts) do
    local schema, name, kind, visible, rest = text:match("^([^\31]*)\31([^\31]*)\31([^\31]*)\31([^\31]*)\31?(.*)$")
    local relation = { schema = schema, name = name, kind = kind, visible = visible == "t", packed = rest }
    self.tables[at] = relation
    self.by_name[schema .. "." .. name] = relation
    if relation.visible then self.by_name[name] = relation end
  end
end

local function take_keys(self, texts)
  self.keys = {}
  for _, text in ipairs(texts) do
    local found = fields(text)
    local key = { from = found[1] .. "." .. found[2], to = found[3] .. "." .. found[4], pairs = {} }
    for at = 5, #found - 1, 2 do
      table.insert(key.pairs, { found[at], found[at + 1] })
    end
    for _, name in ipairs({ key.from, key.to }) do
      self.keys[name] = self.keys[name] or {}
      table.insert(self.keys[name], key)
    end
  end
end

--- Takes what was read, if it is there.
---@return boolean whether reading is over now
function Catalog:learn()
  if not self.reading then return false end
  local over, found = self.reading:take()
  if not over then return false end
  self.reading = nil
  if found then self:hold(found) end
  return true
end

--- Holds what was read.
function Catalog:hold(found)
  take_relations(self, found.relations)
  take_keys(self, found.keys)
  self.schemas, self.types, self.functions = found.schemas, found.types, {}
  for at, text in ipairs(found.functions) do
    local function_of = fields(text)
    self.functions[at] = { schema = function_of[1], name = function_of[2], visible = function_of[3] == "t" }
  end
end

--- The relation of that name, as SQL has it.
---@param name string "orders", "app.orders"
---@return table|nil { schema, name, kind, visible }
function Catalog:relation(name) return self.by_name[name] or self.by_name[name:lower()] end

---@param relation table
---@return string[]
function Catalog.columns(_, relation)
  relation.columns = relation.columns or fields(relation.packed)
  return relation.columns
end

--- The foreign keys that a relation has, or that others have to it.
---@param relation table
---@return table[] { from, to, pairs = { { column, column }, ... } }
function Catalog:keys_of(relation) return self.keys[relation.schema .. "." .. relation.name] or {} end

--- Stops reading.
function Catalog:close()
  if self.reading then self.reading:close() end
  self.reading = nil
end

return M
