--- What each keyword of a schema looks at, and what it says of a value that does not fit.
local decimal = require("opsh.native.decimal")
local json = require("opsh.json")
local values = require("opsh.json_schema.values")

local M = {}

-- Each keyword: what it looks at, and what it says. `c` is the check under way.
local keywords = {}

local function keyword(name, kind, judge) keywords[name] = { kind = kind, judge = judge } end

keyword("type", nil, function(c, value, wanted)
  local names = type(wanted) == "table" and wanted or { wanted }
  for _, name in ipairs(names) do
    if values.is_type(value, name) then return end
  end
  c:misfit(("is %s, not %s"):format(values.kind_of(value), table.concat(names, " or ")))
end)

keyword("enum", nil, function(c, value, allowed)
  for _, one in ipairs(allowed) do
    if values.equal(value, one) then return end
  end
  c:misfit(("%s is none of the values that are allowed"):format(values.shown(value)))
end)

keyword("const", nil, function(c, value, wanted)
  if values.equal(value, wanted) then return end
  c:misfit(("%s is not %s"):format(values.shown(value), values.shown(wanted)))
end)

local function comparing(name, fits, words)
  keyword(name, "number", function(c, value, limit)
    if fits(decimal.compare(value, limit)) then return end
    c:misfit(("%s is %s %s"):format(values.shown(value), words, values.shown(limit)))
  end)
end
comparing("maximum", function(order) return order <= 0 end, "more than")
comparing("minimum", function(order) return order >= 0 end, "less than")
comparing("exclusiveMaximum", function(order) return order < 0 end, "not less than")
comparing("exclusiveMinimum", function(order) return order > 0 end, "not more than")

keyword("multipleOf", "number", function(c, value, factor)
  local quotient = tonumber(tostring(value)) / tonumber(tostring(factor))
  local off = math.abs(quotient - math.floor(quotient + 0.5))
  -- 0.0075 and 0.0001 have no exact doubles; their quotient is off by as much as that.
  if off > 1e-12 * math.max(1, math.abs(quotient)) or off ~= off or math.abs(quotient) == math.huge then
    c:misfit(("%s is no multiple of %s"):format(values.shown(value), values.shown(factor)))
  end
end)

keyword("maxLength", "string", function(c, value, most)
  local length = values.length_of(value)
  if length > most then c:misfit(("is %s long, more than %d"):format(values.plural(length, "character"), most)) end
end)

keyword("minLength", "string", function(c, value, least)
  local length = values.length_of(value)
  if length < least then c:misfit(("is %s long, less than %d"):format(values.plural(length, "character"), least)) end
end)

keyword("pattern", "string", function(c, value, pattern)
  if not c.schema:pattern(pattern):matches(value) then c:misfit(("does not match the pattern %s"):format(pattern)) end
end)

keyword("maxItems", "array", function(c, value, most)
  if #value > most then c:misfit(("has %s, more than %d"):format(values.plural(#value, "element"), most)) end
end)

keyword("minItems", "array", function(c, value, least)
  if #value < least then c:misfit(("has %s, less than %d"):format(values.plural(#value, "element"), least)) end
end)

keyword("uniqueItems", "array", function(c, value, wanted)
  if not wanted then return end
  for at = 2, #value do
    for before = 1, at - 1 do
      if values.equal(value[at], value[before]) then
        return c:misfit(("its elements %d and %d are equal"):format(before - 1, at - 1))
      end
    end
  end
end)

keyword("items", "array", function(c, value, items, schema)
  local is_list = values.kind_of(items) == "array"
  for at, element in ipairs(value) do
    local wanted = items
    if is_list then wanted = items[at] end
    if wanted == nil then wanted = schema.additionalItems end
    if wanted ~= nil then c:within(at - 1, element, wanted) end
  end
end)

keyword("contains", "array", function(c, value, wanted)
  for at, element in ipairs(value) do
    if c:fits(at - 1, element, wanted) then return end
  end
  c:misfit("has no element such as it must contain")
end)

