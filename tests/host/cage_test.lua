local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function load(source) return test.opsh({ test.write("scripts/sample.lua", source), "--help" }) end

local function refused(source)
  local result = load(source)
  expect.equal(result.exit, 1)
  return result.errors
end

describe("a runbook", function()
  it("is told of an undefined global, its line and what was meant", function()
    local errors = refused("local a = 1\nlocal b = tostrin(a)\n")
    expect.contains(errors, "undefined global tostrin")
    expect.contains(errors, "did you mean tostring?")
    expect.contains(errors, "sample.lua:2")
  end)

  it("has no io, no ffi, no debug, no jit and no way to load code", function()
    for _, name in ipairs({
      "io",
      "ffi",
      "debug",
      "jit",
      "load",
      "loadstring",
      "loadfile",
      "dofile",
      "package",
      "setfenv",
      "getfenv",
      "newproxy",
      "collectgarbage",
      "module",
    }) do
      expect.contains(refused("local a = " .. name .. "\n"), "undefined global " .. name, name)
    end
  end)

  it("has no os.execute, os.getenv, os.remove and no string.dump", function()
    for _, name in ipairs({
      "os.execute",
      "os.getenv",
      "os.remove",
      "os.exit",
      "os.rename",
      "os.tmpname",
      "string.dump",
    }) do
      expect.contains(refused("local a = " .. name .. '("x")\n'), "attempt to call", name)
    end
  end)

  it("cannot require a module that is not there, of Lua's own, or of opsh's inside", function()
    for _, name in ipairs({
      "nowhere",
      "ffi",
      "jit",
      "io",
      "opsh.nowhere",
      "opsh.native.db",
      "opsh.host.cage",
      "opsh.test",
    }) do
      local errors = refused(("local a = require(%q)\n"):format(name))
      expect.contains(errors, "sample.lua:1", name)
      expect.contains(errors, name, name)
    end
  end)

  it("prints to standard error, so that results stay clean", function()
    local result = load('print("hello", nil, 1)\n' .. sample.runbook())
    expect.equal(result.errors, "hello\tnil\t1\n")
    expect.lacks(result.output, "hello")
  end)

  it(
    "cannot change string methods for others",
    function() expect.contains(refused('getmetatable("").__index = {}\n'), "attempt to index") end
  )

  it("has no bytecode through the methods of strings either", function()
    local result = load('print(("x").dump, ("x").rep)\n' .. sample.runbook())
    expect.matches(result.errors, "^nil\tfunction")
  end)

  it("sees the metatable of nothing that the host shares with it", function()
    local result = load([[
      local json, runbook = require("opsh.json"), require("opsh.runbook")
      local _, err = pcall(require, "nowhere")
      local shared = { "", err, json.decode("{}"), json.decode("[]"), json.decode("[1e400]")[1], runbook, _G }
      for _, value in ipairs(shared) do
        assert(type(getmetatable(value)) == "string", tostring(value))
        assert(not pcall(setmetatable, value, {}))
      end
    ]] .. sample.runbook())
    expect.equal(result.errors, "")
  end)

  it("changes its own copy of a module, not the host's and not that of others", function()
    test.write("scripts/other.lua", 'return require("opsh").version')
    local result = load([[
      require("opsh.runbook").declaration = function() return { title = "forged" } end
      require("opsh.json").encode = function() return "forged" end
      require("opsh").version = "forged"
      string.format, table.concat, ipairs = nil, nil, nil
    ]] .. sample.runbook(nil, { title = '"its own title"' }))
    expect.equal(result.exit, 0)
    expect.contains(result.output, "its own title")
    expect.lacks(result.output, "forged")
  end)
end)

