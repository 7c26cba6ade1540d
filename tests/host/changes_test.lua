local test = require("opsh.test")
local sample = require("sample")
local json = require("opsh.json")

local describe, it, expect = test.describe, test.it, test.expect

--- A run that updates, inserts and deletes; the database and its id.
local function applied(count)
  local database = test.database({
    sql = sample.items(count or 4)
      .. "create table log (id text primary key, note text); insert into log values ('a,b', ''), ('old', null);",
  })
  local path = test.write(
    "sample.lua",
    sample.runbook({
      batch = "2",
      writes = '{ "item", "log" }',
      apply = [[function(tx)
        tx:exec("update item set amount = null, part = E'esc \\x1b[31m' from :items as i where item.id = i.id")
        tx:exec("insert into log select 'made ' || i.id, 'x' from :items as i")
        tx:exec("delete from log where id in ('a,b', 'old')")
      end]],
    })
  )
  expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 0)
  return database, database:value("select id from opsh.run")
end

local function changes(database, run, ...) return test.opsh({ "show", run, "--changes", ... }, { db = database }) end

describe("opsh show --changes", function()
  it("shows updates, inserts and deletes with their values, and NULL as no text", function()
    local database, run = applied()
    local output = changes(database, run).output
    expect.contains(output, "public.item  key id, step 1, batch 1\n~ 1\n")
    expect.contains(output, "    amount: 1.10 -> NULL\n")
    expect.contains(output, "+ made 1\n")
    expect.contains(output, "- a,b\n    id: a,b\n    note: \"\"\n")
    expect.contains(output, "- old\n    id: old\n    note: NULL\n")
    expect.contains(output, "public.item  key id, step 1, batch 2\n")
  end)

  it("lets no control character through, and no colour without a terminal", function()
    local database, run = applied()
    expect.lacks(changes(database, run).output, "\27")
  end)

  it("is narrowed by table, key, column and limit", function()
    local database, run = applied()
    local log = changes(database, run, "--table=log").output
    expect.lacks(log, "public.item")
    expect.contains(log, "made 4")
    local one = changes(database, run, "--key=3").output
    expect.contains(one, "~ 3\n")
    expect.lacks(one, "~ 2\n")
    local amounts = changes(database, run, "--column=amount").output
    expect.contains(amounts, "amount: 4.10 -> NULL")
    expect.lacks(amounts, "part:")
    expect.lacks(amounts, "+ made")
    local first = changes(database, run, "--limit=1").output
    expect.contains(first, "~ 1\n")
    expect.lacks(first, "~ 2\n")
    expect.contains(first, "--limit shows more")
  end)

  it("says which table was meant", function()
    local database, run = applied()
    local result = changes(database, run, "--table=itm")
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean item?")
  end)

  it("prints one array with --json, with null apart from text", function()
    local database, run = applied()
    local list = changes(database, run, "--json").json()
    expect.equal(#list, 10)
    expect.equal(list[1].operation, "update")
    expect.equal(list[1].key.id, "1")
    expect.equal(list[1].columns.amount.old, "1.10")
    expect.equal(list[1].columns.amount.new, json.null)
    expect.equal(changes(database, run, "--json", "--key=nowhere").json(), {})
  end)

  it("has every row once with its batch, however many rows a batch has", function()
    local database = test.database({ sql = sample.items(1300) })
    local path = test.write("sample.lua", sample.runbook({ batch = "650" }))
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 0)
    local run, found, count = database:value("select id from opsh.run"), {}, 0
    for at, change in ipairs(changes(database, run, "--json", "--limit=2000").json()) do
      expect.equal(change.batch, at <= 650 and 1 or 2)
      found[change.key.id], count = true, count + 1
    end
    expect.equal(count, 1300)
    for id = 1, 1300 do
      expect.is_true(found[tostring(id)])
    end
  end)

  it("needs --changes for what narrows it", function()
    local database, run = applied()
    local result = test.opsh({ "show", run, "--table=item" }, { db = database })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--table needs --changes")
  end)
end)
