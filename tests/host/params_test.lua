local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

--- A runbook with one param, run with `arguments`, and what it says.
local function given(param, arguments)
  local path = test.write("sample.lua", sample.runbook(nil, { params = "{ value = " .. param .. " }" }))
  return test.opsh({ path, unpack(arguments) }, { db = "host=/nowhere connect_timeout=1" })
end

local function refuses(param, values, wanted)
  for _, value in ipairs(values) do
    local result = given(param, { "--value=" .. value })
    expect.equal(result.exit, 2, value)
    expect.contains(result.errors, "--value wants " .. wanted, value)
  end
end

local function declared(params)
  local result = test.opsh({ test.write("sample.lua", sample.runbook(nil, { params = params })) })
  expect.equal(result.exit, 1)
  return result.errors
end

describe("a param", function()
  it("of type integer refuses what is none", function()
    refuses('{ type = "integer" }', { "x", "1.5", "", "1e3", "0x10", "1 2" }, "an integer")
    refuses('{ type = "integer" }', { "9223372036854775808", "-9223372036854775809" }, "an integer within 64 bits")
  end)

  it(
    "of type number refuses what is none",
    function() refuses('{ type = "number" }', { "x", "1,5", "", "nan", "infinity", "1.2.3" }, "a number") end
  )

  it("of type date refuses the year 0, which PostgreSQL does not have", function()
    refuses('{ type = "date" }', { "0000-01-01" }, "a date")
  end)

  it("with a pattern that is none is the script's fault", function()
    local result = given('{ type = "string", pattern = "[" }', { "--value=a" })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "param value: its pattern is no Lua pattern")
  end)

  it("of type boolean takes no value", function()
    local result = given('{ type = "boolean" }', { "--value=maybe" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--value takes no value")
  end)

  it(
    "of type date refuses a day that is not in the calendar",
    function()
      refuses(
        '{ type = "date" }',
        { "2026-02-29", "2026-13-01", "2026-1-1", "01/02/2026", "today", "2100-02-29" },
        "a date, YYYY-MM-DD"
      )
    end
  )

  it("of type choice refuses others and says what was meant", function()
    local result = given('{ type = "choice", choices = { "fast", "safe" } }', { "--value=fsat" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "fast, safe")
    expect.contains(result.errors, "did you mean fast?")
  end)

  it(
    "with a pattern refuses text that does not match it",
    function() refuses('{ type = "string", pattern = "^%a+$" }', { "a1", "" }, "text like ^%a+$") end
  )

  it("that is required must be given", function()
    local result = given('{ type = "integer", required = true }', {})
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "missing --value")
  end)

  it("must not be given twice unless it is a list", function()
    local result = given('{ type = "integer" }', { "--value=1", "--value=2" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--value")
  end)

  it("with a value that is missing is refused", function()
    local result = given('{ type = "integer" }', { "--value" })
    expect.equal(result.exit, 2)
  end)
end)

describe("a declared param", function()
  it("named like an option of opsh is refused when the script is loaded", function()
    for _, name in ipairs({ "db", "apply", "json", "lock_timeout", "version", "help", "items", "keys" }) do
      expect.contains(
        declared(("{ %s = { type = 'string' } }"):format(name)),
        "has the name of an option of opsh",
        name
      )
    end
  end)

  it("of an unknown type is told which there are", function()
    local errors = declared('{ value = { type = "intger" } }')
    expect.contains(errors, "unknown type intger")
    expect.contains(errors, "did you mean integer?")
  end)

  it(
    "with a default of a wrong type is refused",
    function()
      expect.contains(declared('{ value = { type = "integer", default = "many" } }'), "its default must be an integer")
    end
  )

  it(
    "with a default out of its choices is refused",
    function()
      expect.contains(
        declared('{ value = { type = "choice", choices = { "a" }, default = "b" } }'),
        "its default must be one of a"
      )
    end
  )

  it(
    "that is required cannot have a default",
    function()
      expect.contains(
        declared('{ value = { type = "integer", required = true, default = 1 } }'),
        "is required and has a default"
      )
    end
  )

  it(
    "with choices must be of type choice",
    function()
      expect.contains(
        declared('{ value = { type = "string", choices = { "a" } } }'),
        "choices and the type choice belong together"
      )
    end
  )
end)

describe("ctx.params", function()
  --- What the script sees: the plan gives one row, made of a Lua expression over ctx.params.
  local function seen(param, expression, arguments)
    local path = test.write(
      "sample.lua",
      sample.runbook({
        plan = ([[function(ctx) local value = ctx.params.value
        return "select 1 as id, $text$" .. (%s) .. "$text$ as seen" end]]):format(expression),
        writes = '{ "item" }',
      }, { params = "{ value = " .. param .. " }" })
    )
    local document = test
      .opsh({ path, "--json", unpack(arguments) }, { db = test.database({ sql = sample.items(1) }) })
      .json()
    return document.outcome == "planned" and document.steps[1].sample[1].seen or document.error.message
  end

  it("has numbers for integers, and text for one that Lua does not hold exactly", function()
    expect.equal(seen('{ type = "integer" }', "type(value) .. ' ' .. value", { "--value=5" }), "number 5")
    expect.equal(
      seen('{ type = "integer" }', "type(value) .. ' ' .. value", { "--value=9007199254740993" }),
      "string 9007199254740993"
    )
  end)

  it(
    "keeps the digits of a number",
    function()
      expect.equal(
        seen('{ type = "number" }', "type(value) .. ' ' .. value", { "--value=0.1000000000000000000001" }),
        "string 0.1000000000000000000001"
      )
    end
  )

  it("has booleans, also from --no-", function()
    expect.equal(seen('{ type = "boolean" }', "type(value) .. ' ' .. tostring(value)", { "--value" }), "boolean true")
    expect.equal(
      seen('{ type = "boolean", default = true }', "type(value) .. ' ' .. tostring(value)", { "--no-value" }),
      "boolean false"
    )
  end)

  it(
    "has a list for a list, empty when nothing is given",
    function()
      expect.equal(
        seen('{ type = "integer", list = true }', "#value .. ' ' .. value[1] + value[2]", { "--value=1", "--value=2" }),
        "2 3"
      )
    end
  )

  it(
    "has the default",
    function() expect.equal(seen('{ type = "date", default = "2026-01-02" }', "value", {}), "2026-01-02") end
  )

  it(
    "has nil for what is not given",
    function() expect.equal(seen('{ type = "date" }', "tostring(value)", {}), "nil") end
  )

  it("refuses a name that is not declared", function()
    local message = seen('{ type = "date" }', "tostring(ctx.params.vlaue)", {})
    expect.contains(message, "declares no param vlaue")
  end)
end)

describe("a param in SQL", function()
  local function filtered(param, condition, arguments)
    local path = test.write(
      "sample.lua",
      sample.runbook(
        { plan = "[[select id from item where " .. condition .. "]]" },
        { params = "{ value = " .. param .. " }" }
      )
    )
    return test
      .opsh({ path, "--json", unpack(arguments) }, { db = test.database({ sql = sample.items(6) }) })
      .json().steps[1].planned.items
  end

  it("is NULL when it is not given, and needs no cast to be tested", function()
    expect.equal(filtered('{ type = "integer" }', ":value is null or id = :value", {}), 6)
    expect.equal(filtered('{ type = "integer" }', ":value is null or id = :value", { "--value=2" }), 1)
  end)

  it(
    "is an array when it is a list",
    function()
      expect.equal(
        filtered('{ type = "string", list = true }', "part = any(:value)", { "--value=red", "--value=bl'ue" }),
        2
      )
    end
  )

  it(
    "is never spliced into the text",
    function() expect.equal(filtered('{ type = "string" }', "part = :value", { "--value=red' or 'a' = 'a" }), 0) end
  )
end)
