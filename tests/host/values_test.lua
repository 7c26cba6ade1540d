local json = require("opsh.json")
local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

-- A type, and values of it that a careless trip changes. The second column is how SQL writes the value.
local kinds = {
  { "bigint", { "9007199254740993", "'-9223372036854775808'", "9223372036854775807", "0" } },
  { "numeric", { "12345678901234567890.1234567890", "1.10", "0.00000000000000000000001", "'NaN'", "'Infinity'" } },
  { "double precision", { "0.1", "'-0'", "1e308", "'NaN'", "'-Infinity'" } },
  { "text", { "''", "'NULL'", "'null'", "E'a\\tb\\nc\\\\d'", "'quote \" and '' and {a,b}'", "'Ñandú 🧠'" } },
  { "bytea", { "'\\x00ff0041'", "'\\x'", "'\\x5c5c'" } },
  { "timestamptz", { "'2026-03-29 02:30:00.123456+02'", "'infinity'", "'0044-03-15 12:00:00+00 BC'" } },
  { "timestamp", { "'2026-03-29 02:30:00.123456'" } },
  { "date", { "'2026-02-28'", "'infinity'" } },
  { "interval", { "'1 year 2 mons -3 days 04:05:06.789'" } },
  { "boolean", { "true", "false" } },
  { "uuid", { "'00000000-0000-4000-8000-00000000000a'" } },
  { "mood", { "'sad, or not'", "'null'" } },
  { "text[]", { "array['a,b', 'NULL', null, '', '\"', '\\']", "'{}'", "'[0:1]={a,b}'", "array[['a','b'],['c','d']]" } },
  { "bigint[]", { "array[9007199254740993, null]" } },
  {
    "jsonb",
    {
      "'null'",
      "'{}'",
      "'[]'",
      '\'{"a": [], "b": {}, "c": null, "": 1, "n": 12345678901234567890.10}\'',
      "'\"text\"'",
      "'1.10'",
      '\'{"price": 1.10, "rates": [0.50, 1e2, -0.0, 0.1], "inner": {"zero": 0.00}}\'',
    },
  },
  { "json", { '\'{"b": 1,   "a": 2, "a": 3}\'', "'[1.10, 9007199254740993]'", "'null'" } },
  { "int4range", { "'[1,5)'", "'empty'" } },
  { "inet", { "'10.0.0.1/8'" } },
}

local schema = "create type mood as enum ('sad, or not', 'null');\n"
  .. "create table source (id bigint primary key, value %s);\n"
  .. "create table copy (id bigint primary key, value %s);\n"

