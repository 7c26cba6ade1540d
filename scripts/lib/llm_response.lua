--- The answers of a language model that scenario_generations keeps: which are usable, and how they are read. The rules
--- are those of a PHP program: a list and an object are one kind of thing, and "0", 0 and false are as empty as "".
local json = require("opsh.json")

local M = {}

local function has_elements(value) return json.is_object(value) or json.is_array(value) end

--- A text without the white space of ASCII around it.
local function trimmed(text) return (text:gsub("^[ \t\n\r\v%z]+", ""):gsub("[ \t\n\r\v%z]+$", "")) end

function M.is_blank(value)
  if type(value) == "string" then
    local text = trimmed(value)
    return text == "" or text == "0"
  end
  return value == nil or value == json.null or value == false or value == 0
end

--- A field's value; nil when it is null, or when what should have it is no object.
function M.field(value, name)
  if json.is_object(value) and value[name] ~= json.null then return value[name] end
end

--- What stands in a list, by its place from 0, or in an object, by its name; nothing when it is neither. The names come
--- in an order of their own, so that two runs do the same.
function M.each(value)
  local names = {}
  for name in pairs(has_elements(value) and value or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  local at = 0
  return function()
    at = at + 1
    local name = names[at]
    if name ~= nil then return type(name) == "number" and name - 1 or name, value[name] end
  end
end

--- A value as PHP makes a text of it; nil for null. Raises for what the database cannot hold as a text.
function M.plain(value)
  if value == nil or value == json.null then return nil end
  if has_elements(value) then error("a text is expected, not " .. json.encode(value):sub(1, 60)) end
  local text = value == true and "1" or value == false and "" or tostring(value)
  if text:find("%z") then error("the database holds no text with \\u0000") end
  return text
end

--- The same without white space around it; "" for null.
function M.text(value) return trimmed(M.plain(value) or "") end

-- What an answer may hold below its capabilities: the most elements, what is below each, its name where a strict reader
-- wants at least one.
local levels = {
  capabilities = { most = 10, below = "competencies" },
  competencies = { most = 10, below = "skills", one = "competency" },
  skills = { most = 10, one = "skill" },
}
local roles = { most = 20 }
local competencies_of_a_role = { most = math.huge }

--- What is wrong with an answer: a JSON array of { path, message }, empty when it is usable; and the answer, decoded.
---@param text string? the document as it is stored
---@param strict boolean? whether a list may not be empty
function M.errors(text, strict)
  local errors = json.array()
  local function add(path, message) errors[#errors + 1] = json.object({ path = path, message = message }) end

  local function check_name(value, path)
    if M.is_blank(M.field(value, "name")) then add(path .. ".name", "Name is required") end
  end

  local function check_leaf(value, path)
    if has_elements(value) then
      check_name(value, path)
    elseif type(value) ~= "string" then
      add(path, "Must be an object or string")
    elseif M.is_blank(value) then
      add(path, "Name is required")
    end
  end

  local function check_list(value, name, path, limits, check_element)
    if not json.is_object(value) or value[name] == nil then return end
    if not has_elements(value[name]) then return add(path, "Must be an array") end
    local count = 0
    for key, element in M.each(value[name]) do
      check_element(element, ("%s[%s]"):format(path, key))
      count = count + 1
    end
    if strict and limits.one and count == 0 then
      add(path, ("At least one %s is required in strict mode"):format(limits.one))
    end
    if count > limits.most then add(path, ("Too many %s (max %d)"):format(name, limits.most)) end
  end

  local function check_level(value, name, path)
    local level = levels[name]
    check_list(value, name, path, level, function(element, at)
      if not level.below then return check_leaf(element, at) end
      if not has_elements(element) then return add(at, "Must be an object") end
      check_name(element, at)
      check_level(element, level.below, at .. "." .. level.below)
    end)
  end

  local function check_role(role, path)
    if not has_elements(role) then return add(path, "Must be an object") end
    check_name(role, path)
    check_list(role, "competencies", path .. ".competencies", competencies_of_a_role, check_leaf)
  end

  local document = text and json.try_decode(text)
  if not has_elements(document) then
    add("", "Invalid LLM response stored")
    return errors
  end
  local scenario = M.field(document, "scenario_metadata")
  if has_elements(scenario) then
    check_name(scenario, "scenario_metadata")
  else
    add("scenario_metadata", "Missing or invalid object")
  end
  check_level(document, "capabilities", "capabilities")
  check_list(document, "roles", "roles", roles, check_role)
  return errors, document
end

return M
