local opsh = require("opsh")
local test = require("opsh.test")
local applying = require("applying")
local sample = require("sample")
local simulating = require("simulating")

local describe, it, expect = test.describe, test.it, test.expect
local simulate, document, dump = simulating.simulate, simulating.document, simulating.dump
local entry_of, two_steps = simulating.entry_of, simulating.two_steps

-- Each batch makes what no earlier one has made: the shape of an import that finds or creates.
local colours = "create table colour (name text primary key);"
local find_or_create = {
  batch = "10",
  writes = '{ "colour" }',
  apply = [[function(tx)
    return { created = tx:exec("insert into colour select distinct part from :items as i on conflict do nothing") }
  end]],
}

describe("opsh RUNBOOK --simulate", function()
  it("does what an apply does, reports it, and leaves the database as it was", function()
    local database = test.database({ sql = sample.items(2500) .. "create table log (id bigint primary key);" })
    local fields = {
      writes = '{ "item", "log" }',
      apply = [[function(tx)
        tx:exec("insert into log select id from :items as i")
        return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }
      end]],
      verify = [[function(check, ctx)
        check:equal("worked", ctx.done.counts.worked, ctx.planned.items)
        check:none("left", "select id from item where not done")
      end]],
    }
    local before = dump(database)
    local found, result = document(database, fields)
    expect.equal(result.exit, 0, result.errors)
    expect.equal(dump(database), before)
    expect.equal(found.rung, "simulate")
    expect.equal(found.outcome, "simulated")
    expect.equal(found.steps[1].done.counts.worked, 2500)
    expect.equal(found.steps[1].batches, 3)
    expect.equal(found.steps[1].checks[2].outcome, "pass")
    local simulation = found.simulation
    expect.equal(simulation.items, 2500)
    expect.is_true(simulation.whole)
    expect.equal(simulation.status, "aborted")
    expect.equal(
      database:value("select pg_catalog.pg_xact_status($1::text::xid8)", simulation.transaction),
      "aborted"
    )
    expect.equal(entry_of(simulation.tables, "public.item").updated, 2500)
    expect.equal(entry_of(simulation.tables, "public.item").dead, 2500)
    expect.equal(entry_of(simulation.tables, "public.item").lock, "RowExclusiveLock")
    expect.equal(entry_of(simulation.tables, "public.log").inserted, 2500)
    expect.is_true(simulation.wal_bytes > 100000)
    expect.equal(database:value("select count(*) from pg_namespace where nspname = 'opsh'"), 0)
  end)

  it("says loudly what it was, and what it could not tell", function()
    local result = simulate(test.database({ sql = sample.items(5) }))
    expect.equal(result.exit, 0, result.errors)
    expect.matches(result.output, "Simulated 5 items, and rolled back: transaction %d+ is aborted%.")
    expect.contains(result.output, "not simulated\n  the journal and its proof")
    expect.lacks(result.output:lower(), "dry run")
  end)

  it("counts what batch after batch makes, where rolling each back would count too much", function()
    local database = test.database({ sql = sample.items(30) .. colours })
    expect.equal(document(database, find_or_create).steps[1].done.counts.created, 3)

    -- The control: each batch in a simulation of its own, as if it were rolled back before the next.
    local created = 0
    for first = 1, 30, 10 do
      local part = { plan = ("[[select id, part from item where id between %d and %d]]"):format(first, first + 9) }
      for name, source in pairs(find_or_create) do
        part[name] = source
      end
      created = created + document(database, part).steps[1].done.counts.created
    end
    expect.equal(created, 9)

    local path = test.write("sample.lua", sample.runbook(find_or_create))
    local applied = test.opsh({ path, "--apply" }, { db = database })
    expect.equal(applied.exit, 0, applied.errors)
    expect.equal(database:value("select count(*) from colour"), 3)
  end)

  it("plans a step at its turn from what the earlier one wrote, with ctx inside the transaction", function()
    local database = test.database({ sql = sample.items(30) .. colours })
    local second = {
      name = '"second"',
      after = '"work"',
      plan = [=[function(ctx)
        return "select name from colour where name <> :left", { left = ctx:value("select max(name) from colour") }
      end]=],
      classify = [[function(row, ctx)
        return ctx:value("select count(*) from colour where name = $1", row.name) == 1 and "there" or "gone"
      end]],
      key = '"name"',
      writes = '{ "colour" }',
      apply = [[function(tx)
        return { gone = tx:exec("delete from colour using :items as i where colour.name = i.name") }
      end]],
      verify = [[function(check, ctx)
        check:count("colours left", "select count(*) from colour", 1)
        check:equal("rows read", ctx:copy_out("select name from colour", function() end), 1)
      end]],
    }
    local before = dump(database)
    local found, result = document(database, {}, nil, two_steps(find_or_create, second))
    expect.equal(result.exit, 0, result.errors)
    expect.equal(found.steps[2].planned.items, 2)
    expect.equal(found.steps[2].planned.labels.there, 2)
    expect.equal(found.steps[2].done.counts.gone, 2)
    expect.equal(found.steps[2].checks[2].outcome, "pass")
    expect.equal(dump(database), before)
  end)

  it("keeps the items of a step that was planned at the start, and rechecks them against what was written", function()
    local database = test.database({ sql = sample.items(20) })
    local second = {
      name = '"second"',
      plan = "[[select id from item where not done]]",
      recheck = "[[select i.id from :items as i join item using (id) where not done for update of item]]",
    }
    local found = document(database, {}, nil, two_steps({}, second))
    expect.equal(found.exit, 8)
    expect.equal(found.steps[2].planned.items, 20)
    expect.equal(found.steps[2].done.items, 0)
    expect.equal(found.steps[2].done.skipped, 20)
  end)

  it("excludes --apply", function()
    local path = test.write("sample.lua", sample.runbook())
    local result = test.opsh({ path, "--simulate", "--apply" }, { environment = { PGHOST = "/nowhere" } })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--simulate and --apply exclude each other")
  end)

  it("has nothing to do where the plan finds nothing", function()
    local database = test.database({ sql = sample.items(0) })
    local result = simulate(database)
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "Nothing to do; nothing was simulated.")
    expect.equal(document(database).outcome, "nothing to do")
  end)

  it("refuses what an apply refuses before it writes", function()
    local database = test.database({ sql = sample.items(5) })
    local result = simulate(
      database,
      {},
      "--simulate",
      { preconditions = [[function(check) check:that("never", false) end]] }
    )
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "precondition not met: never")
    local undeclared = simulate(database, { writes = '{ "nowhere" }' })
    expect.contains(undeclared.errors, "there is no table nowhere")
  end)