describe("a script that asks for too much", function()
  --- The loaded script and what it is told; seconds that it took.
  local function limited(source, option)
    local began = os.time()
    local result = test.opsh({ option, test.write("scripts/sample.lua", source), "--help" })
    expect.is_true(os.time() - began < 30, "it ended in time")
    expect.equal(result.exit, 1)
    return result.errors
  end

  it("of memory is stopped, also when it catches errors for ever", function()
    for _, source in ipairs({
      'local a = ("x"):rep(2 ^ 30)',
      'local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end',
      'while true do pcall(string.rep, "x", 2 ^ 30) end',
      'local t = {} while true do pcall(function() while true do t[#t + 1] = ("x"):rep(1000) .. #t end end) end',
      "local function deep() coroutine.wrap(deep)() end deep()",
    }) do
      local errors = limited(source, "--script-memory=64")
      expect.contains(errors, "the script uses more than 64 MB", source)
      expect.contains(errors, "--script-memory", source)
    end
  end)

  it("of memory in a batch leaves nothing of it, and a log that says so", function()
    local database = test.database({ sql = sample.items(4) })
    local path = test.write(
      "sample.lua",
      sample.runbook({
        batch = "2",
        apply = [[function(tx, items)
          tx:exec("update item set done = true from :items as i where item.id = i.id")
          kept = {}
          while items[1].id == 3 do pcall(function() kept[#kept + 1] = ("x"):rep(1000) .. #kept end) end
        end]],
      })
    )
    local result = test.opsh({ path, "--apply", "--script-memory=64" }, { db = database })
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "the script uses more than 64 MB")
    expect.equal(database:value("select count(*) from item where done"), 2)
    expect.equal(database:value("select state from opsh.run"), "stopped")
    local log = test.shell("cat state/opsh/runs/*/audit.jsonl").output
    expect.contains(log, '"kind":"script.memory"')
  end)

  it("of calls within calls is told of the stack, and ends nothing else", function()
    for _, source in ipairs({
      "local function f() return 1 + f() end f()",
      'local function f(s) return (s:gsub(".", f)) end f("x")',
      "local t = setmetatable({}, { __index = function(t, k) return t[k] .. 1 end }) local a = t.x",
      'local t = {} setmetatable(t, { __tostring = function() return ("%s"):format(t) .. 1 end }) tostring(t)',
      "local function f() table.sort({ 2, 1, 3 }, function(a, b) f() return a < b end) end f()",
    }) do
      expect.contains(refused(source .. "\n"), "stack overflow", source)
    end
  end)

  it("of time is stopped at its line, also when it catches errors for ever", function()
    for _, source in ipairs({
      "while true do end",
      "while true do pcall(function() while true do end end) end",
      "xpcall(error, function() while true do end end)",
      "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
      "local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end tostring(t)",
    }) do
      local errors = limited("\n" .. source, "--script-timeout=1")
      expect.contains(errors, "the script ran for 1 s without calling opsh", source)
      expect.contains(errors, "sample.lua:2", source)
    end
  end)

  it("of time in one call of Lua's own ends opsh, which says why", function()
    local bomb = 'local s = ("a"):rep(40) print(s:find(("a-"):rep(30) .. "b"))'
    expect.contains(limited(bomb, "--script-timeout=1"), "the script does not stop")
  end)

  it("of time in one call of Lua's own in a batch leaves nothing of it, and says how to go on", function()
    local database = test.database({ sql = sample.items(4) })
    local path = test.write(
      "sample.lua",
      sample.runbook({
        batch = "2",
        apply = [[function(tx, items)
          tx:exec("update item set done = true from :items as i where item.id = i.id")
          if items[1].id == 3 then print((("a"):rep(40)):find(("a-"):rep(30) .. "b")) end
        end]],
      })
    )
    local result = test.opsh({ path, "--apply", "--script-timeout=1" }, { db = database })
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "the script does not stop")
    expect.contains(result.errors, "Go on with: opsh resume")
    expect.equal(database:value("select count(*) from item where done"), 2)
  end)

  it("is not one that waits for the server, or that works for long and calls opsh", function()
    local database = test.database({ sql = sample.items(3) })
    local path = test.write(
      "sample.lua",
      sample.runbook({
        plan = [[function(ctx)
          ctx:value("select count(*) from generate_series(1, 1500000) as i where md5(i::text) < '0'")
          for _ = 1, 300 do
            ctx:value("select 1")
            for _ = 1, 500000 do end
          end
          return "select id from item"
        end]],
      })
    )
    expect.equal(test.opsh({ path, "--script-timeout=1" }, { db = database }).exit, 0)
  end)
end)
