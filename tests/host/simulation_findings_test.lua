local opsh = require("opsh")
local test = require("opsh.test")
local sample = require("sample")
local simulating = require("simulating")

local describe, it, expect = test.describe, test.it, test.expect
local simulate, document, entry_of = simulating.simulate, simulating.document, simulating.entry_of

describe("a simulation finds", function()
  it("the items that fail, with key, SQLSTATE and message, and works on without them", function()
    local database = test.database({ sql = sample.items(300) })
    local fields = {
      batch = "100",
      max_failures = "5",
      apply = [[function(tx)
        local worked = tx:exec("update item set amount = 1 / (item.id % 150) from :items as i where item.id = i.id")
        return { worked = worked }
      end]],
      on_failure = [[function(tx, item) tx:exec("update item set done = true where id = $1", item.id) end]],
    }
    local found, result = document(database, fields)
    expect.equal(result.exit, 8, result.errors)
    expect.equal(found.steps[1].done.failed, 2)
    expect.equal(found.steps[1].done.counts.worked, 298)
    expect.equal(found.simulation.left_out[1].key[1], "150")
    expect.equal(found.simulation.left_out[1].sqlstate, "22012")
    expect.equal(found.simulation.left_out[1].batch, 2)
    -- 298, and those two that on_failure wrote about; not those of the attempts.
    expect.equal(entry_of(found.simulation.tables, "public.item").updated, 300)
    expect.is_true(entry_of(found.simulation.tables, "public.item").dead > 300)
    expect.contains(simulate(database, fields).output, "150   22012  division by zero")
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)

  it("too many failures, with the batch, and rolls back", function()
    local database = test.database({ sql = sample.items(30) })
    local before = database:checksum()
    local result = simulate(database, {
      batch = "10",
      apply = [[function(tx)
        tx:exec("update item set amount = 1 / (item.id - 25) from :items as i where item.id = i.id")
      end]],
    })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "division by zero")
    expect.contains(result.errors, "in batch 3 of step work")
    expect.contains(result.errors, "it was a simulation: nothing of it was kept")
    expect.matches(result.output, "public.item +0 +20 +0")
    expect.matches(result.output, "rolled back: transaction %d+ is aborted")
    expect.equal(database:checksum(), before)
  end)

  it("a deferred constraint at the end of the batch that breaks it", function()
    local database = test.database({
      sql = sample.items(30) .. [[
        create table twin (id bigint primary key, of bigint references item deferrable initially deferred);
      ]],
    })
    local found = document(database, {
      batch = "10",
      writes = '{ "twin" }',
      max_failures = "1",
      apply = [[function(tx)
        tx:exec("insert into twin select id, case when id = 15 then 99 else id end from :items as i")
      end]],
    })
    expect.equal(found.exit, 8)
    expect.equal(found.simulation.left_out[1].key[1], "15")
    expect.equal(found.simulation.left_out[1].sqlstate, "23503")
    expect.equal(entry_of(found.simulation.tables, "public.twin").inserted, 29)
  end)

  it("a table that a trigger writes and no step declares, which an apply refuses", function()
    local database = test.database({
      sql = sample.items(5) .. [[
        create table log (id bigserial primary key);
        create function note() returns trigger language plpgsql as
          'begin insert into log default values; return null; end';
        create trigger note after update on item for each row execute function note();
      ]],
    })
    local found, result = document(database)
    expect.equal(result.exit, 1)
    expect.equal(found.outcome, "failed")
    expect.equal(found.error.kind, "simulation.findings")
    expect.equal(entry_of(found.simulation.tables, "public.log").declared, false)
    expect.equal(found.simulation.findings[1].table, "public.log")
    expect.equal(found.simulation.sequences[1].sequence, "public.log_id_seq")
    expect.equal(found.simulation.sequences[1].from, opsh.null)
    expect.equal(found.simulation.sequences[1].to, "5")
    expect.contains(simulate(database).output, "public.log (not in writes)")
    local path = test.write("sample.lua", sample.runbook())
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 1)
    -- The control: declared, both go through.
    local declared = { writes = '{ "item", "log" }' }
    expect.equal(simulate(database, declared).exit, 0)
    path = test.write("sample.lua", sample.runbook(declared))
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 0)
  end)

  it("a check that does not pass, and exits with 6", function()
    local database = test.database({ sql = sample.items(5) })
    local fields = { verify = [[function(check) check:none("all of them", "select id from item where done") end]] }
    local found, result = document(database, fields)
    expect.equal(result.exit, 6)
    expect.equal(found.error.kind, "check.failed")
    expect.equal(found.steps[1].checks[1].found, "5")
    expect.equal(found.simulation.status, "aborted")
    expect.contains(simulate(database, fields).output, "FAIL   all of them  5, expected 0")
  end)

  it("that the gate of an atomic step does not pass, and takes the step back", function()
    local database = test.database({ sql = sample.items(5) })
    local found = document(database, {
      atomic = "true",
      verify = [[function(check) check:none("all of them", "select id from item where done") end]],
    })
    expect.equal(found.exit, 6)
    expect.equal(found.steps[1].checks[1].found, "5")
    expect.equal(entry_of(found.simulation.tables, "public.item").updated, 0)
    expect.equal(entry_of(found.simulation.tables, "public.item").dead, 5)
  end)

  it("a statement that is none of a batch's, in any disguise", function()
    local database = test.database({ sql = sample.items(5) })
    local before = database:checksum()
    local disguised = { "commit", "/* x */ end", "COMMIT AND CHAIN", "create table x ()", "prepare transaction 'x'" }
    for _, sql in ipairs(disguised) do
      local result = simulate(database, { apply = ("function(tx) tx:exec(%q) end"):format(sql) })
      expect.equal(result.exit, 5, sql)
      expect.equal(database:checksum(), before)
    end
  end)
end)
