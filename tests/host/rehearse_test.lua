local test = require("opsh.test")
local applying = require("applying")
local backing = require("backing")
local breaking = require("breaking")
local rehearsing = require("rehearsing")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect
local rehearse, document = rehearsing.rehearse, rehearsing.document
local the_backup, databases = rehearsing.the_backup, rehearsing.databases

local touched_by_trigger = [[
  alter table item add column touched timestamptz not null default '2020-01-01';
  create function touch() returns trigger language plpgsql as 'begin new.touched := clock_timestamp(); return new; end';
  create trigger touch before update on item for each row execute function touch();
]]

describe("opsh RUNBOOK --rehearse", function()
  it("applies, checks and undoes in a restored backup, and leaves the target as it was", function()
    local database = applying.items(2500)
    local before = database:checksum()
    local found, result = document(database, {
      verify = [[function(check, ctx)
        check:equal("worked", ctx.done.counts.worked, ctx.planned.items)
        check:none("left", "select id from item where not done")
      end]],
    })
    expect.equal(result.exit, 0, result.errors)
    expect.equal(database:checksum(), before)
    expect.equal(database:value("select count(*) from pg_namespace where nspname = 'opsh'"), 0)
    expect.equal(found.rung, "rehearse")
    expect.equal(found.outcome, "rehearsed")
    expect.equal(found.target.database, database.name)
    expect.equal(found.steps[1].done.counts.worked, 2500)
    expect.equal(found.steps[1].checks[2].outcome, "pass")
    local rehearsal = found.rehearsal
    expect.is_true(rehearsal.restore.equal)
    expect.equal(#rehearsal.rows, 1)
    expect.equal(rehearsal.rows[1].table, "public.item")
    expect.equal(rehearsal.rows[1].updated, 2500)
    expect.equal(rehearsal.undo.outcome, "done")
    expect.equal(rehearsal.undo.rows, 2500)
    expect.equal(rehearsal.undo.left, 0)
    expect.is_true(rehearsal.undo.equal)
    expect.equal(#rehearsal.undo.differences, 0)
    expect.is_true(rehearsal.wal_bytes > 100000)
    expect.is_true(rehearsal.seconds > 0)
  end)

  it("names the locks that batches hold, and nothing else, unless it is more than writing rows takes", function()
    local database = applying.items(1500)
    local locks = document(database).rehearsal.locks
    local modes = {}
    for at, lock in ipairs(locks) do
      expect.equal(lock.table, "public.item")
      expect.equal(lock.strong, false)
      expect.is_true(lock.seconds > 0)
      modes[at] = lock.mode
    end
    expect.contains(modes, "RowExclusiveLock")

    database:execute([[create function hold() returns int language plpgsql as
      'begin lock table item in share mode; return 1; end']])
    local fields = applying.doing([[tx:query("select hold()"); return { worked = 1 }]])
    fields.journal = "false"
    local result = rehearse(database, fields, nil, { functions = '{ "public.hold" }' })
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "more than writing rows takes")
    expect.matches(result.output, "public%.item: ShareLock, for up to [^:]+: all who write wait")
    expect.contains(result.output, "kept no journal (journal = false): it cannot be undone")
  end)

  it("shows the slowest statement with its plan", function()
    local database = applying.items(1000)
    local fields = applying.doing([[
      tx:query("select count(*) from item as a, item as b where a.amount < b.amount")
      return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }]])
    local slowest = document(database, fields).rehearsal.slowest
    expect.is_true(slowest.milliseconds >= 10)
    expect.contains(slowest.statement, "item as a, item as b")
    expect.contains(table.concat(slowest.plan, "\n"), "Seq Scan on item")
  end)

  it("counts temporary files", function()
    local database = applying.items(200000)
    local fields = applying.doing([[
      tx:query("select max(id) from (select id, part || repeat('x', 50) as long from item order by 2 offset 10) as s")
      return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }]])
    fields.plan = "[[select id from item where id <= 10]]"
    local rehearsal = document(database, fields).rehearsal
    expect.is_true(rehearsal.temp_bytes > 1000000, tostring(rehearsal.temp_bytes))
  end)

  it("says what an undo does not bring back, and only that", function()
    local database = test.database({ sql = sample.items(50) .. touched_by_trigger .. "create sequence number;" })
    local fields = applying.doing([[
      tx:query("select nextval('number')")
      return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }]])
    local found, result = document(database, fields)
    expect.equal(result.exit, 8, result.errors)
    local undo = found.rehearsal.undo
    expect.is_true(undo.equal)
    expect.equal(#undo.unrestored, 1)
    expect.equal(undo.unrestored[1].column, "touched")
    expect.equal(#undo.differences, 2)
    for _, difference in ipairs(undo.differences) do
      if difference.what == "table" then
        expect.equal(difference.name, "public.item")
        expect.equal(difference.reason, "the undo could not put back touched")
      else
        expect.equal(difference.name, "public.number")
        expect.equal(difference.reason, "an undo does not turn sequences back")
      end
    end
  end)

  it("does nothing beyond the database that the runbook asks for, and asks nobody", function()
    local database = applying.items(20)
    local fields = applying.doing([[
      require("opsh.files").write("out/applied", "x")
      return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }]])
    local steps = ("{ %s, %s, %s }"):format(
      [[{ name = "switch", effect = function() require("opsh.files").write("out/switched", "x") end }]],
      sample.step(fields),
      [[{ name = "look", manual = "does it look right?" }]]
    )
    test.write("out/there", "")
    local top = { steps = steps, folders = '{ "out" }' }
    local found, result = document(database, {}, nil, top)
    expect.equal(result.exit, 0, result.errors)
    expect.equal(found.rehearsal.rows[1].updated, 20)
    local said = table.concat(found.rehearsal.not_rehearsed, "\n")
    expect.contains(said, "switch: would ")
    expect.contains(said, "look: would ask")
    expect.equal(test.shell("ls out").output, "there\n")
  end)

  it("has nothing to do where the backup needs nothing", function()
    local found, result = document(applying.items(0))
    expect.equal(result.exit, 0, result.errors)
    expect.equal(found.outcome, "nothing to do")
  end)

  it("says that an apply would be refused, and rehearses all the same", function()
    local result = rehearse(applying.items(5), {}, { "--backup=now", "--max-rows=4" })
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "an apply would be refused: 5 items are planned, and the budget is 4 rows")
  end)

  it("excludes the other rungs, and what is for them", function()
    local path = test.write("sample.lua", sample.runbook())
    for _, words in ipairs({
      { "--apply", says = "--rehearse and --apply exclude each other" },
      { "--simulate", says = "--rehearse and --simulate exclude each other" },
      { "--plan=p", says = "--plan is for --apply" },
      { "--detailed-exitcode", says = "--detailed-exitcode is for a plan" },
      { "--no-backup", says = "--no-backup is for --apply" },
      { "--keep", "--scratch=host=/nowhere", says = "--keep is for a throw-away server" },
    }) do
      local result = test.opsh({ path, "--rehearse", unpack(words) }, { environment = { PGHOST = "/nowhere" } })
      expect.equal(result.exit, 2, words[1])
      expect.contains(result.errors, words.says)
    end
  end)
