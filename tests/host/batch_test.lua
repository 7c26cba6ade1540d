local test = require("opsh.test")
local applying = require("applying")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local items, apply, fails, doing = applying.items, applying.apply, applying.fails, applying.doing

describe("the items of a batch", function()
  it("are a list of rows, with keys and columns", function()
    local database = items(5)
    local result = apply(
      doing([[
      assert(#items == 5 and items[2].id == 2 and items[2].part == "blue")
      assert(#items.keys == 5 and items.keys[5] == 5)
      local parts = items.column("part")
      assert(#parts == 5 and parts[1] == "green")
      tx:exec("update item set done = true where id = any($1)", items.keys)
      return { listed = #items }]]),
      database
    )
    expect.equal(result.exit, 0)
    expect.none(database:query("select id from item where not done"))
  end)

  it(
    "refuse a column that the plan does not have",
    function() expect.contains(fails(doing("return { n = items[1].prt }"), 1), "did you mean part?") end
  )

  it("are a relation, and their keys an array", function()
    local database = items(5)
    local result = apply(
      doing([[
      local related = tx:value("select count(*) from :items as i join item using (id, amount)")
      assert(related == 5, related)
      return { touched = tx:exec("update item set done = true where id = any(:keys)") }]]),
      database
    )
    expect.equal(result.exit, 0)
    expect.contains(result.output, "touched")
  end)

  it("have keys that are a relation when the key is composite", function()
    local database = items(5)
    local fields = doing([[
      assert(items.keys[2][1] == "blue" and items.keys[2][2] == 5)
      return { touched = tx:exec([=[
        update item set done = true from :keys as k where (item.part, item.id) = (k.part, k.id)]=]) }]])
    fields.key = '{ "part", "id" }'
    local result = apply(fields, database, { "--json" })
    expect.equal(result.exit, 0)
    expect.equal(result.json().steps[1].done.counts.touched, 5)
  end)

  it("and rows that a statement returned are relations", function()
    local database = test.database({
      sql = sample.items(3) .. "create table copy (id bigint primary key, item bigint, amount numeric);",
    })
    local fields = doing([[
      local made = tx:query([=[
        update item set done = true from :items as i where item.id = i.id returning item.id as item, item.amount]=])
      tx:exec("insert into copy select m.item * 10, m.item, m.amount from :made as m", { made = made })]])
    fields.writes = '{ "item", "copy" }'
    expect.equal(apply(fields, database).exit, 0)
    expect.equal(
      database:value("select string_agg(concat_ws('/', id, item, amount), ' ' order by id) from copy"),
      "10/1/1.10 20/2/2.10 30/3/3.10"
    )
  end)
end)

describe("a savepoint", function()
  it("takes back what failed in it, and the batch goes on", function()
    local database = items(3)
    local result = apply(
      doing([[
      local value, err = tx:try_savepoint(function()
        tx:exec("update item set amount = -1")
        tx:exec("select 1 / 0")
      end)
      assert(value == nil and err.sqlstate == "22012")
      assert(tx:savepoint(function() return tx:exec("update item set done = true") end) == 3)]]),
      database
    )
    expect.equal(result.exit, 0)
    expect.equal(database:value("select count(*) from item where done and amount > 0"), 3)
  end)

  it(
    "raises its error on",
    function()
      expect.contains(fails(doing('tx:savepoint(function() tx:exec("select 1 / 0") end)'), 1), "division by zero")
    end
  )
end)

describe("the queries of a batch", function()
  it("say how many rows they wanted", function()
    expect.contains(fails(doing('tx:one("select id from item")'), 1), "the query gave 5 rows where one is expected")
    expect.contains(fails(doing('tx:one("select id from item where id < 0")'), 1), "the query gave 0 rows")
    expect.contains(
      fails(doing('tx:value("select id, part from item where id = 1")'), 1),
      "value wants one row with one column"
    )
    expect.equal(
      apply(
        doing(
          'assert(tx:first("select id from item where id < 0") == nil)\n'
            .. 'assert(tx:value("select null::int") == nil)'
        ),
        items()
      ).exit,
      0
    )
  end)

  it("may run inside a loop over rows", function()
    local database = items(2500)
    local fields = doing([[
      local count = 0
      for row in tx:rows("select id from item order by id") do
        count = count + tx:exec("update item set done = true where id = $1", row.id)
      end
      return { count = count }]])
    fields.batch = "10000"
    local result = apply(fields, database, { "--json" })
    expect.equal(result.json().steps[1].done.counts.count, 2500)
  end)
end)

describe("what a batch may not do", function()
  it("is working through the tx of another batch", function()
    local database = items(2)
    local result = apply({
      batch = "1",
      apply = [[(function()
        local kept
        return function(tx)
          kept = kept or tx
          return { worked = kept:exec("update item set done = true from :items as i where item.id = i.id") }
        end
      end)()]],
    }, database)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "this batch is over")
    expect.equal(database:value("select count(*) from item where done"), 1)
  end)

  it("is counting what the ledger cannot hold", function()
    for _, count in ipairs({ "0 / 0", "1 / 0" }) do
      local database = items()
      local result = apply(doing("return { worked = " .. count .. " }"), database)
      expect.equal(result.exit, 1, count)
      expect.contains(result.errors, "apply may return counts", count)
    end
  end)

  it("is writing into opsh's own ledger", function()
    local database = items()
    expect.equal(apply(nil, database).exit, 0)
    local path = test.write("sample.lua", sample.runbook({ writes = '{ "opsh.batch" }' }))
    local result = test.opsh({ path }, { db = database })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "a table of opsh's own ledger")
  end)
end)
