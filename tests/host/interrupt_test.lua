local test = require("opsh.test")
local applying = require("applying")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function slow(seconds) return ("select pg_sleep(%d) is null"):format(seconds) end

local function start(fields, database, arguments)
  return test.spawn({ test.write("sample.lua", sample.runbook(fields)), unpack(arguments or {}) }, { db = database })
end

local function wait_until_it_sleeps(database)
  test.wait_until(
    "the server is in the slow statement",
    function()
      return #database:query(
        "select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
      ) > 0
    end
  )
end

local function wait_for_batches(database, count)
  test.wait_until(
    "batches are committed",
    function()
      return database:value("select to_regclass('opsh.batch') is not null as there")
        and database:value("select count(*) from opsh.batch") >= count
    end
  )
end

--- A step whose every batch of ten takes a while.
local slow_batches = {
  batch = "10",
  apply = [[function(tx)
  tx:exec("update item set done = true from :items as i where item.id = i.id")
  tx:value("select pg_sleep(0.1) is null")
end]],
}

describe("Ctrl-C", function()
  it("in a plan ends it with 130, and the server stops working on it", function()
    local database = test.database({ sql = sample.items(3) })
    local process = start({ plan = "[[select id from item where (" .. slow(60) .. ")]]" }, database)
    wait_until_it_sleeps(database)
    process:signal("INT")
    local result = process:wait(10)
    expect.equal(result.exit, 130)
    expect.contains(result.errors, "error: interrupted\n")
    expect.contains(result.errors, "nothing was written")
    expect.lacks(result.errors, "SQLSTATE")
    applying.wait_until_idle(database)
  end)

  it("in an apply takes the batch back, keeps those before it, and exits 4", function()
    local database = test.database({ sql = sample.items(500) })
    local process = start(slow_batches, database, { "--apply" })
    wait_for_batches(database, 3)
    process:signal("INT")
    local result = process:wait(10)
    expect.equal(result.exit, 4)
    local id = result.errors:match("opsh resume (%S+)")
    applying.wait_until_idle(database)
    expect.equal(
      database:value("select count(*) from item where done"),
      database:value("select sum(items) from opsh.batch")
    )
    expect.equal(database:value("select state from opsh.run"), "stopped")
    expect.is_true(id, "it says how to go on")
  end)

  it("in the first batch of an apply writes nothing", function()
    local database = test.database({ sql = sample.items(5) })
    local process = start(
      { apply = 'function(tx) tx:exec("update item set done = true") tx:value("' .. slow(60) .. '") end' },
      database,
      { "--apply" }
    )
    wait_until_it_sleeps(database)
    process:signal("INT")
    local result = process:wait(10)
    expect.equal(result.exit, 130)
    expect.contains(result.errors, "error: interrupted\n")
    expect.lacks(result.errors, "SQLSTATE")
    applying.wait_until_idle(database)
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)

  it("stops a loop in Lua that calls nothing", function()
    local database = test.database({ sql = sample.items(5) })
    local process = start({ apply = "function() print('looping') while true do end end" }, database, { "--apply" })
    test.wait_until("it loops", function() return process:errors():find("looping", 1, true) end)
    process:signal("INT")
    expect.equal(process:wait(10).exit, 130)
    applying.wait_until_idle(database)
  end)

  it("cannot be caught by the script", function()
    local database = test.database({ sql = sample.items(5) })
    local process = start({
      apply = [[function()
      print("looping")
      while true do pcall(function() while true do end end) end
    end]],
    }, database, { "--apply" })
    test.wait_until("it loops", function() return process:errors():find("looping", 1, true) end)
    process:signal("INT")
    expect.equal(process:wait(10).exit, 130)
  end)

  it("stops a script that loops while it is read", function()
    local path = test.write("sample.lua", 'print("looping")\nwhile true do end\n')
    local process = test.spawn({ path })
    test.wait_until("it loops", function() return process:errors():find("looping", 1, true) end)
    process:signal("INT")
    expect.equal(process:wait(10).exit, 130)
  end)

  it("pressed twice ends at once, with the command that resumes", function()
    local database = test.database({ sql = sample.items(500) })
    -- Both come while it cannot act on the first.
    local process = start(slow_batches, database, { "--apply" })
    wait_for_batches(database, 2)
    process:signal("STOP")
    process:signal("INT")
    process:signal("TERM")
    process:signal("CONT")
    local result = process:wait(10)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "opsh resume")
    applying.wait_until_idle(database)
    expect.equal(
      database:value("select count(*) from item where done"),
      database:value("select sum(items) from opsh.batch")
    )
  end)

  it("leaves a run that resume finishes", function()
    local database = test.database({ sql = sample.items(100) })
    local process = start(slow_batches, database, { "--apply" })
    wait_for_batches(database, 2)
    process:signal("TERM")
    local id = process:wait(10).errors:match("opsh resume (%S+)")
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    expect.equal(database:value("select count(*) from item where done"), 100)
  end)
