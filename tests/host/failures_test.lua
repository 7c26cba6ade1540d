local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

-- Items 30, 60 and 90 cannot be done.
local stubborn = sample.items(100) .. "alter table item add constraint stubborn check (not (done and id % 30 = 0));"

local function apply(fields, database, arguments)
  return test.opsh(
    { test.write("sample.lua", sample.runbook(fields)), "--apply", unpack(arguments or {}) },
    { db = database }
  )
end

local function left_out(database)
  return database:query("select array_to_string(key, ',') as key, outcome, sqlstate from opsh.left_out order by key")
end

describe("items that fail", function()
  it("are left out within max_failures, listed, and the run exits 8", function()
    local database = test.database({ sql = stubborn })
    local result = apply({ max_failures = "3", batch = "40" }, database)
    expect.equal(result.exit, 8)
    expect.contains(result.output, "3 items were left out")
    expect.equal(database:value("select count(*) from item where done"), 97)
    expect.equal(left_out(database), {
      { key = "30", outcome = "failed", sqlstate = "23514" },
      { key = "60", outcome = "failed", sqlstate = "23514" },
      { key = "90", outcome = "failed", sqlstate = "23514" },
    })
  end)

  it("stop the run when they are more than max_failures, and nothing of that batch is kept", function()
    local database = test.database({ sql = stubborn })
    local result = apply({ max_failures = "2", batch = "50" }, database)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "max_failures")
    expect.equal(database:value("select count(*) from item where done"), 49)
  end)

  it("may hold what no text of PostgreSQL can", function()
    local database = test.database({ sql = sample.items(2) })
    local lua = [[function(tx, items)
      tx:value("select $1::text", items[1].id == 1 and "a\0b" or "ab")
      return { changed = tx:exec("update item set done = true from :items as i where item.id = i.id") }
    end]]
    expect.equal(apply({ max_failures = "1", batch = "1", apply = lua }, database).exit, 8)
    expect.contains(database:value("select message from opsh.left_out"), "NUL")
    expect.equal(database:value("select count(*) from item where done"), 1)
  end)

  it("may raise anything: a table without a kind, nothing, an empty text", function()
    for _, raised in ipairs({ "{}", "nil", '""', '{ kind = 5, message = {} }', '{ kind = "data" }' }) do
      local database = test.database({ sql = sample.items(2) })
      local lua = "function(tx, items) if items[1].id == 1 then error(%s) end end"
      local result = apply({ max_failures = "1", batch = "1", apply = lua:format(raised) }, database)
      expect.equal(result.exit, 8, raised)
      expect.contains(database:value("select message from opsh.left_out"), "an error", raised)
    end
  end)

  it("are one item where it is one", function()
    local database = test.database({ sql = sample.items(1) .. "alter table item add check (not done);" })
    local result = apply({ max_failures = "1" }, database)
    expect.equal(result.exit, 8)
    expect.matches(result.output, "Done; 1 item was left out: opsh show %S+ lists it%.")
  end)

  it("are counted against a percentage of the plan", function()
    local database = test.database({ sql = stubborn })
    expect.equal(apply({ max_failures = '"3%"' }, database).exit, 8)
    local strict = test.database({ sql = stubborn })
    expect.equal(apply({ max_failures = '"2%"' }, strict).exit, 1)
    expect.equal(strict:value("select count(*) from item where done"), 0)
  end)

  it("may be written about by on_failure, in the transaction of their batch", function()
    local database =
      test.database({ sql = stubborn .. "create table quarantine (id bigint primary key, state text, message text);" })
    local result = apply({
      max_failures = "5",
      writes = '{ "item", "quarantine" }',
      on_failure = [[function(tx, item, err)
        tx:exec("insert into quarantine values ($1, $2, $3)", item.id, err.sqlstate, err.message)
      end]],
    }, database)
    expect.equal(result.exit, 8)
    expect.equal(
      database:value("select string_agg(id || ' ' || state, ', ' order by id) from quarantine"),
      "30 23514, 60 23514, 90 23514"
    )
    expect.matches(database:value("select message from quarantine where id = 30"), "stubborn")
  end)

  it("may be found by the script's own error", function()
    local database = test.database({ sql = sample.items(5) })
    local result = apply({
      max_failures = "1",
      apply = [[function(tx, items)
      for _, item in ipairs(items) do
        if item.id == 3 then error("not this one") end
        tx:exec("update item set done = true where id = $1", item.id)
      end
    end]],
    }, database)
    expect.equal(result.exit, 8)
    expect.equal(database:value("select string_agg(id::text, ',') from item where not done"), "3")
  end)

  it("are found by a deferred constraint too", function()
    local database = test.database({
      sql = sample.items(20) .. [[
      create table owner (id bigint primary key);
      insert into owner select i from generate_series(1, 20) as i where i <> 7;
      create table owned (item bigint primary key references owner deferrable initially deferred);]],
    })
    local result = apply({
      max_failures = "1",
      writes = '{ "owned" }',
      apply = [[function(tx)
        return { made = tx:exec("insert into owned select i.id from :items as i") }
      end]],
    }, database)
    expect.equal(result.exit, 8)
    expect.equal(database:value("select count(*) from owned"), 19)
    expect.equal(left_out(database), { { key = "7", outcome = "failed", sqlstate = "23503" } })
  end)

  it("do not include what has nothing to do with an item", function()
    local database = test.database({ sql = sample.items(5) })
    local result =
      apply({ max_failures = "5", apply = 'function(tx) tx:exec("update nowhere set a = 1") end' }, database)
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "nowhere")
  end)

  it("are listed by show, as text and as JSON", function()
    local database = test.database({ sql = stubborn })
    local id = apply({ max_failures = "3" }, database).output:match("opsh show (%S+)")
    local shown = test.opsh({ "show", id }, { db = database })
    expect.equal(shown.exit, 0)
    expect.contains(shown.output, "left out")
    expect.contains(shown.output, "23514")
    local document = test.opsh({ "show", id, "--json" }, { db = database }).json()
    expect.equal(#document.left_out, 3)
    expect.equal(document.left_out[1].key, "30")
  end)
end)

