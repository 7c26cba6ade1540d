local test = require("opsh.test")
local applying = require("applying")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local items, apply, fails, doing = applying.items, applying.apply, applying.fails, applying.doing

describe("an apply", function()
  it("works on every item, in batches, each once", function()
    local database = items(2500)
    local result = apply({
      batch = "1000",
      apply = [[function(tx, items)
      return { batches = 1, worked = tx:exec([=[
        update item set amount = item.amount + 1, done = true from :items as i where item.id = i.id]=]) }
    end]],
    }, database, { "--json" })
    expect.equal(result.exit, 0)
    local done = result.json().steps[1].done
    expect.equal({ done.items, done.counts.worked, done.counts.batches }, { 2500, 2500, 3 })
    expect.none(database:query("select id from item where not done or amount <> id + 1.10"))
    expect.equal(database:value("select count(*) from opsh.batch"), 3)
  end)

  it("writes no ledger when there is nothing to do", function()
    local database = items(5)
    local result = apply({ plan = '"select id from item where id < 0"' }, database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "Nothing to do")
    expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
  end)

  it("finds nothing to do the second time", function()
    local database = items(5)
    expect.equal(apply(nil, database).exit, 0)
    local before = database:checksum()
    expect.contains(apply(nil, database).output, "Nothing to do")
    expect.equal(database:checksum(), before)
  end)

  it("says the run's id, and removes the plan's spool only with the run", function()
    local result = apply(nil, items(5))
    expect.matches(result.output, "run +%d+%-%d+%-%x+")
  end)

  it(
    "refuses several statements in one text",
    function()
      expect.contains(fails(doing('tx:exec("delete from item; delete from item")'), 5), "the text has 2 statements")
    end
  )

  for _, statement in ipairs({
    "commit",
    "rollback",
    "commit and chain",
    "end",
    "abort",
    "prepare transaction 'x'",
    "savepoint a",
  }) do
    it(
      "refuses " .. statement .. ", and keeps nothing",
      function() fails(doing('tx:exec("update item set done = true") tx:exec("' .. statement .. '")'), 5) end
    )
  end

  it("refuses MERGE and says what to write instead", function()
    local errors = fails(
      doing(
        [=[tx:exec([[merge into item using :items as i on item.id = i.id when matched then update set done = true]])]=]
      ),
      5
    )
    expect.contains(errors, "MERGE")
    expect.contains(errors, "next: ")
  end)

  it("refuses what administers, sets or copies", function()
    for _, statement in ipairs({
      "truncate item",
      "set synchronous_commit = off",
      "vacuum item",
      "copy item from stdin",
      "lock table item",
      "do $$ begin end $$",
      "create table other (id int)",
      "alter system set work_mem = '1MB'",
    }) do
      fails(doing('tx:exec("' .. statement .. '")'), 5)
    end
  end)

  it("refuses a table that the step does not declare, and says how to", function()
    local database = test.database({ sql = sample.items(3) .. "create table other (id bigint);" })
    local errors = fails(doing('tx:exec("insert into other select id from :items as i")'), 5, database)
    expect.contains(errors, "which the step does not declare")
    expect.contains(errors, "to the step's writes")
  end)

  it("keeps nothing of a batch whose error the script caught", function()
    local result = fails(
      doing([[
      tx:exec("update item set done = true")
      pcall(function() tx:exec("select 1 / 0") end)
      return { worked = 1 }]]),
      1
    )
    expect.contains(result, "error: ")
  end)

  it("shows where in the script a statement failed", function()
    local source = sample.runbook(doing('\n\ntx:exec("update item set amount = 1 / 0")'))
    local line, number = 0, nil
    for text in source:gmatch("(.-)\n") do
      line = line + 1
      if text:find("1 / 0", 1, true) then number = line end
    end
    local result = test.opsh({ test.write("sample.lua", source), "--apply" }, { db = items() })
    expect.contains(result.errors, "division by zero")
    expect.contains(result.errors, "sample.lua:" .. number)
    expect.contains(result.errors, "SQLSTATE 22012")
  end)

  it("refuses counts that are no numbers", function()
    expect.contains(fails(doing('return { worked = "many" }'), 1), "apply may return counts")
    expect.contains(fails(doing("return 5"), 1), "apply may return counts")
  end)

  it(
    "does not start a transaction for a script that raises before it writes",
    function() expect.contains(fails(doing('error("not today")'), 1), "not today") end
  )

  it("that failed has in its document what was done before", function()
    local database = test.database({ sql = sample.items(10) .. "alter table item add check (not (done and id = 5));" })
    local path = test.write("sample.lua", sample.runbook({ batch = "2" }))
    local document = test.opsh({ path, "--apply", "--json" }, { db = database }).json()
    expect.equal({ document.outcome, document.exit, document.steps[1].batches }, { "failed", 4, 2 })
    expect.equal({ document.steps[1].done.items, document.steps[1].done.counts.worked }, { 4, 4 })
  end)

  it("keeps batches 1 to 6 when batch 7 fails, and resume finishes after the cause is mended", function()
    local database =
      test.database({ sql = sample.items(1000) .. "alter table item add check (not (done and id = 650));" })
    local path = test.write("sample.lua", sample.runbook({ batch = "100" }))
    local result = test.opsh({ path, "--apply" }, { db = database })
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "item_check")
    local id = result.errors:match("opsh resume (%S+)")
    expect.equal(database:value("select count(*) from item where done"), 600)
    expect.equal(database:value("select state from opsh.run"), "stopped")

    local again = test.opsh({ "resume", id }, { db = database })
    expect.equal(again.exit, 4)
    expect.equal(database:value("select count(*) from item where done"), 600)

    database:execute("alter table item drop constraint item_check")
    local resumed = test.opsh({ "resume", id, "--json" }, { db = database })
    expect.equal(resumed.exit, 0)
    expect.equal(resumed.json().steps[1].done.items, 1000)
    expect.none(database:query("select id from item where not done"))
    expect.equal(database:value("select count(*) from opsh.batch"), 10)
  end)

  it("waits for a lock and tries the batch again", function()
    local database = items(5)
    local holder = test.spawn({
      test.write(
        "holder.lua",
        sample.runbook({
          apply = 'function(tx) tx:exec("update item set amount = 0") tx:value("select pg_sleep(3)") end',
        })
      ),
      "--apply",
    }, { db = database })
    test.wait_until(
      "the row is locked",
      function()
        return #database:query(
          "select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
        ) > 0
      end
    )
    local result = apply(nil, database, { "--lock-timeout=1" })
    expect.equal(result.exit, 0)
    expect.equal(holder:wait().exit, 0)
    expect.none(database:query("select id from item where not done"))
  end)
end)
