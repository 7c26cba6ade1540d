--- Values that stand for others in a fixture: of the same type and form, equal where those are equal, different where
--- they differ, and nothing of what they were.
local digest = require("opsh.native.digest")
local errors = require("opsh.host.errors")

local M = {}

-- What columns are called that nobody should find in a repository: English and Spanish.
local words = {}
for word in
  ([[password passwd pwd secret token apikey salt hash credential clave contrasena
     email mail correo phone mobile telefono celular fax
     firstname lastname fullname surname nombre apellido apellidos
     ssn dni nif curp rfc passport pasaporte licence license iban swift
     address direccion domicilio street calle zip postal birth birthday birthdate nacimiento
     ip latitude longitude lat lng plate placa]]):gmatch("%a+")
do
  words[word] = true
end

local phrases = {
  "api_key",
  "private_key",
  "access_key",
  "first_name",
  "last_name",
  "full_name",
  "card_number",
  "account_number",
}

--- Whether a column is called like something secret or personal.
---@param name string
function M.is_telling(name)
  local lower = name:gsub("(%l)(%u)", "%1_%2"):gsub("[^%w]", "_"):lower()
  for _, both in ipairs(phrases) do
    if lower:find(both, 1, true) then return true end
  end
  -- A reference says no more of somebody than the key that it leads to.
  if lower:find("_id$") or lower:find("_uuid$") or lower:find("_key$") then return false end
  for word in lower:gmatch("%a+") do
    if words[word] or words[word:gsub("s$", "")] then return true end
  end
  return false
end

local Mask = {}
Mask.__index = Mask

--- Masks of one fixture. What stands for what is known to nobody afterwards.
function M.new() return setmetatable({ salt = digest.random_hex(16), made = {}, taken = {} }, Mask) end

local classes = {
  { "^%l", "abcdefghijklmnopqrstuvwxyz" },
  { "^%u", "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
  { "^%d", "0123456789" },
}
local hexadecimal = { { "^%l", "abcdef" }, { "^%u", "ABCDEF" }, { "^%d", "0123456789" } }

--- A text of the same form: letters for letters, digits for digits, the rest as it is.
local function of_form(text, noise, alphabets)
  local at = 0
  return (text:gsub("[%a%d\128-\255]+", function(run)
    local list = {}
    -- A character of several bytes is one letter.
    for character in run:gmatch("[%z\1-\127\194-\244][\128-\191]*") do
      at = at + 1
      local letters = alphabets[1][2]
      for _, class in ipairs(alphabets) do
        if character:find(class[1]) then letters = class[2] end
      end
      local place = tonumber(noise(at), 16) % #letters + 1
      list[#list + 1] = letters:sub(place, place)
    end
    return table.concat(list)
  end))
end

--- Hexadecimal numbers by place, always the same ones for a text.
local function noise_of(seed)
  local blocks = {}
  return function(at)
    local block = math.floor((at - 1) / 16)
    blocks[block] = blocks[block] or digest.sha256(seed .. block)
    local place = (at - 1) % 16 * 4
    return blocks[block]:sub(place + 1, place + 4)
  end
end

local makers = {}

function makers.text(text, noise) return of_form(text, noise, classes) end

function makers.hexadecimal(text, noise)
  local head, rest = text:match("^(\\x)(.*)$")
  return (head or "") .. of_form(rest or text, noise, hexadecimal)
end

function makers.number(text, noise)
  local at = 0
  local made = text:gsub("%d", function()
    at = at + 1
    return tostring(tonumber(noise(at), 16) % 10)
  end)
  -- What a type holds is not left: a number of as many digits that begins with 1.
  return (made:gsub("^(%-?)%d(%d)", "%11%2"))
end

--- A day of the same year.
function makers.date(text, noise)
  local year, rest = text:match("^(%d+)%-%d%d%-%d%d(.*)$")
  if not year then return text end
  return ("%s-%02d-%02d%s"):format(year, tonumber(noise(1), 16) % 12 + 1, tonumber(noise(2), 16) % 28 + 1, rest)
end

function makers.address(_, noise)
  local function byte(at) return tonumber(noise(at), 16) % 254 + 1 end
  return ("10.%d.%d.%d"):format(byte(1), byte(2), byte(3))
end

function makers.list() return "{}" end

local document = { ["{"] = "{}", ["["] = "[]", ['"'] = '""' }

function makers.document(text) return document[text:sub(1, 1)] or "0" end

local by_type = {
  uuid = "hexadecimal",
  bytea = "hexadecimal",
  date = "date",
  inet = "address",
  json = "document",
  jsonb = "document",
  integer = "number",
  bigint = "number",
  smallint = "number",
  numeric = "number",
  ["double precision"] = "number",
  real = "number",
}

--- How a column of this type is masked; nil when it cannot be: an enum, a boolean.
---@param type string of format_type
---@param category string of pg_type
function M.way(type, category)
  local bare = type:gsub("%(.-%)", "")
  if bare:find("^timestamp") then return "date" end
  return by_type[bare] or category == "S" and "text" or category == "A" and "list" or nil
end

-- Masks by which values that differ can be told apart.
local differs = { text = true, hexadecimal = true, number = true, date = true, address = true }

--- What stands for a value. A value has the same mask wherever it stands.
---@param text string
---@param way string of way
function Mask:of(text, way)
  self.made[way], self.taken[way] = self.made[way] or {}, self.taken[way] or {}
  local known = self.made[way][text]
  if known then return known end
  for attempt = 1, 1000 do
    local made = makers[way](text, noise_of(self.salt .. attempt .. way .. text))
    if not self.taken[way][made] or not differs[way] or not text:find("[%a%d]") then
      self.made[way][text], self.taken[way][made] = made, true
      return made
    end
  end
  return errors.raise(
    "refused.save",
    "there are too few values of the same form to mask a column with",
    "keep=COLUMN writes its values as they are"
  )
end

return M
