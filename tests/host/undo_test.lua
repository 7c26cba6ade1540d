local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

--- Applies a runbook of one step; returns the database, the run's id and the runbook's path.
local function applied(fields, setup, count)
  fields = fields or {}
  fields.batch = fields.batch or "10"
  local database = test.database({ sql = sample.items(count or 30) .. (setup or "") })
  local path = test.write("sample.lua", sample.runbook(fields))
  local before = database:checksum()
  local result = test.opsh({ path, "--apply" }, { db = database })
  expect.equal(result.exit, 0, result.errors)
  return database, database:value("select id from opsh.run"), before
end

local function undo(database, run, ...) return test.opsh({ "undo", run, ... }, { db = database }) end

local function undo_run(database, run) return database:value("select undone_by from opsh.run where id = $1", run) end

-- Updates, inserts and deletes, so that there is something of each to take back.
local everything = {
  writes = '{ "item", "log" }',
  apply = [[function(tx)
    tx:exec("update item set done = true, amount = null from :items as i where item.id = i.id")
    tx:exec("insert into log select 'made ' || i.id, i.id from :items as i")
    tx:exec("delete from log using :items as i where log.id = 'old ' || i.id")
  end]],
}
local log = "create table log (id text primary key, item bigint);"
  .. "insert into log select 'old ' || i, i from generate_series(1, 30, 3) as i;"

describe("opsh undo", function()
  it("brings every row back, and says that it did", function()
    local database, run, before = applied(everything, log)
    local result = undo(database, run, "--apply")
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "Undone.")
    expect.equal(database:checksum(), before)
  end)

  it("without --apply changes nothing and says what it would take back", function()
    local database, run = applied(everything, log)
    local before = database:checksum()
    local result = undo(database, run)
    expect.equal(result.exit, 0)
    expect.matches(result.output, "public.item +update +30 +0")
    expect.matches(result.output, "public.log +insert +30 +0")
    expect.matches(result.output, "public.log +delete +10 +0")
    expect.contains(result.output, "Nothing was written. To undo: opsh ")
    expect.contains(result.output, "undo " .. run .. " --apply")
    expect.equal(database:checksum(), before)
    expect.equal(database:value("select count(*) from opsh.run"), 1)
  end)

  it("leaves a row alone that somebody edited after the run, lists it and exits with 8", function()
    local database, run = applied()
    database:execute("update item set done = false where id = 7; update item set part = 'other' where id = 8")
    local result = undo(database, run, "--apply", "--csv=conflicts.csv")
    expect.equal(result.exit, 8, result.errors)
    expect.matches(result.output, "public.item +7 +edited since +done +t +f +f")
    expect.contains(result.output, "1 row was left as it is")
    expect.equal(database:value("select count(*) from item where done"), 0)
    expect.equal(database:value("select part from item where id = 8"), "other")
    expect.contains(test.shell("cat conflicts.csv").output, "public.item,7,edited since,done,f,t,f")
    expect.equal(test.shell("stat -c %a conflicts.csv").output, "600\n")
    expect.contains(test.opsh({ "show", undo_run(database, run) }, { db = database }).output, "edited since")
  end)

  it("says in its plan what would be left", function()
    local database, run = applied()
    database:execute("update item set done = false where id = 7")
    local result = undo(database, run)
    expect.equal(result.exit, 0)
    expect.matches(result.output, "public.item +7 +edited since +done")
    local document = undo(database, run, "--json").json()
    expect.equal(document.rung, "undo plan")
    expect.equal(document.left, 1)
    expect.equal(document.restored, 29)
    expect.equal(document.conflicts[1].key[1], "7")
    expect.equal(document.conflicts[1].wrote, "t")
  end)

  it("prints one document with --json", function()
    local database, run = applied()
    database:execute("update item set done = false where id = 7")
    local result = undo(database, run, "--apply", "--json")
    expect.equal(result.exit, 8)
    local document = result.json()
    expect.equal(document.outcome, "done")
    expect.equal(document.exit, 8)
    expect.equal(document.undo_of, run)
    expect.equal(document.run, undo_run(database, run))
    expect.equal(document.restored, 29)
    expect.equal(document.left, 1)
    expect.equal(document.conflicts[1].reason, "edited since")
  end)

  it("works without the runbook, the state folder and the files of the run", function()
    local database, run, before = applied()
    expect.equal(test.shell("rm -r sample.lua state").exit, 0)
    expect.equal(undo(database, run, "--apply").exit, 0)
    expect.equal(database:checksum(), before)
  end)

  it("takes the beginning of an id, and helps with one that is not there", function()
    local database, run = applied()
    local result = undo(database, run:sub(1, -2) .. "z")
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean " .. run)
    expect.equal(undo(database, run:sub(1, 12)).exit, 0)
  end)

  it("of a run that changed no rows has nothing to do", function()
    local database, run = applied({ apply = "function() end" })
    for _, option in ipairs({ "--apply", "--json" }) do
      local result = undo(database, run, option)
      expect.equal(result.exit, 0, result.errors)
    end
    expect.contains(undo(database, run).output, "Nothing to undo")
    expect.equal(database:value("select count(*) from opsh.run"), 1)
  end)

  it("records who undid what, and why", function()
    local database, run = applied()
    expect.equal(undo(database, run, "--apply", "--reason=wrong customer").exit, 0)
    local found = database:query("select undo_of, title, reason, state from opsh.run where undo_of is not null")
    expect.equal(found[1].undo_of, run)
    expect.equal(found[1].title, "undo of sample")
    expect.equal(found[1].reason, "wrong customer")
    expect.equal(found[1].state, "done")
    local audit = test.opsh({ "audit", "verify" }, { db = database })
    expect.equal(audit.exit, 0, audit.output .. audit.errors)
  end)
