local test = require("opsh.test")
local breaking = require("breaking")
local effecting = require("effecting")

local describe, it, expect = test.describe, test.it, test.expect
local items, lines, script = effecting.items, effecting.lines, effecting.script
local work, paired = effecting.work, effecting.paired
local failing, broken, apply = effecting.failing, effecting.broken, effecting.apply

describe("compensations", function()
  local three = [[
    { name = "one", effect = says("one"), compensate = says("-one") },
    { name = "two", effect = says("two") },
    { name = "three", effect = says("three"), compensate = says("-three") },]]

  it("run in reverse when the run fails, once", function()
    local database = items()
    local result = apply(script(three .. work .. "," .. failing), database)
    expect.equal(result.exit, 4)
    expect.equal(lines(), { "one", "two", "three", "-three", "-one" })
    expect.contains(result.errors, "exit status 77")
    expect.contains(result.errors, "taken back: three\n  taken back: one")
    local events = effecting.events(effecting.last_run(database))
    expect.contains(
      table.concat(events, "; "),
      "compensated three done; effect begun one; effect finished one done; compensated one done"
    )
  end)

  it("would be caught in the order of the steps", function()
    local environment =
      broken("effect_steps.lua", "then table.insert(found, 1, step) end", "then found[#found + 1] = step end")
    apply(script(three .. work .. "," .. failing), items(), {}, { environment = environment })
    expect.equal(lines(), { "one", "two", "three", "-one", "-three" })
  end)

  it("are in the document of --json", function()
    local document = apply(script(three .. failing), items(), { "--json" }).json()
    expect.equal(document.compensations, {
      { step = "three", outcome = "done", message = require("opsh").null },
      { step = "one", outcome = "done", message = require("opsh").null },
    })
    expect.equal(document.steps[1].effects.state, "compensated")
  end)

  it("are followed by the effects again when the run is resumed", function()
    local database = items()
    database:execute("alter table item add constraint blocked check (not (done and id = 5))")
    local path = script(paired .. work .. ', { name = "end", ends = "on" },')
    expect.equal(apply(path, database).exit, 4)
    expect.equal(lines(), { "on", "off" })
    database:execute("alter table item drop constraint blocked")
    expect.equal(test.opsh({ "resume", effecting.last_run(database) }, { db = database }).exit, 0)
    expect.equal(lines(), { "on", "off", "on", "off" })
    expect.equal(database:value("select count(*) from item where done"), 5)
  end)

  it("do not take back what a later step has ended", function()
    apply(script(paired .. '{ name = "end", ends = "on" },' .. work .. "," .. failing), items())
    expect.equal(lines(), { "on", "off" })
  end)

  it("do not run for an effect of which nothing was done", function()
    local path = script([[
      { name = "x", effect = function(ctx) if ctx.run then error("before it") end end, compensate = says("back") },]]
      .. work)
    expect.equal(apply(path, items()).exit, 1)
    expect.equal(lines(), {})
  end)

  -- Interrupts a run in its second effect; what it said.
  local function interrupted(environment)
    local path = script([[
      { name = "on", effect = says("on"),
        compensate = function() proc.run({ "sh", "-c", "sleep 0.5; echo off >> lines" }) end },
      { name = "long", effect = function() proc.run({ "sh", "-c", "echo long >> lines; sleep 60" }) end },]] .. work)
    local process = test.spawn({ path, "--apply" }, { db = items(), environment = environment })
    test.wait_until("the long one runs", function() return lines()[2] == "long" end)
    process:signal("INT")
    return process:wait(20)
  end

  it("run when the run is interrupted", function()
    local result = interrupted()
    expect.equal(result.exit, 4)
    expect.equal(lines(), { "on", "long", "off" })
    expect.contains(result.errors, "taken back: on")
  end)

  it("would be cut short by that interrupt without a shield", function()
    local environment = broken(
      "compensation.lua",
      "host.shielded(effect_steps.compensate",
      "host.protect(effect_steps.compensate"
    )
    expect.equal(interrupted(environment).exit, 7)
  end)

  it("that fail are loud: exit 7, what is still on, what to do by hand; and the others run", function()
    local database = items()
    local path = script([[
      { name = "one", effect = says("one"), compensate = says("-one") },
      { name = "two", effect = says("two"), compensate = function() proc.run({ "sh", "-c", "exit 9" }) end },]]
      .. work .. "," .. failing)
    local result = apply(path, database)
    expect.equal(result.exit, 7)
    expect.contains(result.errors, "exit status 77; and it could not be taken back: two")
    expect.contains(result.errors, "still on: two. By hand: cd " .. test.folder() .. " && sh -c 'exit 9'")
    expect.contains(result.errors, "NOT taken back: two")
    expect.equal(lines(), { "one", "two", "-one" })
    expect.equal(database:value("select state from opsh.run"), "stopped")
  end)

  it("run also when the database is gone, and a resume knows", function()
    local database = items()
    local path = script([[{ name = "on", effect = says("on"), compensate = says("off") },
      { name = "work", plan = "select id from item where not done", key = "id", writes = { "item" },
        apply = function(tx)
          if tx:value("select count(*) from item") == 5 then tx:query("select pg_sleep(30)") end
          tx:exec("update item set done = true")
        end },]])
    local elsewhere = database.conninfo:gsub("dbname='[^']*'", "dbname='postgres'")
    local function allow(connections)
      local sql = ("update pg_database set datallowconn = %s where datname = '%s'"):format(connections, database.name)
      local all = "select pg_terminate_backend(pid) from pg_stat_activity where datname = '%s'"
      local ended = all:format(database.name)
      expect.equal(test.shell(('psql -X -q -d "%s" -c "%s; %s"'):format(elsewhere, sql, ended)).exit, 0)
    end
    local process = test.spawn({ path, "--apply" }, { db = database })
    test.wait_until("it sleeps", function()
      return #database:query([[select from pg_stat_activity
        where datname = current_database() and query like '%pg_sleep(30)%' and pid <> pg_backend_pid()]]) > 0
    end)
    allow("false")
    local result = process:wait(60)
    expect.equal(result.exit, 4)
    expect.equal(lines(), { "on", "off" })
    allow("true")
    database:execute("delete from item where id = 5")
    local id = effecting.last_run(database)
    expect.equal(database:value("select effects ->> 'state' from opsh.step where number = 1"), "done")
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    expect.equal(lines(), { "on", "off", "on" })
  end)
end)

describe("an opsh whose run is taken over in the middle of an effect", function()
  local slow = [[{ name = "on", effect = function() proc.run({ "sh", "-c", "echo on >> lines; sleep 3" }) end,
    compensate = says("off") },]]

  local function taken_over(environment)
    local database, path = items(), script(slow .. work)
    local process = test.spawn({ path, "--apply" }, { db = database, environment = environment })
    test.wait_until("its effect is begun", function() return lines()[1] == "on" end)
    expect.equal(test.opsh({ "resume", effecting.last_run(database) }, { db = database }).exit, 0)
    return process:wait(20)
  end

  it("leaves the effects to the one that goes on", function()
    expect.contains(taken_over().errors, "another opsh has taken over run")
    expect.equal(lines(), { "on", "on" })
  end)

  it("would take back what the other needs, if it did not ask first", function()
    taken_over(breaking.environment({
      { "lua/runbook/ladder.lua", "    can_reach(job, err)\n    err = comp", "    err = comp" },
    }))
    expect.equal(lines(), { "on", "on", "off" })
  end)
end)
