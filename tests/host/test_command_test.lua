local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

--- Runs a test file made of this Lua.
local function run(lua, arguments)
  local path = test.write(
    "inner/sample_test.lua",
    'local test = require("opsh.test")\nlocal expect = test.expect\n' .. lua .. "\n"
  )
  return test.opsh({ "test", path, unpack(arguments or {}) })
end

describe("opsh test", function()
  it("counts what passed and what failed in its last line, and exits 1", function()
    local result = run([[
      test.it("holds", function() expect.equal(1, 1) end)
      test.it("does not hold", function() expect.equal(1, 2) end)
      test.it("is run after a failure", function() expect.is_true(true) end)]])
    expect.equal(result.exit, 1)
    expect.matches(result.output, "\n2 passed, 1 failed\n$")
    expect.matches(result.output, "FAIL  does not hold  %d+ ms")
    expect.matches(result.output, "pass  is run after a failure  %d+ ms")
  end)

  it("exits 0 when all pass", function()
    local result = run('test.it("holds", function() end)')
    expect.equal(result.exit, 0)
    expect.matches(result.output, "\n1 passed, 0 failed\n$")
  end)

  it("shows what was expected, what was found, and the line of the test", function()
    local result =
      run('test.it("differs", function()\n  expect.equal({ a = { 1, "x" } }, { a = { 1, "y" }, b = 2 })\nend)')
    for _, piece in ipairs({
      "sample_test.lua:4",
      "a[2]",
      'expected "y"',
      'found    "x"',
      "expected 2",
      "found    nothing",
    }) do
      expect.contains(result.output, piece)
    end
  end)

  it("shows the first line in which texts differ", function()
    local result = run([[test.it("differs", function() expect.equal("a\nb\nc", "a\nB\nc") end)]])
    expect.contains(result.output, "line 2")
    expect.contains(result.output, 'expected "B"')
  end)

  it("reports an error in a test with its line and goes on", function()
    local result =
      run('test.it("breaks", function() local a = nil; return a.b end)\ntest.it("goes on", function() end)')
    expect.contains(result.output, "sample_test.lua:3")
    expect.contains(result.output, "attempt to index")
    expect.contains(result.output, "1 passed, 1 failed")
  end)

  it("reports a file that cannot be read as a failure", function()
    local result = run("local a = = 1")
    expect.equal(result.exit, 1)
    expect.contains(result.output, "sample_test.lua:3")
    expect.contains(result.output, "0 passed, 1 failed")
  end)

  it("runs what --filter names, groups included", function()
    local lua = [[
      test.describe("birds", function()
        test.it("fly", function() end)
        test.it("sing", function() end)
      end)
      test.it("fish swim", function() end)]]
    expect.contains(run(lua, { "--filter", "birds: fly" }).output, "1 passed, 0 failed")
    expect.contains(run(lua, { "--filter", "birds" }).output, "2 passed, 0 failed")
    local none = run(lua, { "--filter", "cows" })
    expect.equal(none.exit, 2)
    expect.contains(none.errors, 'no test\'s name has "cows"')
  end)

  it("runs before_each of the group and of those around it, before each test", function()
    local result = run([[
      local said = {}
      test.before_each(function() said[#said + 1] = "outer" end)
      test.describe("group", function()
        test.before_each(function() said[#said + 1] = "inner" end)
        test.it("one", function() expect.equal(said, { "outer", "inner" }) end)
        test.it("two", function() expect.equal(said, { "outer", "inner", "outer", "inner" }) end)
      end, { together = true })]])
    expect.equal(result.exit, 0)
  end)

  it("prints one document with --json", function()
    local document = run(
      'test.it("holds", function() end)\ntest.it("fails", function() expect.is_true(false, "the sky") end)',
      { "--json" }
    ).json()
    expect.equal({ document.passed, document.failed, #document.tests }, { 1, 1, 2 })
    expect.equal(document.tests[2].outcome, "failed")
    expect.contains(document.tests[2].message, "the sky")
  end)

  it("finds files *_test.lua in folders, and says when there are none", function()
    test.write("many/a/one_test.lua", 'require("opsh.test").it("holds", function() end)\n')
    test.write("many/two_test.lua", 'require("opsh.test").it("holds", function() end)\n')
    test.write("many/three.lua", "broken(\n")
    expect.contains(test.opsh({ "test", "many" }).output, "2 passed, 0 failed")
    test.write("empty/three.lua", "")
    local none = test.opsh({ "test", "empty" })
    expect.equal(none.exit, 2)
    expect.contains(none.errors, "no test files in empty")
    expect.equal(test.opsh({ "test", "nowhere" }).exit, 2)
  end)

  it("leaves nothing behind, also when tests fail", function()
    local folder = test.folder() .. "/temporary"
    expect.equal(test.shell("mkdir temporary").exit, 0)
    local path = test.write(
      "inner/sample_test.lua",
      [[
      local test = require("opsh.test")
      test.it("writes", function() test.write("a/b.txt", "x") test.database() error("lost") end)]]
    )
    local result = test.opsh({ "test", path }, { environment = { TMPDIR = folder } })
    expect.equal(result.exit, 1)
    expect.equal(test.shell("ls temporary").output, "")
  end)

  it("ends at once on Ctrl-C", function()
    local path = test.write(
      "inner/sample_test.lua",
      [[
      local test = require("opsh.test")
      test.it("hangs", function() print("hanging") while true do end end)
      test.it("is not reached", function() end)]]
    )
    local process = test.spawn({ "test", path })
    test.wait_until("it hangs", function() return process:errors():find("hanging", 1, true) end)
    process:signal("INT")
    expect.equal(process:wait(10).exit, 130)
  end)
end)

describe("expect", function()
  local function holds(lua)
    expect.contains(run(('test.it("x", function() %s end)'):format(lua)).output, "1 passed", lua)
  end
  local function fails(lua)
    expect.contains(run(('test.it("x", function() %s end)'):format(lua)).output, "1 failed", lua)
  end

  it("knows equal from different", function()
    holds('expect.equal({ 1, { a = "x" } }, { 1, { a = "x" } })')
    for _, pair in ipairs({
      '1, "1"',
      "{ 1 }, { 1, 2 }",
      "{ 1, 2 }, { 1 }",
      "nil, false",
      "{ a = 1 }, { b = 1 }",
      "{}, nil",
    }) do
      fails(("expect.equal(%s)"):format(pair))
    end
  end)

  it("knows what contains, lacks and matches", function()
    holds('expect.contains("a.b", ".b") expect.contains({ "a", { 1 } }, { 1 })')
    holds('expect.lacks("ab", "c") expect.matches("a1", "%d$")')
    fails('expect.contains("ab", ".b")')
    fails('expect.contains(nil, "a")')
    fails('expect.contains({ "a" }, "b")')
    fails('expect.lacks("abc", "b")')
    fails('expect.matches("a", "%d")')
    fails('expect.matches(nil, "a")')
  end)

  it("knows what raises", function()
    holds('local err = expect.raises(function() error("lost") end, "lost") expect.matches(err.where, "sample_test")')
    fails("expect.raises(function() end)")
    fails('expect.raises(function() error("lost") end, "found")')
  end)

  it("knows that there are no rows", function()
    holds("expect.none({})")
    fails("expect.none({ { a = 1 } })")
    fails("expect.none(nil)")
  end)
end)

describe("a test's database", function()
  it("is fresh for each test, also when it is loaded from files", function()
    test.write("inner/load.sql", "create table t as select :'who' as who, i from generate_series(1, :n) as i;\n")
    local result = run([[
      for number = 1, 3 do
        test.it("is fresh " .. number, function()
          local database = test.database({
            files = { "load.sql" }, variables = { who = "me", n = 4 }, sql = "create table u (a int)",
          })
          expect.equal(database:value("select count(*) from t where who = 'me'"), 4)
          database:execute("delete from t; drop table u")
        end)
      end
      test.it("has its own variables", function()
        local database = test.database({ files = { "load.sql" }, variables = { who = "you", n = 1 } })
        expect.equal(database:value("select who from t"), "you")
      end)]])
    expect.equal(result.exit, 0)
  end)

  it("has a checksum that every change to the data moves, and none to the ledger", function()
    local database = test.database({
      sql = [[
      create table t (a int, b text);
      insert into t values (1, 'x'), (1, 'x');
      create sequence s;
      create schema opsh;
      create table opsh.run (a int);]],
    })
    local before = database:checksum()
    expect.equal(database:checksum(), before)
    database:execute("insert into opsh.run values (1); analyze; update t set a = a where false")
    expect.equal(database:checksum(), before)
    local changes = {
      "insert into t values (1, 'x')",
      "update t set b = 'y' where ctid = '(0,1)'",
      "delete from t where b = 'y'",
      "select nextval('s')",
      "create table public.u ()",
      "update t set b = null",
    }
    for _, change in ipairs(changes) do
      database:execute(change)
      local after = database:checksum()
      expect.raises(function() expect.equal(after, before) end, "test.failed", change)
      before = after
    end
  end)

  it("reports an error of psql with what it said", function()
    local err = expect.raises(function() test.database({ sql = "select nowhere" }) end, "test.psql")
    expect.contains(err.excerpt, 'column "nowhere" does not exist')
  end)

  it("runs a file with variables and gives what psql printed", function()
    local path = test.write("say.sql", "select :n, 'x';\n")
    expect.equal(test.database():run_file(path, { n = 5 }), "5|x\n")
  end)
end)