end)

describe("a run that is undone", function()
  it("is shown as such, and is not undone again, nor resumed", function()
    local database, run = applied()
    expect.equal(undo(database, run, "--apply").exit, 0)
    expect.contains(test.opsh({ "runs" }, { db = database }).output, run .. "  undone")
    local again = undo(database, run, "--apply")
    expect.equal(again.exit, 5)
    expect.contains(again.errors, "is undone, by run " .. undo_run(database, run))
    expect.equal(test.opsh({ "resume", run }, { db = database }).exit, 5)
  end)

  it("can have its undo undone, and then be undone again", function()
    local database, run, before = applied(everything, log)
    local after = database:checksum()
    expect.equal(undo(database, run, "--apply").exit, 0)
    expect.equal(database:checksum(), before)
    expect.equal(undo(database, undo_run(database, run), "--apply").exit, 0)
    expect.equal(database:checksum(), after)
    expect.contains(test.opsh({ "runs" }, { db = database }).output, run .. "  done")
    expect.equal(undo(database, run, "--apply").exit, 0)
    expect.equal(database:checksum(), before)
  end)

  it("is refused while it was only begun, and names the undo to go on with", function()
    local database, run = applied(nil, "create table blocker (id bigint primary key, item bigint references item);")
    database:execute("alter table item add constraint blocked check (done or id <> 5) not valid")
    database:execute("create function no() returns trigger language plpgsql as $$ begin raise exception "
      .. "using errcode = '53100', message = 'disk full'; end $$")
    database:execute("create trigger no before update on item for each row when (old.id = 5) execute function no()")
    local stopped = undo(database, run, "--apply")
    expect.equal(stopped.exit, 4, stopped.errors)
    local id = undo_run(database, run)
    expect.contains(stopped.errors, "opsh resume " .. id)
    local again = undo(database, run, "--apply")
    expect.equal(again.exit, 5)
    expect.contains(again.errors, "opsh resume " .. id)
    expect.equal(test.opsh({ "resume", run }, { db = database }).exit, 5)
    database:execute("drop trigger no on item; alter table item drop constraint blocked")
    local resumed = test.opsh({ "resume", id }, { db = database })
    expect.equal(resumed.exit, 0, resumed.errors)
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)
end)

