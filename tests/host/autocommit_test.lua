local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local runbook = [[
  local runbook, schema = require("opsh.runbook"), require("opsh.schema")
  return runbook { title = "sample", steps = {
    schema.index { table = "item", index = "item_part", columns = "part", name = "part" },
    schema.index { table = "item", index = "item_amount", columns = "amount", unique = true, name = "amount" },
  } }
]]

local function database(setup) return test.database({ sql = sample.items(200) .. (setup or "") }) end
local function path() return test.write("sample.lua", runbook) end
local function apply(on) return test.opsh({ path(), "--apply" }, { db = on }) end
local function run_of(on) return on:value("select id from opsh.run order by started_at desc limit 1") end
local function valid(on)
  return on:value([[select coalesce(string_agg(c.relname || ' ' || i.indisvalid, ', ' order by c.relname), '')
    from pg_index as i join pg_class as c on c.oid = i.indexrelid where c.relname ~ '^item_[ap].*[^y]$']])
end
local both = "item_amount true, item_part true"

--- Keeps CREATE INDEX CONCURRENTLY waiting: it waits for every transaction that might still use the old table.
local function hold(on, seconds)
  test.shell(("(psql -X -d %q -c %q >/dev/null 2>&1 &)"):format(
    on.conninfo,
    ("begin; update item set done = true where id = 1; select pg_sleep(%d); commit"):format(seconds)
  ))
  test.wait_until("the table is in use", function()
    return on:value("select count(*) from pg_locks where relation = 'item'::regclass and mode = 'RowExclusiveLock'") > 0
  end)
end

local function building(on)
  return on:value("select count(*) from pg_stat_activity where query ilike 'create index concurrently%'") > 0
end

describe("a step with autocommit", function()
  it("builds indexes outside transactions, once each, and is undone", function()
    local on = database()
    local plan = test.opsh({ path() }, { db = on })
    expect.contains(plan.output, "autocommit: one statement an item, outside a transaction")
    expect.contains(plan.output, "create index concurrently item_part on item (part)")
    local result = apply(on)
    expect.equal(result.exit, 0, result.errors)
    expect.equal(valid(on), both)
    expect.equal(on:value("select count(*) from opsh.batch"), 2)
    expect.contains(apply(on).output, "Nothing to do")
    local undone = test.opsh({ "undo", run_of(on), "--apply" }, { db = on })
    expect.equal(undone.exit, 0, undone.errors)
    expect.equal(valid(on), "")
  end)

  it("is left out of a simulation, which says so", function()
    local on = database()
    local result = test.opsh({ path(), "--simulate" }, { db = on })
    expect.equal(result.exit, 0, result.output .. result.errors)
    expect.contains(result.output, "step part: autocommit, its statements run outside a transaction")
    expect.equal(valid(on), "")
  end)

  it("drops what a failed build left, and builds it again", function()
    local on = database("insert into item values (999, 'red', 1.10);")
    local result = apply(on)
    expect.equal(result.exit, 4, result.errors)
    expect.equal(valid(on), "item_amount false, item_part true")
    expect.contains(result.errors, "opsh resume " .. run_of(on))
    on:execute("delete from item where id = 999")
    expect.contains(test.opsh({ path() }, { db = on }).output, "there, and not valid: dropped and built again")
    local resumed = test.opsh({ "resume", run_of(on) }, { db = on })
    expect.equal(resumed.exit, 0, resumed.errors)
    expect.contains(resumed.errors, "the index public.item_amount was not valid: dropped, and built again")
    expect.equal(valid(on), both)
  end)

  it("goes on after opsh was killed in the middle of a build", function()
    local on = database()
    hold(on, 6)
    local process = test.spawn({ path(), "--apply" }, { db = on })
    test.wait_until("the index is being built", function() return building(on) end)
    process:signal("KILL")
    process:wait()
    local resumed = test.opsh({ "resume", run_of(on) }, { db = on })
    expect.equal(resumed.exit, 0, resumed.errors)
    expect.equal(valid(on), both)
    expect.equal(on:value("select count(*) from opsh.batch"), 2)
  end)

  it("takes as done what was done when opsh was killed before it could record it", function()
    local on = database()
    hold(on, 5)
    local process = test.spawn({ path(), "--apply" }, { db = on })
    test.wait_until("the index is being built", function() return building(on) end)
    process:signal("KILL")
    process:wait()
    -- The server goes on with the statement of a client that is gone.
    test.wait_until("the index is built", function() return valid(on) == "item_part true" end, 20)
    expect.equal(on:value("select count(*) from opsh.batch"), 0)
    local resumed = test.opsh({ "resume", run_of(on) }, { db = on })
    expect.equal(resumed.exit, 0, resumed.errors)
    expect.contains(resumed.errors, "item_part was done before the run was cut off")
    expect.equal(valid(on), both)
    local batches = on:query("select step, number, items from opsh.batch order by step")
    expect.equal(#batches, 2)
    expect.equal(batches[1].items, 1)
  end)

  it("is undone also when it was cut off, whether it had made it or not", function()
    local on = database()
    hold(on, 5)
    local process = test.spawn({ path(), "--apply" }, { db = on })
    test.wait_until("the index is being built", function() return building(on) end)
    process:signal("KILL")
    process:wait()
    local undone = test.opsh({ "undo", run_of(on), "--apply" }, { db = on })
    expect.equal(undone.exit, 0, undone.output .. undone.errors)
    expect.equal(valid(on), "")
  end)

  it("keeps to one statement an item, and nothing else", function()
    local function step(lua)
      return sample.runbook({
        schema = "true", autocommit = "true", key = '"name"', plan = '"select 1 as name"',
        apply = "function(tx, items) " .. lua .. " end",
      })
    end
    for lua, words in pairs({
      ['tx:ddl("create index concurrently a on item (part)") tx:ddl("create index concurrently b on item (part)")'] =
        "an item of a step with autocommit is one statement",
      ['tx:query("select 1")'] = "its tx has only ddl, not query",
      ['tx:ddl("drop table item")'] = "outside a transaction nobody can tell whether it holds anything",
      ['tx:ddl("create table x (id int)")'] = "which the step does not declare",
      ['tx:ddl("begin")'] = "BEGIN is not among",
    }) do
      local result = test.opsh({ test.write("sample.lua", step(lua)), "--apply" }, { db = database() })
      expect.equal(result.exit ~= 0, true)
      expect.contains(result.errors, words)
    end
  end)
end)

describe("a statement that waits for a lock", function()
  it("gives up soon, lets others through, and is tried again", function()
    local on = database()
    local source = sample.runbook({
      schema = "true", key = '"name"',
      plan = [=[[[select 'x' as name, 'alter table item add column x int' as ddl]]]=],
      apply = false,
    })
    hold(on, 4)
    local result = test.opsh({ test.write("sample.lua", source), "--apply" }, { db = on })
    expect.equal(result.exit, 0, result.errors)
    expect.matches(result.errors, "again in 1 s")
    expect.equal(on:value("select count(*) from opsh.batch"), 1)
  end)
end)