end)

describe("the cap of a simulation", function()
  it("is 10 000 items, and the report says what was left out", function()
    local database = test.database({ sql = sample.items(10400) })
    local verify = [[function(check) check:none("left", "select id from item where not done") end]]
    local found, result = document(database, { verify = verify })
    expect.equal(result.exit, 0, result.errors)
    expect.equal(found.steps[1].done.items, 10000)
    expect.equal(found.simulation.items, 10000)
    expect.equal(found.simulation.planned, 10400)
    expect.equal(found.simulation.whole, false)
    expect.equal(#found.steps[1].checks, 0)
    expect.contains(found.simulation.not_simulated[1], "400 of 10,400 items")
  end)

  it("can be another one, or none", function()
    local database = test.database({ sql = sample.items(300) })
    expect.contains(simulate(database, {}, "--simulate=120").output, "Simulated 120 of 300 items, and rolled back")
    expect.contains(simulate(database, {}, "--simulate=all").output, "Simulated 300 items, and rolled back")
    for _, wrong in ipairs({ "--simulate=0", "--simulate=-1", "--simulate=1.5", "--simulate=some" }) do
      expect.equal(simulate(database, {}, wrong).exit, 2)
    end
  end)

  it("leaves out an atomic step that does not fit, and every step behind", function()
    local database = test.database({ sql = sample.items(100) })
    local atomic = { name = '"second"', atomic = "true" }
    local last = { name = '"third"', after = '"second"' }
    local steps = ("{ %s, %s, %s }"):format(sample.step(), sample.step(atomic), sample.step(last))
    local found = document(database, {}, "--simulate=150", { steps = steps })
    expect.equal(found.exit, 0)
    expect.equal(found.steps[1].done.items, 100)
    expect.equal(found.steps[2].done, opsh.null)
    expect.equal(found.steps[3].planned, opsh.null)
    expect.contains(found.simulation.not_simulated[2], "step third, which is planned after second")
  end)
end)

describe("a simulation that is cut off", function()
  local slow = {
    batch = "10",
    apply = [[function(tx)
      tx:exec("update item set done = true from :items as i where item.id = i.id")
      tx:value("select pg_sleep(0.1) is null")
    end]],
  }

  local function start(database)
    local process = test.spawn({ test.write("sample.lua", sample.runbook(slow)), "--simulate" }, { db = database })
    test.wait_until(
      "a batch is simulated",
      function()
        return #database:query([[select from pg_stat_activity where datname = current_database()
          and wait_event = 'PgSleep' and backend_xid is not null]]) > 0
      end
    )
    return process
  end

  it("by Ctrl-C is rolled back, says so, and exits with 130", function()
    local database = test.database({ sql = sample.items(500) })
    local before = database:checksum()
    local process = start(database)
    process:signal("INT")
    local result = process:wait(10)
    expect.equal(result.exit, 130)
    expect.contains(result.errors, "it was a simulation: nothing of it was kept")
    expect.matches(result.output, "rolled back: transaction %d+ is aborted")
    applying.wait_until_idle(database)
    expect.equal(database:checksum(), before)
  end)

  it("by kill -9 leaves nothing", function()
    local database = test.database({ sql = sample.items(500) })
    local before = database:checksum()
    local process = start(database)
    process:signal("KILL")
    process:wait(10)
    applying.wait_until_idle(database)
    expect.equal(database:checksum(), before)
  end)

  it("by a lost connection exits with 3, and says what became of its transaction", function()
    local database = test.database({ sql = sample.items(500) })
    local process = start(database)
    database:execute([[select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and backend_xid is not null]])
    local result = process:wait(10)
    expect.equal(result.exit, 3)
    expect.matches(result.output, "rolled back: transaction %d+ is aborted")
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)
end)