describe("opsh undo refuses", function()
  it("a run with a step that kept no journal, and names the step", function()
    local database, run = applied({ journal = "false" })
    local result = undo(database, run)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "step work of run " .. run .. " kept no journal")
  end)

  it("a run whose journal was dropped", function()
    local database, run = applied()
    database:execute("update opsh.run set pruned_at = now()")
    local result = undo(database, run)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "was dropped")
  end)

  it("a copy of the database", function()
    local database, run = applied()
    local copy = test.database()
    expect.equal(test.shell(('pg_dump "%s" | psql -X -q "%s"'):format(database.conninfo, copy.conninfo)).exit, 0)
    local result = undo(copy, run, "--apply")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "another database")
  end)
end)

describe("an undo that is killed", function()
  it("goes on where it was, and takes each batch back once", function()
    local database, run, before = applied({
      apply = [[function(tx)
        tx:exec("update item set done = true, amount = item.amount + 1000 from :items as i where item.id = i.id")
      end]],
    }, nil, 400)
    database:execute("create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); "
      .. "return null; end $$; create trigger slow after update on item for each statement execute function slow()")
    local process = test.spawn({ "undo", run, "--apply" }, { db = database })
    test.wait_until("some batches are taken back", function()
      return database:value("select count(*) from opsh.batch as b join opsh.run as r on r.id = b.run "
        .. "where r.undo_of is not null") >= 5
    end)
    process:signal("KILL")
    expect.equal(process:wait().signal, 9)
    local id = undo_run(database, run)
    expect.is_true(database:value("select count(*) from item where done") > 0)
    local resumed = test.opsh({ "resume", id }, { db = database })
    expect.equal(resumed.exit, 0, resumed.errors)
    database:execute("drop trigger slow on item")
    expect.equal(database:checksum(), before)
    expect.equal(
      database:value("select count(*) = 40 and max(number) = 40 from opsh.batch where run = $1", id),
      true
    )
  end)

  it("is fenced out by the one that goes on", function()
    local database, run = applied(nil, nil, 80)
    database:execute("create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); "
      .. "return null; end $$; create trigger slow after update on item for each statement execute function slow()")
    local process = test.spawn({ "undo", run, "--apply" }, { db = database })
    test.wait_until("a batch is taken back", function()
      return database:value("select count(*) from opsh.batch as b join opsh.run as r on r.id = b.run "
        .. "where r.undo_of is not null") >= 1
    end)
    local resumed = test.opsh({ "resume", (undo_run(database, run)) }, { db = database })
    local first = process:wait()
    expect.equal(resumed.exit, 0, resumed.errors)
    expect.is_true(first.exit ~= 0)
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)
end)

describe("a run that is still at work", function()
  it("is fenced out by its undo, which takes back all that it did", function()
    local database = test.database({ sql = sample.items(400) })
    local before = database:checksum()
    local path = test.write(
      "sample.lua",
      sample.runbook({
        batch = "10",
        apply = [[function(tx)
          tx:exec("update item set done = true from :items as i where item.id = i.id")
          tx:value("select pg_sleep(0.05)")
        end]],
      })
    )
    local process = test.spawn({ path, "--apply" }, { db = database })
    test.wait_until(
      "some batches are committed",
      function()
        return database:value("select to_regclass('opsh.batch') is not null as there")
          and database:value("select count(*) from opsh.batch") >= 3
      end
    )
    local result = undo(database, (database:value("select id from opsh.run")), "--apply")
    local first = process:wait()
    expect.equal(result.exit, 0, result.errors)
    expect.equal(first.exit, 4, first.errors)
    expect.equal(database:checksum(), before)
  end)
end)
