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

  it("cannot require a file outside its folder by its path", function()
    test.write("outside.lua", "return 1\n")
    for _, name in ipairs({ "../outside", "..outside", "/etc/passwd", "./outside", "a/b", "" }) do
      expect.contains(refused(("local a = require(%q)\n"):format(name)), "there is no module", name)
    end
  end)

  it("cannot leave its folder through a symbolic link", function()
    test.write("outside.lua", "return 1\n")
    test.write("scripts/sample.lua", "")
    expect.equal(test.shell("ln -s ../outside.lua scripts/inside.lua").exit, 0)
    expect.contains(refused('local a = require("inside")\n'), "lies outside")
  end)

  it("requires a file beside it, once", function()
    test.write("scripts/parts/words.lua", 'print("loaded") return { title = "from a module" }\n')
    local result = load(
      'local words, again = require("parts.words"), require("parts.words")\nassert(words == again)\n'
        .. sample.runbook(nil, { title = "words.title" })
    )
    expect.equal(result.exit, 0)
    expect.contains(result.output, "from a module")
    expect.equal(result.errors, "loaded\n")
  end)

  it("keeps the line of an error in a module", function()
    test.write("scripts/words.lua", "\nlocal a = nothing\n")
    expect.contains(refused('local words = require("words")\n'), "words.lua:2")
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
end)
