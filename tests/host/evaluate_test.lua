local test = require("opsh.test")
local json = require("opsh.json")

local describe, it, expect = test.describe, test.it, test.expect

local nowhere = "host=/nonexistent"

local function evaluate(...)
  local arguments = {}
  for _, chunk in ipairs({ ... }) do
    arguments[#arguments + 1] = "-e"
    arguments[#arguments + 1] = chunk
  end
  return arguments
end

describe("opsh -e", function()
  it("prints what a chunk returns, and connects to nothing for it", function()
    local result = test.opsh(evaluate("return 1", "return 'a', nil, true", "x = 5", "x * 2", "=_"), { db = nowhere })
    expect.equal(result.exit, 0)
    expect.equal(result.output, "1\na\nnil\ntrue\n10\n10\n")
  end)

  it("prints every digit of a number", function()
    local result = test.opsh(evaluate("2^53", "1/3", "1e300", "1/0"))
    expect.equal(result.output, "9007199254740992\n0.3333333333333333\n1e+300\ninf\n")
  end)

  it("prints Lua tables with their keys in order, nested ones too", function()
    local result = test.opsh(evaluate("{ b = 1, a = { 'x', { y = 2 } }, 7, ['c d'] = print }"))
    expect.equal(result.output, '{ 7, a = { "x", { y = 2 } }, b = 1, ["c d"] = a function }\n')
  end)

  it(
    "does not follow a table into itself for ever",
    function() expect.contains(test.opsh(evaluate("t = {}; t.t = t", "t")).output, "{ ... }") end
  )

  it("prints rows as a table with NULL, right figures and their number", function()
    local result = test.opsh(
      evaluate("return query([[select 7 as n, '' as empty, null as nothing, array[1, 2] as list]])"),
      { db = test.database() }
    )
    expect.equal(
      result.output,
      "n  empty  nothing  list\n─  ─────  ───────  ─────\n7         NULL     [1,2]\n(1 row)\n"
    )
  end)

  it("takes SQL that ends in a semicolon, several statements too", function()
    local result = test.opsh(evaluate("select 1 as a; select ';' as b /* ; */ ;"), { db = test.database() })
    expect.equal(result.output, "a\n─\n1\n(1 row)\nb\n─\n;\n(1 row)\n")
  end)

  it("shows 1000 rows and counts the others", function()
    local database = test.database()
    for _, rows in ipairs({ 999, 1000, 1001, 2000, 2001, 5000 }) do
      local result = test.opsh(evaluate(("select generate_series(1, %d) as n;"):format(rows)), { db = database })
      local _, lines = result.output:gsub("\n", "")
      expect.equal(lines, math.min(rows, 1000) + 3, rows)
      local shown = rows == 999 and "(999 rows)" or rows == 1000 and "(1,000 rows)" or "(the first 1,000 of "
      expect.contains(result.output, shown, rows)
    end
    expect.contains(
      test.opsh(evaluate("select generate_series(1, 5000) as n;"), { db = database }).output,
      "of 5,000 rows)"
    )
  end)

  it(
    "explains a statement",
    function() expect.contains(test.opsh(evaluate("explain select 1;"), { db = test.database() }).output, "Result") end
  )

  it("prints the last result as one JSON document, all rows of it", function()
    local database = test.database()
    local function document(...)
      local arguments = evaluate(...)
      arguments[#arguments + 1] = "--json"
      return test.opsh(arguments, { db = database }).json()
    end
    expect.equal(#document("select generate_series(1, 3000) as n;"), 3000)
    expect.equal(document("=1", "=2"), 2)
    expect.equal(document("x = 1"), json.null)
    expect.is_true(json.is_array(document("select 1 as a where false;")), "no rows are an empty list")
    expect.equal(document("return 1, 'b'"), { 1, "b" })
  end)

  it("keeps one session, with one snapshot a chunk", function()
    local database = test.database()
    local pid = "return value('select pg_backend_pid()')"
    local result = test.opsh(evaluate(pid, pid), { db = database })
    local first, second = result.output:match("^(%d+)\n(%d+)\n$")
    expect.is_true(first and first == second, result.output)
  end)

  it("exits as scripts do", function()
    local database = test.database({ sql = "create table t (id int)" })
    for chunk, exit in pairs({
      ["error('boom')"] = 1,
      ["x = = 1"] = 1,
      ["select nme;"] = 1,
      ["delete from t;"] = 5,
      ["query('delete from t')"] = 5,
      ["commit;"] = 5,
      ["\\nope"] = 2,
    }) do
      expect.equal(test.opsh(evaluate(chunk), { db = database }).exit, exit, chunk)
    end
    expect.equal(test.opsh(evaluate("select 1;"), { db = nowhere }).exit, 3)
    expect.equal(test.opsh(evaluate("delete from t;"), { db = nowhere }).exit, 5)
    expect.equal(test.opsh({ "-e", "=1", "runs" }).exit, 2)
    expect.equal(test.opsh({ "--target", "nope", "-e", "=1" }).exit, 2)
  end)

  it("stops at the first error, and says in which chunk and line", function()
    local result = test.opsh(evaluate("=1", "local x = 1\nerror('boom')", "=2"))
    expect.equal(result.output, "1\n")
    expect.contains(result.errors, "error: boom")
    expect.contains(result.errors, "at -e 2:2")
    expect.lacks(result.errors, "traceback")
  end)

  it("shows where SQL is wrong", function()
    local result = test.opsh(evaluate("select 1;\nselect nme from pg_class;"), { db = test.database() })
    expect.contains(result.errors, "nme from pg_class\n")
    expect.contains(result.errors, "^")
    expect.contains(result.errors, "at -e:2")
  end)

  it("is in the cage of scripts", function()
    for _, chunk in ipairs({ "io.open('/etc/passwd')", "os.execute('true')", "require('opsh.native.system')" }) do
      expect.is_true(test.opsh(evaluate(chunk)).exit ~= 0, chunk)
    end
  end)

  it(
    "says which global was meant",
    function() expect.contains(test.opsh(evaluate("valeu('select 1')")).errors, "did you mean value?") end
  )
end)