end)

describe("a rehearsal that fails", function()
  local function fails(fields, exit, says, top)
    local database = applying.items(20)
    local before = database:checksum()
    local result = rehearse(database, fields, nil, top)
    expect.equal(result.exit, exit, result.errors)
    expect.contains(result.errors, says)
    expect.contains(result.errors, "it was a rehearsal: nothing was written into the target")
    expect.equal(database:checksum(), before)
    return result
  end

  it("ends with 6 and the checks when they do not pass", function()
    local result = fails({
      verify = [[function(check) check:none("left", "select id from item where id = 7") end]],
    }, 6, "its checks did not pass")
    expect.matches(result.output, "FAIL%s+left")
    expect.lacks(result.errors, "resume")
  end)

  it("ends with 1 when the script fails in the middle, and offers no way to go on", function()
    local fields = applying.doing([[
      if items[1].id > 10 then error("enough") end
      return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }]])
    fields.batch = "10"
    local result = fails(fields, 1, "enough")
    expect.lacks(result.errors, "opsh resume")
    expect.contains(result.output, "items    10")
  end)

  it("ends with 5 when a precondition is not met", function()
    fails({}, 5, "precondition not met: never", {
      preconditions = [[function(check) check:that("never", false) end]],
    })
  end)

  it("ends with 8 when items fail that may", function()
    local fields = applying.doing([[
      tx:exec("update item set done = true, amount = 1 / (i.id - 7) from :items as i where item.id = i.id")
      return {}]])
    fields.max_failures = "5"
    local found, result = document(applying.items(20), fields)
    expect.equal(result.exit, 8, result.errors)
    expect.equal(found.steps[1].done.failed, 1)
    expect.is_true(found.rehearsal.undo.equal)
  end)

  it("is stopped by Ctrl-C, and leaves no database on the server of --scratch", function()
    local database = applying.items(5)
    local before = databases(database)
    database:execute("create function wait() returns void language plpgsql as 'begin perform pg_sleep(30); end'")
    local fields = applying.doing([[tx:query("select wait()") return {}]])
    local path = test.write("sample.lua", sample.runbook(fields, { functions = '{ "public.wait" }' }))
    local process = test.spawn({
      path,
      "--rehearse",
      "--backup=now",
      "--db=" .. database.conninfo,
      "--scratch=" .. database.conninfo,
    })
    local applying_now = "select count(*) from pg_stat_activity where query = 'select wait()' and state = 'active'"
    test.wait_until("the rehearsal applies", function() return database:value(applying_now) > 0 end)
    process:signal("INT")
    local result = process:wait()
    expect.equal(result.exit, 130, result.errors)
    expect.equal(databases(database), before)
  end)

  it("is refused when there is no backup, with the command that makes one", function()
    local _, result = document(applying.items(5), {}, {})
    expect.equal(result.exit, 5, result.errors)
    expect.contains(result.errors, "there is no backup of database")
    expect.contains(result.errors, "--backup now makes one")
  end)

  it("is refused when the dump is not the one that was certified", function()
    local database = applying.items(500)
    expect.equal(rehearse(database).exit, 0)
    backing.flip(the_backup())
    local found, result = document(database, {}, {})
    expect.equal(result.exit, 5, result.errors)
    expect.matches(found.error.kind, "^backup%.")
    expect.equal(found.outcome, "failed")
  end)

  it("is refused when the restored rows are not those of the certificate", function()
    local path = test.write("sample.lua", sample.runbook())
    local line = "rehearsal.contents = with_session(job.target, native_backup.contents)"
    local broken = breaking.environment({
      { "lua/backup/rehearsal.lua", line, line .. "\n  rehearsal.contents.tables[1].rows = 19" },
    })
    local result = test.opsh(
      { path, "--rehearse", "--backup=now" },
      { db = applying.items(20), environment = broken }
    )
    expect.equal(result.exit, 5, result.errors)
    expect.contains(result.errors, "does not restore to what its certificate says: table public.item differs")
  end)

  it("is refused on the backup of another database", function()
    expect.equal(rehearse(applying.items(5)).exit, 0)
    local result = rehearse(applying.items(5), {}, { "--backup=" .. the_backup() })
    expect.equal(result.exit, 5, result.errors)
    expect.contains(result.errors, "and the target is")
  end)
end)