local function database_of(kind, values)
  local rows = { "(0, null)" }
  for at, value in ipairs(values) do
    rows[#rows + 1] = ("(%d, %s::%s)"):format(at, value, kind)
  end
  return test.database({
    sql = schema:format(kind, kind) .. "insert into source values " .. table.concat(rows, ", ") .. ";",
  })
end

local function apply(database, lua)
  local result = test.opsh({
    test.write(
      "sample.lua",
      sample.runbook({
        plan = '"select id, value from source"',
        writes = '{ "copy" }',
        apply = "function(tx, items, ctx)\n" .. lua .. "\nend",
      })
    ),
    "--apply",
  }, { db = database })
  expect.equal(result.exit, 0)
  return database:query([[
    select s.id, s.value::text as was, c.value::text as became from source as s left join copy as c using (id)
    where s.value::text is distinct from c.value::text or c.id is null order by s.id]])
end

describe("from a plan through the items into a table, unchanged", function()
  for _, kind in ipairs(kinds) do
    it(
      kind[1],
      function()
        expect.none(
          apply(database_of(kind[1], kind[2]), 'tx:exec("insert into copy select i.id, i.value from :items as i")')
        )
      end
    )
  end
end)

describe("from a query through Lua's rows into a table, unchanged", function()
  -- Bounds of arrays, the text of json and the spelling of a number without an object or array around it are not kept.
  local lost = { ["'[0:1]={a,b}'"] = true, ["'1.10'"] = true }
  for _, kind in ipairs(kinds) do
    if kind[1] ~= "json" then
      it(kind[1], function()
        local values = {}
        for _, value in ipairs(kind[2]) do
          if not lost[value] then values[#values + 1] = value end
        end
        expect.none(apply(
          database_of(kind[1], values),
          [[
          local made = tx:query("select id, value from source")
          tx:exec("insert into copy select m.id, m.value from :made as m", { made = made })]]
        ))
      end)
    end
  end
end)

describe("in Lua", function()
  local function seen(sql, lua)
    local database = test.database({ sql = sample.items(1) })
    local result = test.opsh({
      test.write(
        "sample.lua",
        sample.runbook({
          apply = ("function(tx) local value, json = tx:value([==[%s]==]), require('opsh.json')\n%s\nend"):format(
            sql,
            lua
          ),
        })
      ),
      "--apply",
    }, { db = database })
    expect.equal(result.exit, 0, sql)
  end

  it("an integer beyond 2^53 is text, and one within is a number", function()
    seen("select 9007199254740993", 'assert(value == "9007199254740993")')
    seen("select 9007199254740992", "assert(value == 2 ^ 53)")
    seen("select 5::smallint", "assert(value == 5)")
  end)

  it("numeric, dates and uuid are text", function()
    seen("select 1.10", 'assert(value == "1.10")')
    seen("select date '2026-01-02'", 'assert(value == "2026-01-02")')
    seen("select timestamptz '2026-01-02 03:04:05+00'", 'assert(value == "2026-01-02 03:04:05+00", value)')
  end)

  it(
    "bytea is its bytes, NUL included",
    function() seen("select '\\x410042'::bytea", 'assert(value == "A\\0B" and #value == 3)') end
  )

  it("SQL NULL is nil, and JSON null is opsh.null", function()
    seen("select null::jsonb", "assert(value == nil)")
    seen("select 'null'::jsonb", "assert(value == opsh.null and value ~= nil)")
  end)

  it("an empty JSON object is no empty array", function()
    seen("select '{}'::jsonb", "assert(json.is_object(value) and not json.is_array(value))")
    seen("select '[]'::jsonb", "assert(json.is_array(value) and not json.is_object(value))")
  end)

  it(
    "JSON keeps a number that a double does not hold",
    function()
      seen(
        [[select '{"n": 12345678901234567890}'::jsonb]],
        'assert(json.is_number(value.n) and tostring(value.n) == "12345678901234567890")'
      )
    end
  )

  it("an array is a list, with opsh.null for its NULLs", function()
    seen("select array['a', null, 'c']", 'assert(#value == 3 and value[2] == opsh.null and value[3] == "c")')
    seen("select array[[1, 2], [3, 4]]", "assert(value[2][1] == 3)")
    seen("select '{}'::int[]", "assert(#value == 0)")
  end)
end)

describe("as a parameter", function()
  --- The SQL text of a Lua value, as the server received it.
  local function sent(lua, cast)
    local database = test.database({
      sql = sample.items(1)
        .. "create table got (id integer generated always as identity primary key, value text);",
    })
    local result = test.opsh({
      test.write(
        "sample.lua",
        sample.runbook({
          writes = '{ "got" }',
          apply = (
            "function(tx) local json = require('opsh.json')\n"
            .. "tx:exec([[insert into got (value) select ($1::%s)::text]], %s)\nend"
          ):format(cast, lua),
        })
      ),
      "--apply",
    }, { db = database })
    if result.exit ~= 0 then return result.errors end
    return database:query("select value from got")[1].value
  end

  it(
    "a string is never spliced",
    function() expect.equal(sent([["'; drop table item; --"]], "text"), "'; drop table item; --") end
  )

  it("opsh.null and nil are NULL", function()
    expect.equal(sent("opsh.null", "text"), nil)
    expect.equal(sent("nil", "text"), nil)
  end)

  it("json.keys names an object's members in the document's order, and refuses what is no object", function()
    local object = json.decode('{"b": 1, "a.b": null, "": {}, "b": 2, "a": [], "\\u0000": 0}')
    object.d, object.c, object.a = 1, 2, nil
    expect.equal(json.keys(object), { "b", "a.b", "", "\0", "c", "d" })
    expect.equal(json.keys(json.object()), {})
    for _, other in ipairs({ {}, json.array({ 1 }), "text", json.null, json.decode("12345678901234567890") }) do
      expect.equal(select(2, pcall(json.keys, other)).kind, "json.value")
    end
  end)

  it("json that was read keeps its keys' order and its numbers' spelling, but for what was changed", function()
    local read = [[(function()
      local value = tx:value("select '{\"b\": 1.10, \"a\": [1e2, 2.50]}'::json")
      value.a[2], value.c = 2.25, 1.0
      return value
    end)()]]
    expect.equal(sent(read, "json"), '{"b":1.10,"a":[1e2,2.25],"c":1}')
  end)

  it("a list is an array", function()
    expect.equal(sent("{ 1, 2, 3 }", "int[]"), "{1,2,3}")
    expect.equal(sent('{ "a,b", opsh.null, "NULL", "" }', "text[]"), '{"a,b",NULL,"NULL",""}')
    expect.equal(sent("{}", "int[]"), "{}")
  end)

  it("a JSON object stays one", function()
    expect.equal(sent("json.object{}", "jsonb"), "{}")
    expect.equal(sent("json.array{}", "jsonb"), "[]")
    expect.equal(sent("json.object{ a = json.null, b = json.array{ 1 } }", "jsonb"), '{"a": null, "b": [1]}')
  end)

  it("a table with names that is no JSON is refused", function()
    expect.contains(sent("{ a = 1 }", "text"), "0 values are given")
    expect.contains(sent("print", "text"), "cannot be a value in SQL")
  end)

  it("a value that no $n takes is refused", function()
    expect.contains(sent('"1", "2"', "text"), "2 values are given, and the statement has $1")
    expect.contains(sent('{ a = 1 }, "2"', "text"), "a table with names cannot be a value in SQL")
  end)

  it(
    "a value of several columns is refused with how many there are",
    function() expect.contains(sent('tx:value("select 1, 2 as b")', "text"), "the query gave 1 row with 2 columns") end
  )

  it("a list of tables that are no rows is refused as a relation, with what to pass", function()
    local result = test.opsh({
      test.write(
        "sample.lua",
        sample.runbook({
          apply = 'function(tx) tx:exec("update item set done = true from :made as m where id = m.a",'
            .. " { made = { { a = 1 } } }) end",
        })
      ),
      "--apply",
    }, { db = test.database({ sql = sample.items(1) }) })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, ":made: a table with names cannot be a value in SQL")
    expect.contains(result.errors, "or rows that a query returned")
  end)

  it("a number keeps its digits", function()
    expect.equal(sent("0.1", "numeric"), "0.1")
    expect.equal(sent("2 ^ 53", "bigint"), "9007199254740992")
  end)
end)
