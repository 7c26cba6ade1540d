local test = require("opsh.test")
local effecting = require("effecting")

local describe, it, expect = test.describe, test.it, test.expect
local items, lines, script, work = effecting.items, effecting.lines, effecting.script, effecting.work

local flagged = [[
  { name = "on", effect = says("on"), compensate = says("off") },]] .. work .. [[,
  { name = "off", ends = "on" },
  { name = "notice", effect = says("notice") },
  { name = "flag", effect = function() say("flag-work") end, compensate = function() say("unflag") end },]]

local function applied(database, steps)
  local path = script(steps or flagged)
  expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 0)
  return effecting.last_run(database), path
end

describe("an undo", function()
  it("says what it takes back beyond the database, and what stays", function()
    local database = items()
    local id = applied(database)
    local before = lines()
    local result = test.opsh({ "undo", id }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "flag: taken back by its compensation")
    expect.contains(result.output, "notice: run sh -c 'echo notice >> lines': stays")
    expect.lacks(result.output, "on: ")
    expect.equal(lines(), before)
  end)

  it("runs the compensations of what is in effect, and restores the rows", function()
    local database = items()
    local before = database:checksum()
    local id = applied(database)
    local result = test.opsh({ "undo", id, "--apply", "--json" }, { db = database })
    expect.equal(result.exit, 0)
    expect.equal(result.json().effects.steps, { "flag" })
    expect.equal(lines(), { "on", "off", "notice", "flag-work", "unflag" })
    expect.equal(database:checksum(), before)
    local events = table.concat(effecting.events(effecting.last_run(database)), "; ")
    expect.contains(events, "effect begun flag; effect finished flag done; compensated flag done")
  end)

  it("takes back a run of effects alone", function()
    local database = items()
    local id = applied(database, '{ name = "on", effect = says("on"), compensate = says("off") },')
    expect.equal(test.opsh({ "undo", id, "--apply" }, { db = database }).exit, 0)
    expect.equal(lines(), { "on", "off" })
  end)

  it("refuses when the script has changed, before anything is undone; --leave-effects takes back the rows", function()
    local database = items()
    local before = database:checksum()
    local id, path = applied(database)
    test.shell(("echo '-- changed' >> '%s'"):format(path))
    local done = database:checksum()
    local result = test.opsh({ "undo", id, "--apply" }, { db = database })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "has changed since run")
    expect.contains(result.errors, "--leave-effects")
    expect.equal(database:checksum(), done)
    result = test.opsh({ "undo", id, "--apply", "--leave-effects" }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "flag: left as it is, by --leave-effects")
    expect.equal(database:checksum(), before)
    expect.equal(lines()[5], nil)
  end)

  it("wants no script where nothing is to be taken back by it", function()
    local database = items()
    local id, path = applied(database, work .. ', { name = "notice", effect = says("notice") },')
    test.shell(("rm '%s'"):format(path))
    expect.equal(test.opsh({ "undo", id, "--apply" }, { db = database }).exit, 0)
  end)

  it("stops with exit 7 when a compensation fails, and is resumed", function()
    local database = items()
    local id = applied(database, work .. [[,
      { name = "flag", effect = says("flag"),
        compensate = function() proc.run({ "sh", "-c", "test -e mended && echo unflag >> lines" }) end },]])
    local result = test.opsh({ "undo", id, "--apply" }, { db = database })
    expect.equal(result.exit, 7)
    expect.contains(result.errors, "error: step flag could not be taken back: sh -c ")
    expect.contains(result.errors, "still on: flag. By hand: ")
    expect.equal(database:value("select count(*) from item where done"), 5)
    test.write("mended", "")
    expect.equal(test.opsh({ "resume", effecting.last_run(database) }, { db = database }).exit, 0)
    expect.equal(lines(), { "flag", "unflag" })
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)

  it("takes back a run that was killed while its effect was on", function()
    local database = items()
    local path = script([[{ name = "on", effect = function()
      proc.run({ "sh", "-c", "echo on >> lines; kill -9 $PPID; sleep 5" }) end, compensate = says("off") },]] .. work)
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).signal, 9)
    expect.equal(test.opsh({ "undo", effecting.last_run(database), "--apply" }, { db = database }).exit, 0)
    expect.equal(lines(), { "on", "off" })
  end)
end)
