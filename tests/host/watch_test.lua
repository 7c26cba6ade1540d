local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local verify = [[function(check, ctx)
  check:equal("items worked on", ctx.done.counts.worked, ctx.planned.items)
  check:none("items that are not done", "select id, part from item where not done order by id")
end]]

--- A database with a run that is done.
local function applied(fields)
  local database = test.database({ sql = sample.items(12) })
  local path = test.write("sample.lua", sample.runbook(fields or { verify = verify }))
  return database, test.opsh({ path, "--apply", "--json" }, { db = database }).json().run
end

local function watch(database, ...) return test.opsh({ "watch", ... }, { db = database }) end

describe("opsh watch", function()
  it("looks as often as it was told, and says that all held", function()
    local database, id = applied()
    local before = database:checksum()
    local result = watch(database, id, "--for=2s", "--every=1s")
    expect.equal(result.exit, 0)
    expect.contains(result.output, "All checks held, 3 times.")
    expect.equal(select(2, result.output:gsub("pass  2 checks", "")), 3)
    expect.equal(database:checksum(), before)
  end)

  it("ends with the first check that fails, and shows the rows", function()
    local database, id = applied()
    local process = test.spawn({ "watch", id, "--for=60s", "--every=1s" }, { db = database })
    test.wait_until("a look", function() return process:output():find("pass") end)
    database:execute("update item set done = false where id = 7")
    local result = process:wait(20)
    expect.equal(result.exit, 6)
    local pieces = { "FAIL  2 checks", "items that are not done  1, expected 0", "does not hold any more" }
    for _, piece in ipairs(pieces) do
      expect.contains(result.output, piece)
    end
    expect.matches(result.output, "\n%s+7%s+%a+\n")
    expect.lacks(result.output, "items worked on")
  end)

  it("looks once with --once, as a document with --json", function()
    local database, id = applied()
    database:execute("update item set done = false where id = 7")
    local result = watch(database, id, "--once", "--json")
    expect.equal(result.exit, 6)
    local document = result.json()
    expect.equal({ document.run, document.outcome, document.rounds, document.last.checks }, { id, "failed", 1, 2 })
    expect.equal(document.last.steps[1].checks[2].outcome, "fail")
    expect.equal(document.last.steps[1].checks[2].rows[1].id, 7)
  end)

  it("keeps the newest 20 reports of looks at a run that held, and all that failed", function()
    local database, id = applied()
    expect.equal(watch(database, id, "--once").exit, 0)
    test.shell([[
      cd state/opsh/verifications && only=$(ls)
      for number in $(seq -w 1 22); do cp -r "$only" "2000-$number"; done
      sed -i 's/"held"/"failed"/' 2000-01/shown.json
      sed -i 's/]] .. id .. [[/another/' 2000-02/shown.json
      rm 2000-03/shown.json
    ]])
    expect.equal(watch(database, id, "--once").exit, 0)
    local left = test.shell("ls state/opsh/verifications").output
    expect.equal(select(2, left:gsub("\n", "")), 3 + 20)
    expect.matches(left, "^2000%-01\n2000%-02\n2000%-03\n2000%-05\n")
  end)

  it("ends at Ctrl-C", function()
    local database, id = applied()
    local process = test.spawn({ "watch", id, "--for=60s", "--every=30s" }, { db = database })
    test.wait_until("a look", function() return process:output():find("pass") end)
    process:signal("INT")
    expect.equal(process:wait(10).exit, 130)
  end)

  it("wants the script that the run was carried out with", function()
    local database, id = applied()
    test.write("sample.lua", sample.runbook({ verify = "function(check) check:that('fine', true) end" }))
    local result = watch(database, id, "--once")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "has changed since run")
  end)

  it("refuses a run that was undone, an undo, and a run without checks", function()
    local database, id = applied()
    test.opsh({ "undo", id, "--apply" }, { db = database })
    expect.contains(watch(database, id, "--once").errors, "is undone")
    local undo = database:value("select id from opsh.run where undo_of is not null")
    expect.contains(watch(database, undo, "--once").errors, "has no checks")
    local bare, run = applied({})
    local result = watch(bare, run, "--once")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "has no checks")
  end)

  it("refuses a time that is none, and an unknown run", function()
    local database, id = applied()
    expect.equal(watch(database, id, "--for=soon").exit, 2)
    expect.equal(watch(database, id, "--every=0s").exit, 2)
    expect.equal(watch(database, "2001").exit, 2)
  end)
end)