keyword("maxProperties", "object", function(c, value, most)
  local n = values.count(value)
  if n > most then c:misfit(("has %d members, more than %d"):format(n, most)) end
end)

keyword("minProperties", "object", function(c, value, least)
  local n = values.count(value)
  if n < least then c:misfit(("has %s, less than %d"):format(values.plural(n, "member"), least)) end
end)

keyword("required", "object", function(c, value, names)
  for _, name in ipairs(names) do
    if value[name] == nil then c:misfit(("lacks %s"):format(json.encode(name))) end
  end
end)

-- Judges the members for which nothing else in the schema is said.
local function judge_members(c, value, schema)
  local properties, patterns = schema.properties or {}, schema.patternProperties or {}
  for _, name in ipairs(values.sorted_keys(value)) do
    local known = properties[name] ~= nil
    if known then c:within(name, value[name], properties[name]) end
    for _, pattern in ipairs(values.sorted_keys(patterns)) do
      if c.schema:pattern(pattern):matches(name) then
        known = true
        c:within(name, value[name], patterns[pattern])
      end
    end
    local additional = schema.additionalProperties
    if not known and additional == false then
      c:misfit(("has %s, which is not allowed"):format(json.encode(name)))
    elseif not known and additional ~= nil then
      c:within(name, value[name], additional)
    end
  end
end

keyword("propertyNames", "object", function(c, value, wanted)
  for _, name in ipairs(values.sorted_keys(value)) do
    if not c:fits(name, name, wanted) then
      c:misfit(("has %s, which no member may be called"):format(json.encode(name)))
    end
  end
end)

keyword("dependencies", "object", function(c, value, dependencies)
  for _, name in ipairs(values.sorted_keys(dependencies)) do
    local wanted = dependencies[name]
    if value[name] ~= nil and values.kind_of(wanted) == "array" then
      for _, other in ipairs(wanted) do
        if value[other] == nil then c:misfit(("has %s without %s"):format(json.encode(name), json.encode(other))) end
      end
    elseif value[name] ~= nil then
      c:judge(value, wanted)
    end
  end
end)

keyword("allOf", nil, function(c, value, schemas)
  for _, schema in ipairs(schemas) do
    c:judge(value, schema)
  end
end)

local function fitting(c, value, schemas)
  local n = 0
  for _, schema in ipairs(schemas) do
    if c:fits(nil, value, schema) then n = n + 1 end
  end
  return n
end

keyword("anyOf", nil, function(c, value, schemas)
  if fitting(c, value, schemas) == 0 then c:misfit("is nothing of what it may be (anyOf)") end
end)

keyword("oneOf", nil, function(c, value, schemas)
  local n = fitting(c, value, schemas)
  if n == 0 then c:misfit("is nothing of what it may be (oneOf)") end
  if n > 1 then c:misfit(("is %d things of which it may be one (oneOf)"):format(n)) end
end)

keyword("not", nil, function(c, value, schema)
  if c:fits(nil, value, schema) then c:misfit("is what it must not be (not)") end
end)

keyword("if", nil, function(c, value, condition, schema)
  local branch = c:fits(nil, value, condition) and "then" or "else"
  if schema[branch] ~= nil then c:judge(value, schema[branch]) end
end)

-- In the order of their messages: what a value is comes before what is in it.
local order = {
  "type", "enum", "const", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf", "maxLength",
  "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "items", "contains", "maxProperties", "minProperties",
  "required", "propertyNames", "dependencies", "allOf", "anyOf", "oneOf", "not", "if",
}


--- Judges a value by all keywords of a schema that are about values of its kind.
---@param c table the check under way: misfit, judge, within, fits
function M.judge(c, value, schema)
  local kind = values.kind_of(value)
  for _, name in ipairs(order) do
    local given, what = schema[name], keywords[name]
    if given ~= nil and (not what.kind or what.kind == kind) then what.judge(c, value, given, schema) end
  end
  if kind == "object" and (schema.properties or schema.patternProperties or schema.additionalProperties ~= nil) then
    judge_members(c, value, schema)
  end
end

return M