end)

describe("a statement that outlasts its limit", function()
  it("is told how to raise the limit", function()
    local database = test.database({ sql = sample.items(3) })
    local path =
      test.write("sample.lua", sample.runbook({ plan = "[[select id from item where (" .. slow(60) .. ")]]" }))
    local result = test.opsh({ path, "--statement-timeout=1" }, { db = database })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "SQLSTATE 57014")
    expect.contains(result.errors, "--statement-timeout")
  end)
end)

describe("a reader of the output that goes away", function()
  it("does not crash opsh", function()
    local database = test.database({ sql = sample.items(2000) })
    local path = test.write("sample.lua", sample.runbook())
    local line = ('"$OPSH" "--db=%s" %s --json --sample=2000 2>errors | head -c 1'):format(database.conninfo, path)
    local result = test.shell(line)
    expect.equal(result.output, "{")
    local errors = test.shell("cat errors").output
    expect.lacks(errors, "traceback")
    expect.lacks(errors, "internal")
  end)

  it("does not stop an apply half-way", function()
    local database = test.database({ sql = sample.items(2000) })
    local path = test.write("sample.lua", sample.runbook({ batch = "100" }))
    test.shell(('"$OPSH" "--db=%s" %s --apply --sample=2000 2>errors | head -c 1'):format(database.conninfo, path))
    local done = database:value("select count(*) from item where done")
    expect.is_true(done == 0 or done == 2000, "all or nothing, not " .. done)
  end)
end)

describe("a full disk", function()
  it("under the spool is said with the path, and nothing is written", function()
    local database = test.database({ sql = sample.items(50000) })
    local before = database:checksum()
    local path = test.write("sample.lua", sample.runbook())
    -- A file that outgrows the limit fails as one on a full disk does.
    local result =
      test.shell(('ulimit -f 100; "$OPSH" "--db=%s" %s --apply'):format(database.conninfo, path))
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "step-1.plan")
    expect.contains(result.errors, "next: ")
    expect.equal(database:checksum(), before)
    expect.equal(test.shell("find state -name '*.plan'").output, "")
  end)
end)

describe("a server that stops in the middle", function()
  it("ends a plan with 3 and says what was lost", function()
    local file = test.write("load.sql", sample.items(10))
    expect.equal(test.opsh({ "sandbox", "start", "--load", file }).exit, 0)
    local conninfo = test.opsh({ "sandbox", "status", "--conninfo" }).output:gsub("\n", "")
    local process = start({ plan = "[[select id from item where (" .. slow(30) .. ")]]" }, conninfo)
    test.wait_until("it plans", function() return process:errors():find("planning", 1, true) end)
    test.shell("sleep 0.3")
    expect.equal(test.opsh({ "sandbox", "stop" }).exit, 0)
    local result = process:wait(20)
    expect.is_true(result.exit == 3 or result.exit == 1, "the exit is " .. tostring(result.exit))
    expect.contains(result.errors, "error: ")
    expect.lacks(result.errors, "traceback")
  end)

  it("stops an apply, and resume finishes it", function()
    local database = test.database({ sql = sample.items(200) })
    local process = start(slow_batches, database, { "--apply" })
    wait_for_batches(database, 3)
    database:execute([[select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()]])
    local result = process:wait(30)
    expect.equal(result.exit, 4)
    local id = result.errors:match("opsh resume (%S+)")
    local resumed = test.opsh({ "resume", id }, { db = database })
    expect.equal(resumed.exit, 0)
    expect.equal(database:value("select count(*) from item where done"), 200)
    expect.equal(database:value("select sum(items) from opsh.batch"), 200)
  end)
end)
