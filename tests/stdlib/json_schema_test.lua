local json = require("opsh.json")
local json_schema = require("opsh.json_schema")
local test = require("opsh.test")

local expect, it = test.expect, test.it

-- The package json-schema-test-suite: what others hold their validators against.
local suite = "/usr/share/json-schema-test-suite"

local function read(path)
  local shown = test.shell("cat " .. path)
  if shown.exit ~= 0 then error(path .. ": " .. shown.errors .. "; tools/setup installs json-schema-test-suite") end
  return json.decode(shown.output)
end

-- Groups of the suite that are not held, and why.
local skipped = {
  ["definitions.json"] = "they refer to the draft's own schema, which is not part of the suite",
  ["ref.json: remote ref, containing refs itself"] = "the same",
}

local function documents()
  local remotes = {}
  for _, name in ipairs({ "integer.json", "name.json", "subSchemas.json", "folder/folderInteger.json" }) do
    remotes["http://localhost:1234/" .. name] = read(suite .. "/remotes/" .. name)
  end
  return remotes
end

local function hold(file, group, remotes)
  if skipped[file] or skipped[file .. ": " .. group.description] then return 0 end
  local schema = json_schema.compile(group.schema, { documents = remotes })
  for _, case in ipairs(group.tests) do
    expect.equal(schema:fits(case.data), case.valid, ("%s: %s: %s"):format(file, group.description, case.description))
  end
  return #group.tests
end

local files = {
  "additionalItems", "additionalProperties", "allOf", "anyOf", "boolean_schema", "const", "contains", "default",
  "definitions", "dependencies", "enum", "exclusiveMaximum", "exclusiveMinimum", "if-then-else", "items", "maxItems",
  "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not",
  "oneOf", "pattern", "patternProperties", "properties", "propertyNames", "ref", "refRemote", "required", "type",
  "uniqueItems", "optional/bignum", "optional/zeroTerminatedFloats",
}

test.describe("a JSON schema", function()
  it("judges as the suite of the draft does", function()
    local held, remotes = 0, documents()
    for _, name in ipairs(files) do
      local file = name .. ".json"
      for _, group in ipairs(read(("%s/tests/draft7/%s"):format(suite, file))) do
        held = held + hold(file, group, remotes)
      end
    end
    expect.is_true(held > 400, ("only %d cases were held"):format(held))
  end)

  it("says where a value is not what it should be, and what it is", function()
    local schema = json_schema.compile([[{
      "properties": {"scores": {"items": {"maximum": 10}}, "a/b~": {"type": "string"}},
      "required": ["name"], "additionalProperties": false}]])
    expect.equal(schema:check(json.decode('{"scores": [3, 11, 12.5], "a/b~": [], "x": 1}')), {
      { pointer = "", message = 'lacks "name"' },
      { pointer = "/a~1b~0", message = "is array, not string" },
      { pointer = "/scores/1", message = "11 is more than 10" },
      { pointer = "/scores/2", message = "12.5 is more than 10" },
      { pointer = "", message = 'has "x", which is not allowed' },
    })
    expect.is_true(json_schema.compile('{"required": ["name"]}'):fits(json.decode('{"name": null}')))
  end)

  it("counts characters, and compares numbers by all their digits", function()
    expect.is_true(json_schema.compile('{"maxLength": 4}'):fits("añoé"))
    expect.is_true(not json_schema.compile('{"maxLength": 3}'):fits("añoé"))
    local most = json_schema.compile('{"type": "integer", "maximum": 9007199254740993}')
    expect.is_true(most:fits(json.decode("9007199254740993")))
    expect.is_true(not most:fits(json.decode("9007199254740994")))
  end)

  it("takes a Lua table for a schema and for a value", function()
    local schema = json_schema.compile({ type = "object", required = { "id" }, properties = { id = { minimum = 1 } } })
    expect.is_true(schema:fits({ id = 7 }))
    expect.equal(schema:check({ id = 0 })[1].pointer, "/id")
  end)

  it("does not show a text that is long", function()
    local found = json_schema.compile('{"enum": ["a"]}'):check(("secret "):rep(20))
    expect.lacks(found[1].message, "secret")
  end)

  it("is refused when it is written wrong, with the place", function()
    for text, place in pairs({
      ['{"type": "strin"}'] = "/type",
      ['{"properties": {"a": 3}}'] = "/properties/a",
      ['{"allOf": [{"maximum": "9"}]}'] = "/allOf/0/maximum",
      ["[1]"] = "its top",
    }) do
      local err = expect.raises(function() json_schema.compile(text) end, "script.schema")
      expect.contains(err.message, place)
    end
    expect.raises(function() json_schema.compile('{"pattern": "("}') end, "text.pattern")
    expect.raises(function() json_schema.compile("{") end, "json.syntax")
  end)

  it("that refers to itself, or to what nobody gave, is an error and not a crash", function()
    for _, text in ipairs({
      '{"$ref": "#"}',
      '{"allOf": [{"$ref": "#"}]}',
      '{"not": {"$ref": "#/definitions/a"}, "definitions": {"a": {"anyOf": [{"$ref": "#/definitions/a"}]}}}',
      '{"$ref": "http://example.org/other.json"}',
    }) do
      expect.raises(function() json_schema.compile(text):check({}) end, "script.schema")
    end
  end)

  it("gives up a pattern that has too many ways to match", function()
    local schema = json_schema.compile([[{"pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}]])
    expect.raises(function() schema:check(("a"):rep(200)) end, "text.pattern")
  end)
end)
