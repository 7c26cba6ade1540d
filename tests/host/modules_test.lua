local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function load(source) return test.opsh({ test.write("scripts/sample.lua", source), "--help" }) end

local function refused(source)
  local result = load(source)
  expect.equal(result.exit, 1)
  return result.errors
end

--- A runbook that begins with `head` and shows a title.
local function titled(head, title) return head .. "\n" .. sample.runbook(nil, { title = title }) end

--- Declares the folder shared/ for modules.
local function sharing() test.write("opsh.config.lua", 'return { modules = { "shared" } }\n') end

local function link(target, name)
  test.write("scripts/sample.lua", "")
  expect.equal(test.shell(("ln -s %s %s"):format(target, name)).exit, 0)
end

describe("the name of a module", function()
  it("is no path, has no NUL and leads to no folder above", function()
    test.write("outside.lua", "return 1\n")
    local folder = test.folder()
    for _, name in ipairs({
      "../outside",
      "../../outside",
      "..outside",
      "...outside",
      "./outside",
      "parts/../outside",
      folder .. "/outside",
      "/etc/passwd",
      "outside\\0",
      "a/b",
      "a..b",
      "a.",
      ".",
      "",
    }) do
      local errors = refused(('local a = require("%s")\n'):format(name))
      expect.contains(errors, "there is no module", name)
      expect.contains(errors, "sample.lua:1", name)
    end
  end)

  it("is that of a file, neither of a folder nor of a pipe", function()
    test.write("scripts/folder.lua/inside", "")
    expect.equal(test.shell("mkfifo scripts/pipe.lua").exit, 0)
    for _, name in ipairs({ "folder", "pipe" }) do
      expect.contains(refused(('local a = require("%s")\n'):format(name)), "there is no module " .. name)
    end
  end)

  it("that was meant is said: the nearest, the one with dots, or the places that were looked at", function()
    sharing()
    test.write("scripts/lib/names.lua", "return {}\n")
    for name, hint in pairs({
      ["lib.namse"] = "did you mean lib.names?",
      ["lib/names"] = 'require("lib.names")',
      ["lib/names.lua"] = 'require("lib.names")',
      ["lib-names"] = "letters, digits and _",
      elsewhere = ("it would be %s/scripts/elsewhere.lua or %s/shared/"):format(test.folder(), test.folder()),
    }) do
      expect.contains(refused(('local a = require("%s")\n'):format(name)), hint, name)
    end
  end)
end)

describe("a symbolic link", function()
  it("to a file outside the folder is refused, beside the runbook and in a declared folder", function()
    sharing()
    test.write("outside.lua", "return 1\n")
    test.write("shared/words.lua", "return 1\n")
    link("../outside.lua", "scripts/inside.lua")
    expect.contains(refused('local a = require("inside")\n'), "module inside lies outside")
    link("../outside.lua", "shared/within.lua")
    expect.contains(refused('local a = require("within")\n'), "module within lies outside")
  end)

  it("to a folder outside is refused, also to one whose name begins with the folder's", function()
    test.write("elsewhere/inside.lua", "return 1\n")
    test.write("scripts_of_others/inside.lua", "return 1\n")
    link("../elsewhere", "scripts/parts")
    expect.contains(refused('local a = require("parts.inside")\n'), "lies outside")
    link("../scripts_of_others", "scripts/others")
    expect.contains(refused('local a = require("others.inside")\n'), "lies outside")
  end)

  it("that stays in the folder is followed", function()
    test.write("scripts/words.lua", 'return { title = "through a link" }\n')
    link("words.lua", "scripts/inside.lua")
    expect.contains(load(titled('local words = require("inside")', "words.title")).output, "through a link")
  end)
end)

