local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local function feed(input, options)
  options = options or {}
  return test.opsh(options.arguments or {}, { db = options.db, input = input })
end

describe("opsh without a terminal", function()
  it("runs the chunks of standard input, without a prompt and without a banner", function()
    local result =
      feed("x = 40\n\nfor i = 1, 2 do\n  x = x + 1\nend\n=x\nselect 1\n  as one\n;\n", { db = test.database() })
    expect.equal(result.output, "42\none\n───\n  1\n(1 row)\n")
    expect.equal({ result.exit, result.errors }, { 0, "" })
  end)

  it("does nothing with no input, and connects to nothing", function()
    local result = feed("", { db = "host=/nonexistent" })
    expect.equal({ result.exit, result.output, result.errors }, { 0, "", "" })
  end)

  it("stops at the first error with its exit status and its line", function()
    local result = feed("=1\nx = {\n  1,\n}\nx.y.z = 1\n=2\n")
    expect.equal({ result.exit, result.output }, { 1, "1\n" })
    expect.contains(result.errors, "at stdin:5")
    expect.equal(feed("delete\nfrom t;\n", { db = "host=/nonexistent" }).exit, 5)
  end)

  it("takes what stands at the end for whole", function()
    expect.equal(feed("select 3 as x", { db = test.database() }).output, "x\n─\n3\n(1 row)\n")
    local result = feed("for i = 1, 2 do\n")
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "expected near '<eof>'")
  end)

  it("refuses a line without end instead of cutting it", function()
    local result = feed("=1\nx = '" .. ("a"):rep(2 ^ 20) .. "'\n=2\n")
    expect.equal({ result.exit, result.output }, { 2, "1\n" })
  end)

  it("ends at \\q and refuses another command", function()
    expect.equal(feed("=1\n\\q\n=2\n").output, "1\n")
    expect.equal(feed("\\nope\n").exit, 2)
  end)

  it(
    "gives print's text to standard output",
    function() expect.equal(feed("print(1, 'a', nil)\n").output, "1\ta\tnil\n") end
  )

  it("takes what is valid Lua for Lua, and a statement that ends in a semicolon for SQL", function()
    local database = test.database()
    for chunk, output in pairs({
      ["select (7) as a;"] = "a\n─\n7\n(1 row)\n",
      ["values (7);"] = "column1\n───────\n      7\n(1 row)\n",
      ["-- about\nselect 7 as a;"] = "a\n─\n7\n(1 row)\n",
      ["(select 7 as a);"] = "a\n─\n7\n(1 row)\n",
      ["do print(7) end;"] = "7\n",
      ["select = 7; print(select);"] = "7\n",
      ["table.sort({});"] = "",
      ["=select('#', 1, 2)"] = "2\n",
      ["with a as (select $$;\n$$ as t) select length(t) as n from a;"] = "n\n─\n2\n(1 row)\n",
    }) do
      local result = feed(chunk .. "\n", { db = database })
      expect.equal(result.output, output, chunk .. result.errors)
    end
  end)

  it("lets the gate say why a statement that writes is refused", function()
    for _, statement in ipairs({ "insert into t values (1)", "begin", "commit", "vacuum", "drop table t", "end" }) do
      local result = feed(statement .. ";\n", { db = "host=/nonexistent" })
      expect.equal(result.exit, 5, statement .. result.errors)
    end
  end)
end)
