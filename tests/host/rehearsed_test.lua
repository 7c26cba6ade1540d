local opsh = require("opsh")
local test = require("opsh.test")
local applying = require("applying")
local breaking = require("breaking")
local documents = require("documents")
local rehearsing = require("rehearsing")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect
local rehearse, document, apply = rehearsing.rehearse, rehearsing.document, rehearsing.apply

local touched_by_trigger = [[
  alter table item add column touched timestamptz not null default '2020-01-01';
  create function touch() returns trigger language plpgsql as 'begin new.touched := clock_timestamp(); return new; end';
  create trigger touch before update on item for each row execute function touch();
]]

describe("the comparison at the end", function()
  it("catches an undo that leaves a difference, where the undo itself says that all is well", function()
    local database = applying.items(30)
    local path = test.write("sample.lua", sample.runbook({ batch = "10" }))
    local broken = breaking.environment({
      { "lua/runbook/undo.lua", "for at = standing.number + 1, #step.batches do", "for at = 2, #step.batches do" },
    })
    local result = test.opsh({ path, "--rehearse", "--backup=now", "--json" }, { db = database, environment = broken })
    expect.equal(result.exit, 6, result.errors)
    local found = result.json()
    expect.equal(found.error.kind, "check.undo")
    expect.contains(found.error.message, "table public.item differs")
    expect.equal(found.rehearsal.undo.left, 0)
    expect.equal(found.rehearsal.undo.equal, false)
    expect.equal(found.rehearsal.undo.differences[1].name, "public.item")
    expect.equal(found.rehearsal.undo.differences[1].reason, opsh.null)
  end)

  it("is not satisfied by a column that cannot be put back when rows are missing", function()
    local database = test.database({ sql = sample.items(30) .. touched_by_trigger })
    local fields = applying.doing([[
      tx:exec("insert into item (id, part) select i.id + 1000, 'new' from :items as i")
      return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }]])
    local path = test.write("sample.lua", sample.runbook(fields))
    local broken = breaking.environment({
      {
        "lua/backup/taking_back.lua",
        "  local after = jobs.reading_ledger(job, native_backup.contents)",
        "  local after = jobs.reading_ledger(job, native_backup.contents)\n"
          .. "  for _, entry in ipairs(after.tables) do\n"
          .. "    if entry.name == 'public.item' then entry.rows = 29 end\n  end",
      },
    })
    local sound = test.opsh({ path, "--rehearse", "--backup=now" }, { db = database })
    expect.equal(sound.exit, 8, sound.errors)
    local result = test.opsh({ path, "--rehearse" }, { db = database, environment = broken })
    expect.equal(result.exit, 6, result.errors)
  end)
end)

describe("an apply after a rehearsal", function()
  it("says how long it was to take, in text, in the document and in the audit log", function()
    local database = applying.items(50)
    expect.equal(rehearse(database).exit, 0)
    local result = apply(database)
    expect.equal(result.exit, 0, result.errors)
    expect.matches(result.output, "Rehearsed [^,]+, took [^;]+; 50 rows changed, as rehearsed")
    local log = test.shell("cat state/opsh/runs/*/audit.jsonl").output
    expect.matches(log, '"event":"run finished".*"rehearsed":{')
  end)

  it("is compared with a rehearsal in proportion to its items", function()
    local database = applying.items(50)
    expect.equal(rehearse(database).exit, 0)
    database:execute("insert into item (id, part) select i, 'red' from generate_series(101, 200) as i")
    local predicted = document(database, {}, {}).rehearsal.prediction
    expect.equal(predicted.items, 150)
    expect.equal(predicted.rehearsed_items, 50)
    expect.is_true(predicted.scaled)
    local applied = apply(database, {}, "--json").json()
    documents.fit(applied, "run")
    local found = applied.rehearsed
    expect.equal(found.items, 150)
    expect.equal(found.rehearsed_items, 50)
    expect.equal(found.rows, 50)
    expect.equal(found.changed_rows, 150)
    expect.is_true(found.took_seconds > 0)
  end)

  it("is compared with no rehearsal of another script, of other params, or that failed", function()
    local top = { params = '{ colour = { type = "string" } }' }
    local database = applying.items(9)
    local function rehearsed(fields, ...)
      local path = test.write("sample.lua", sample.runbook(fields, top))
      return test.opsh({ path, "--apply", "--json", ... }, { db = database }).json().rehearsed
    end
    local failing = { verify = [[function(check) check:that("never", false) end]] }
    expect.equal(rehearse(database, {}, { "--backup=now", "--colour=red" }, top).exit, 0)
    expect.equal(rehearse(database, failing, {}, top).exit, 6)
    expect.equal(rehearsed({ name = '"another"' }, "--colour=red"), opsh.null)
    database:execute("update item set done = false")
    expect.equal(rehearsed({}, "--colour=blue"), opsh.null)
    database:execute("update item set done = false")
    expect.equal(rehearsed(failing), opsh.null)
    database:execute("update item set done = false")
    expect.equal(rehearsed({}, "--colour=red").rehearsed_items, 9)
  end)
end)

describe("what is kept of a rehearsal", function()
  it("is for its owner alone, and an audit log that verifies", function()
    local database = applying.items(5)
    local found = document(database)
    local folder = test.folder() .. "/state/opsh/rehearsals/" .. found.run
    expect.equal(test.shell(("stat -c %%a %s/rehearsal.json %s/shown.txt"):format(folder, folder)).output, "600\n600\n")
    expect.equal(test.shell("find state -name '*.plan'").output, "", "planned rows")
    local log = test.shell(("cat %s/audit.jsonl"):format(folder)).output
    expect.contains(log, '"rehearsal started"')
    expect.contains(log, '"rehearsal finished"')
    local verified = test.opsh({ "audit", "verify", found.run }, { db = database })
    expect.equal(verified.exit, 0, verified.output .. verified.errors)
  end)

  it("is the database too, with --keep", function()
    local database = applying.items(5)
    local result = rehearse(database, {}, { "--backup=now", "--keep" })
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.errors, "the scratch goes on, in database opsh_scratch_")
    local status = test.opsh({ "sandbox", "status", "--json" })
    expect.equal(test.opsh({ "sandbox", "stop" }).exit, 0)
    expect.equal(status.exit, 0, status.errors)
  end)
end)