describe("the audit log of a simulation", function()
  it("says who simulated what, and that it was rolled back; the ledger does not know it", function()
    local database = test.database({ sql = sample.items(5) })
    local path = test.write("sample.lua", sample.runbook())
    local result = test.opsh({ path, "--simulate", "--reason=before the weekend", "--json" }, { db = database })
    expect.equal(result.exit, 0, result.errors)
    local found = result.json()
    local events = {}
    for at, line in ipairs(test.opsh({ "audit", "show", found.run, "--json" }).json()) do
      events[at] = line.event
    end
    expect.equal(table.concat(events, ", "), "simulation started, planned, simulation finished")
    local shown = test.opsh({ "audit", "show", found.run, "--json" }).json()
    expect.equal(shown[1].details.reason, "before the weekend")
    expect.equal(shown[3].details.transaction, found.simulation.transaction)
    expect.equal(shown[3].details.outcome, "done")
    local verified = test.opsh({ "audit", "verify" }, { db = database })
    expect.equal(verified.exit, 0, verified.output .. verified.errors)
    expect.contains(verified.output, "simulated")
    -- The planned rows are not kept.
    local kept = "audit.jsonl\nreport.html\nreport.json\nreport.md\nshown.json\n"
    expect.equal(test.shell("ls state/opsh/runs/*").output, kept)
  end)

  it("is written before the first row, or nothing is simulated", function()
    local database = test.database({ sql = sample.items(5) })
    local path = test.write("sample.lua", sample.runbook())
    local reason = ("x"):rep(20000)
    local line = ('%s"$OPSH" --db="%s" %s --simulate --reason=%s'):format("%s", database.conninfo, path, reason)
    local result = test.shell(line:format("ulimit -f 8; exec "))
    expect.equal(result.exit, 5, result.errors)
    expect.lacks(result.output, "Simulated")
    -- The control: with room, it is simulated.
    expect.contains(test.shell(line:format("")).output, "Simulated 5 items")
  end)
end)
