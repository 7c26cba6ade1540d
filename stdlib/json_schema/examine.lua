--- Whether a schema is one: what is written wrong must not pass for a schema that allows everything.
local host = require("opsh.native.host")
local values = require("opsh.json_schema.values")

local examine

local function wrong(pointer, wanted)
  local place = pointer == "" and "its top" or pointer
  host.raise("script.schema", ("the schema is wrong at %s: it wants %s"):format(place, wanted))
end

local function of_kind(kind, wanted)
  return function(_, value, pointer)
    if values.kind_of(value) ~= kind then wrong(pointer, wanted) end
  end
end

local number, names = of_kind("number", "a number"), of_kind("array", "a list of names")

local function each_schema(kind, wanted)
  return function(schema, value, pointer)
    if values.kind_of(value) ~= kind then wrong(pointer, wanted) end
    for key, inner in pairs(value) do
      examine(schema, inner, values.pointer_to(pointer, type(key) == "number" and key - 1 or key))
    end
  end
end

local list, map = each_schema("array", "a list of schemas"), each_schema("object", "an object of schemas")

local types = { null = true, boolean = true, object = true, array = true, number = true, string = true, integer = true }

local function of_type(_, value, pointer)
  for _, name in ipairs(type(value) == "table" and value or { value }) do
    if not types[name] then wrong(pointer, "a type such as string, number or object") end
  end
end

local function pattern(schema, value, pointer)
  if type(value) ~= "string" then wrong(pointer, "a pattern") end
  schema:pattern(value)
end

local function patterns(schema, value, pointer)
  map(schema, value, pointer)
  for text in pairs(value) do
    schema:pattern(text)
  end
end

local function items(schema, value, pointer)
  local judge = values.kind_of(value) == "array" and list or examine
  judge(schema, value, pointer)
end

local function one(schema, value, pointer) examine(schema, value, pointer) end

local keywords = {
  type = of_type,
  enum = of_kind("array", "a list of values"),
  required = names,
  pattern = pattern,
  items = items,
  patternProperties = patterns,
}
for _, name in ipairs({ "allOf", "anyOf", "oneOf" }) do
  keywords[name] = list
end
for _, name in ipairs({ "properties", "definitions" }) do
  keywords[name] = map
end
local inner = { "not", "if", "then", "else", "contains", "additionalItems", "additionalProperties", "propertyNames" }
for _, name in ipairs(inner) do
  keywords[name] = one
end
for _, name in ipairs({ "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf" }) do
  keywords[name] = number
end
for _, what in ipairs({ "Length", "Items", "Properties" }) do
  keywords["max" .. what], keywords["min" .. what] = number, number
end

--- Raises "script.schema" at the first place where the schema is none.
---@param schema table of opsh.json_schema, for its patterns
---@param node any a schema
---@param pointer string where it stands
function examine(schema, node, pointer)
  if type(node) == "boolean" then return end
  if values.kind_of(node) ~= "object" and not (type(node) == "table" and next(node) == nil) then
    wrong(pointer, "an object, true or false")
  end
  if type(node["$ref"]) == "string" then return end
  for _, name in ipairs(values.sorted_keys(node)) do
    if keywords[name] then keywords[name](schema, node[name], values.pointer_to(pointer, name)) end
  end
end

return examine