describe("items that changed since the plan", function()
  local recheck = "[[select id from item where id = any(:keys) and not done order by id for no key update]]"

  --- A step whose first batch makes others of its items change, as a stranger would.
  local function disturbed(fields)
    fields.recheck, fields.batch = recheck, "10"
    fields.apply = [[function(tx, items)
      if items[1].id == 1 then tx:exec("update item set done = true where id in (15, 25)") end
      return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }
    end]]
    return fields
  end

  it("are left out by recheck, and the run exits 8", function()
    local database = test.database({ sql = sample.items(30) })
    local result = apply(disturbed({}), database)
    expect.equal(result.exit, 8)
    expect.contains(result.output, "changed since the plan")
    expect.equal(left_out(database), { { key = "15", outcome = "changed" }, { key = "25", outcome = "changed" } })
    local id = result.output:match("opsh show (%S+)")
    expect.contains(test.opsh({ "show", id }, { db = database }).output, "changed")
  end)

  it("do not reach apply", function()
    local database = test.database({ sql = sample.items(30) })
    local document = apply(disturbed({}), database, { "--json" }).json()
    expect.equal(document.steps[1].done.counts.worked, 28)
    expect.equal({ document.steps[1].done.items, document.steps[1].done.skipped }, { 28, 2 })
    expect.equal(document.exit, 8)
  end)

  it("are found with a composite key", function()
    local database = test.database({ sql = sample.items(9) })
    local result = apply({
      key = '{ "part", "id" }',
      batch = "3",
      recheck = [==[ [[select part, id from item where (part, id) in (select k.part, k.id from :keys as k) and id <> 5
                      for no key update]] ]==],
    }, database)
    expect.equal(result.exit, 8)
    expect.equal(left_out(database)[1], { key = "blue,5", outcome = "changed" })
  end)

  it("cannot be told when recheck does not return the key", function()
    local database = test.database({ sql = sample.items(3) })
    local result = apply({ recheck = "[[select part from item where id = any(:keys) for no key update]]" }, database)
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "recheck does not return the key column id")
  end)
end)
