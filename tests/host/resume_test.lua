local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

-- Item 55 fails until the constraint is dropped, so that a run stops after five batches of ten.
local blocked = sample.items(100) .. "alter table item add constraint blocked check (not (done and id = 55));"
local unblock = "alter table item drop constraint blocked"

--- A run that stopped part-way: the database, its id and the script.
local function stopped(fields, top)
  fields = fields or {}
  fields.batch = fields.batch or "10"
  local database = test.database({ sql = blocked })
  local path = test.write("sample.lua", sample.runbook(fields, top))
  local result = test.opsh({ path, "--apply" }, { db = database })
  expect.equal(result.exit, 4)
  return database, result.errors:match("opsh resume (%S+)"), path
end

local function done(database) return database:value("select count(*) from item where done") end

describe("resume", function()
  it("finishes each batch exactly once", function()
    local database, id = stopped({
      apply = [[function(tx)
      return { worked = tx:exec([=[
        update item set done = true, amount = item.amount + 1000 from :items as i where item.id = i.id]=]) }
    end]],
    })
    database:execute(unblock)
    local result = test.opsh({ "resume", id, "--json" }, { db = database })
    expect.equal(result.exit, 0)
    expect.equal(result.json().steps[1].done.counts.worked, 100)
    expect.none(database:query("select id from item where amount <> id + 1000.10"))
  end)

  it("takes the beginning of the id", function()
    local database, id = stopped()
    database:execute(unblock)
    expect.equal(test.opsh({ "resume", id:sub(1, 12) }, { db = database }).exit, 0)
  end)

  it("refuses a run that is not there, and one that is done", function()
    local database, id = stopped()
    local unknown = test.opsh({ "resume", "nowhere" }, { db = database })
    expect.equal(unknown.exit, 2)
    expect.contains(unknown.errors, "there is no run nowhere")
    database:execute(unblock)
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    local again = test.opsh({ "resume", id }, { db = database })
    expect.equal(again.exit, 5)
    expect.contains(again.errors, "is done")
  end)

  it("needs a run", function() expect.equal(test.opsh({ "resume" }, { db = test.database() }).exit, 2) end)

  it("refuses a script that has changed, and goes on when it is put back", function()
    local database, id, path = stopped()
    database:execute(unblock)
    local source = sample.runbook({ batch = "10" })
    test.write("sample.lua", source .. "-- another line\n")
    local result = test.opsh({ "resume", id }, { db = database })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, path .. " has changed")
    expect.equal(done(database), 50)
    test.write("sample.lua", source)
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
  end)

  it("refuses when a module of the script has changed", function()
    test.write("words.lua", 'return "sample"\n')
    local database, id = stopped(nil, { title = 'require("words")' })
    database:execute(unblock)
    test.write("words.lua", 'return "changed"\n')
    local result = test.opsh({ "resume", id }, { db = database })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "words.lua has changed")
    expect.equal(done(database), 50)
  end)

  it("refuses another database, also a copy of the first", function()
    local database, id = stopped()
    local copy = test.database()
    local dumped = test.shell(('pg_dump "%s" | psql -X -q "%s"'):format(database.conninfo, copy.conninfo))
    expect.equal(dumped.exit, 0)
    copy:execute(unblock)
    local result = test.opsh({ "resume", id }, { db = copy })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "another database")
    expect.equal(done(copy), 50)
  end)

  it("plans again behind the last key when the spool is gone", function()
    local database, id = stopped()
    database:execute(unblock)
    expect.equal(test.shell("rm -r state/opsh/runs/*").exit, 0)
    local result = test.opsh({ "resume", id }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.errors, "planning again behind its last key")
    expect.equal(done(database), 100)
    expect.equal(database:value("select sum(items) = 100 and count(*) = 10 from opsh.batch"), true)
  end)

  it("plans again when the spool is damaged, cut or empty", function()
    for _, damage in ipairs({
      "printf x | dd of=FILE bs=1 seek=300 conv=notrunc",
      "truncate -s 400 FILE",
      "truncate -s 0 FILE",
    }) do
      local database, id = stopped()
      database:execute(unblock)
      local file = ("state/opsh/runs/%s/step-1.plan"):format(id)
      expect.equal(test.shell((damage:gsub("FILE", file))).exit, 0)
      local result = test.opsh({ "resume", id }, { db = database })
      expect.equal(result.exit, 0, damage)
      expect.equal(done(database), 100, damage)
    end
  end)

  it("keeps the parameters of the run", function()
    local fields = { plan = '"select id from item where id <= :last"' }
    local top = { params = '{ last = { type = "integer" } }' }
    local database = test.database({ sql = blocked })
    fields.batch = "10"
    local path = test.write("sample.lua", sample.runbook(fields, top))
    local id = test.opsh({ path, "--apply", "--last=70" }, { db = database }).errors:match("opsh resume (%S+)")
    database:execute(unblock)
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    expect.equal(done(database), 70)
  end)

  it("does not work on what was added since, nor twice on anything", function()
    local database, id = stopped()
    database:execute(unblock .. "; insert into item (id, part) values (1000, 'late'), (-5, 'early')")
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    expect.equal(database:value("select count(*) from item where done and id in (1000, -5)"), 0)
  end)

  it("goes on after a kill -9 in the middle, and each batch counts once", function()
    local database = test.database({
      sql = sample.items(400)
        .. "create table log (number bigint generated always as identity primary key, id bigint);",
    })
    local path = test.write(
      "sample.lua",
      sample.runbook({
        batch = "10",
        writes = '{ "item", "log" }',
        apply = [[function(tx)
        tx:exec("insert into log (id) select i.id from :items as i")
        tx:value("select pg_sleep(0.02)")
      end]],
      })
    )
    local process = test.spawn({ path, "--apply" }, { db = database })
    test.wait_until(
      "some batches are committed",
      function()
        return database:value("select to_regclass('opsh.batch') is not null as there")
          and database:value("select count(*) from opsh.batch") >= 5
      end
    )
    process:signal("KILL")
    expect.equal(process:wait().signal, 9)
    local id = database:value("select id from opsh.run")
    test.wait_until(
      "the server has noticed",
      function() return test.opsh({ "runs" }, { db = database }).output:find("interrupted", 1, true) end
    )
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    expect.equal(database:value("select count(*) from log"), 400)
    expect.equal(database:value("select count(distinct id) from log"), 400)
  end)

  it("is refused while the run still runs", function()
    local database = test.database({ sql = sample.items(100) })
    local path = test.write(
      "sample.lua",
      sample.runbook({
        batch = "10",
        apply = [[function(tx)
        tx:exec("update item set amount = item.amount + 1000, done = true from :items as i where item.id = i.id")
        tx:value("select pg_sleep(0.4)")
      end]],
      })
    )
    local process = test.spawn({ path, "--apply" }, { db = database })
    test.wait_until(
      "a batch is committed",
      function()
        return database:value("select to_regclass('opsh.batch') is not null as there")
          and database:value("select count(*) from opsh.batch") >= 1
      end
    )
    local second = test.opsh({ "resume", (database:value("select id from opsh.run")) }, { db = database })
    local first = process:wait()
    expect.is_true(first.exit == 0 or second.exit == 0, "one of the two finishes")
    expect.is_true(first.exit ~= second.exit, "the other one is refused")
    expect.none(database:query("select id from item where amount <> id + 1000.10"))
  end)
end)