describe("a module", function()
  it("has what a script has, and no more", function()
    for _, name in ipairs({ "package", "dofile", "loadfile", "load", "loadstring", "io", "debug", "setfenv" }) do
      test.write("scripts/words.lua", "return " .. name .. "\n")
      local errors = refused('local a = require("words")\n')
      expect.contains(errors, "undefined global " .. name, name)
      expect.contains(errors, "words.lua:1", name)
    end
  end)

  it("that is bytecode is not run", function()
    test.write("scripts/words.lua", string.format("\27LJ\2%s", "print('run')"))
    local errors = refused('local a = require("words")\n')
    expect.contains(errors, "the file is bytecode")
    expect.contains(errors, "words.lua")
  end)

  it("is run once, however often it is required", function()
    test.write("scripts/parts/words.lua", 'print("loaded") return { title = "from a module" }\n')
    local head = 'local words, again = require("parts.words"), require("parts.words")\nassert(words == again)'
    local result = load(titled(head, "words.title"))
    expect.equal(result.exit, 0)
    expect.contains(result.output, "from a module")
    expect.equal(result.errors, "loaded\n")
  end)

  it("that fails shows its own line, also when the script catches the error and tries again", function()
    test.write("scripts/words.lua", "\nlocal a = nothing\n")
    expect.contains(refused('local words = require("words")\n'), "words.lua:2")
    expect.contains(refused('pcall(require, "words")\nlocal words = require("words")\n'), "words.lua:2")
    test.write("scripts/words.lua", "local a = {}\nlocal b = a.b.c\n")
    expect.contains(refused('local words = require("words")\n'), "words.lua:2")
    test.write("scripts/words.lua", "\n\nreturn }\n")
    expect.contains(refused('local words = require("words")\n'), "words.lua:3")
  end)

  it("that requires itself is told so, with the way that led there", function()
    test.write("scripts/a.lua", 'local b = require("lib.b")\n')
    test.write("scripts/lib/b.lua", 'local c = require("c")\n')
    test.write("scripts/c.lua", 'local b = require("lib.b")\n')
    local errors = refused('local a = require("a")\n')
    expect.contains(errors, "module lib.b requires itself")
    expect.contains(errors, "lib.b requires c requires lib.b")
    expect.contains(errors, "c.lua:1")
  end)

  it("of a declared folder is found; beside the runbook one of its name comes first, and lint says so", function()
    sharing()
    test.write("shared/words.lua", 'return { title = "from the team" }\n')
    local source = titled('local words = require("words")', "words.title")
    expect.contains(load(source).output, "from the team")
    expect.lacks(test.opsh({ "lint", "scripts" }).output, "hidden-module")
    test.write("scripts/words.lua", 'return { title = "from beside" }\n')
    expect.contains(load(source).output, "from beside")
    local found = test.opsh({ "lint", "scripts" }).output
    expect.contains(found, "sample.lua:1:23: hidden-module: words is ")
    expect.contains(found, "scripts/words.lua, and hides ")
  end)

  it("folder that is none is refused in opsh.config.lua", function()
    for _, modules in ipairs({ '"shared"', "{ 1 }", '{ "" }', '{ lib = "shared" }', '{ "a\\0b" }' }) do
      test.write("opsh.config.lua", ("return { modules = %s }\n"):format(modules))
      local result = load(sample.runbook())
      expect.equal(result.exit, 2, modules)
      expect.contains(result.errors, "modules must be a list of folders", modules)
    end
  end)
end)

describe("a run", function()
  it("records the hash of each module in ledger and audit log, and refuses to go on when one has changed", function()
    sharing()
    local database = test.database({ sql = sample.items(2) })
    local module = test.write("shared/words.lua", "return { floor = 1 }\n")
    local source = 'local words = require("words")\n'
      .. sample.runbook({
        batch = "1",
        apply = [[function(tx, items)
          if items[1].id > words.floor then error("enough") end
          return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }
        end]],
      })
    local result = test.opsh({ test.write("scripts/sample.lua", source), "--apply" }, { db = database })
    expect.equal(result.exit, 4)
    local sha256 = test.shell("sha256sum " .. module).output:match("^%x+")
    expect.equal(database:value(("select sources ->> '%s' from opsh.run"):format(module)), sha256)
    local log = test.shell("cat .opsh/runs/*/audit.jsonl").output
    expect.contains(log, ('"%s":"%s"'):format(module, sha256))
    test.write("shared/words.lua", "return { floor = 2 }\n")
    local run = database:value("select id from opsh.run")
    local resumed = test.opsh({ "resume", run }, { db = database })
    expect.equal(resumed.exit, 5)
    expect.contains(resumed.errors, "shared/words.lua has changed since run " .. run)
    test.write("shared/words.lua", "return { floor = 1 }\n")
    expect.contains(test.opsh({ "resume", run }, { db = database }).errors, "enough")
  end)

  it("takes no module that comes after the script has been read, for its record would not have it", function()
    local database = test.database({ sql = sample.items(2) })
    test.write("scripts/words.lua", "return { late = true }\n")
    local runbook = sample.runbook({
      apply = [[function(tx)
        local words = require("words")
        return { worked = words and tx:exec("update item set done = true from :items as i where item.id = i.id") }
      end]],
    })
    local path = test.write("scripts/sample.lua", runbook)
    local result = test.opsh({ path, "--apply" }, { db = database })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "words.lua is read when the script has been read already")
    expect.equal(database:value("select count(*) from item where done"), 0)
    expect.contains(test.opsh({ "lint", path }).output, "late-module: module words is required when the run has begun")
    -- What was there before may be asked for again.
    test.write("scripts/sample.lua", 'require("words")\n' .. runbook)
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 0)
  end)
end)
