local test = require("opsh.test")
local documents = require("documents")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function opsh(fields, database, arguments, top)
  return test.opsh(
    { test.write("sample.lua", sample.runbook(fields, top)), unpack(arguments or {}) },
    { db = database }
  )
end

local function planned(fields, database, top) return opsh(fields, database, { "--json" }, top).json().steps[1] end

local function refused(fields, database, exit)
  local before = database:checksum()
  local result = opsh(fields, database)
  expect.equal(result.exit, exit or 1)
  expect.equal(database:checksum(), before)
  return result.errors
end

local function items(count) return test.database({ sql = sample.items(count or 5) }) end

describe("a plan", function()
  it("writes nothing, not even the schema opsh", function()
    local database = items(100)
    local before = database:checksum()
    local result = opsh(nil, database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "Nothing was written: no transaction id, ")
    expect.equal(database:checksum(), before)
    expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
  end)

  it("leaves nothing in the state directory but what plans keeps", function()
    opsh(nil, items(100))
    expect.equal(test.shell("find state -type f ! -path '*/plans/p-*/*'").output, "")
  end)

  it("says how to apply it, and those words work", function()
    local database = items()
    local result = opsh(nil, database)
    local words = result.output:match("To apply: opsh (.-)\n")
    expect.contains(words, "--apply")
    expect.equal(test.shell('"$OPSH" ' .. words).exit, 0)
    expect.equal(database:value("select count(*) from item where done"), 5)
  end)

  it("says that there is nothing to do", function()
    local result = opsh({ plan = '"select id from item where id < 0"' }, items())
    expect.equal(result.exit, 0)
    expect.contains(result.output, "nothing to do")
  end)

  it("says which foreign keys make a delete slow for want of an index, and what helps", function()
    local database = test.database({
      sql = sample.items(5) .. [[
        create table line as select i as id, null::bigint as item, 1 as part from generate_series(1, 2000) as i;
        alter table line add constraint line_of foreign key (item) references item;
        create table few (item bigint references item);
        analyze;]],
    })
    local delete = {
      apply = [[function(tx) return { gone = tx:exec("delete from item where id = any(:keys)") } end]],
    }
    local function told(fields)
      local document = opsh(fields, database, { "--json" }).json()
      documents.fit(document, "run")
      local list = document.unindexed
      return list[1] and list[1].index_ddl, #list
    end
    expect.contains(
      opsh(delete, database).output,
      "no index serves the foreign key line_of: each row deleted from item makes the server read all of line\n"
        .. "  create index concurrently on line (item)\n"
    )
    local list = { told(delete) }
    expect.equal(list, { "create index concurrently on line (item)", 1 })
    -- What never says "delete" deletes nothing.
    expect.equal({ told(nil) }, { nil, 0 })
    -- An index that begins with another column does not serve it; one of the rows that refer does.
    database:execute("create index on line (part, item); create index on line using brin (item)")
    expect.equal({ told(delete) }, list)
    database:execute("create index on line (item, part) where item is not null")
    expect.equal({ told(delete) }, { nil, 0 })
  end)

  it("shows the missing table with a caret, the line of the script and what to check", function()
    local errors = refused({ plan = "[[\n      select id\n      from itme]]" }, items())
    expect.contains(errors, "from itme")
    expect.contains(errors, "^")
    expect.matches(errors, "sample.lua:%d+")
    expect.contains(errors, "SQLSTATE 42P01")
    expect.contains(errors, "next: ")
  end)

  it("puts the error on the very line of the script", function()
    local source = sample.runbook({ plan = "[[\n      select id,\n             prt\n      from item]]" })
    local line, number = 0, nil
    for text in source:gmatch("(.-)\n") do
      line = line + 1
      if text:find("prt", 1, true) then number = line end
    end
    local result = test.opsh({ test.write("sample.lua", source) }, { db = items() })
    expect.contains(result.errors, "sample.lua:" .. number)
    expect.contains(result.errors, "SQLSTATE 42703")
  end)

  it(
    "names a table in writes that does not exist",
    function() expect.contains(refused({ writes = '{ "itme" }' }, items()), "there is no table itme") end
  )

  it("refuses a key that is not a column of the plan", function()
    local errors = refused({ key = '"idd"' }, items())
    expect.contains(errors, "idd")
    expect.contains(errors, "its columns are id, part, amount")
  end)

  it(
    "refuses a key with duplicates and shows one",
    function() expect.contains(refused({ plan = '"select 7 as id from item"' }, items()), "7") end
  )

  it(
    "refuses a key with a NULL",
    function() expect.contains(refused({ plan = '"select nullif(id, 3) as id from item"' }, items()), "id") end
  )

  it(
    "refuses a composite key with duplicates",
    function()
      expect.contains(refused({ plan = '"select 1 as id, part from item"', key = '{ "id", "part" }' }, items(9)), "1")
    end
  )

  it(
    "refuses two columns of one name",
    function() expect.contains(refused({ plan = '"select id, id from item"' }, items()), "id") end
  )

  it("cannot write through a function that it calls", function()
    local database = test.database({
      sql = sample.items(3) .. [[
      create function wipe() returns bigint language sql as 'delete from item returning id';
      create sequence ticket;]],
    })
    local errors = refused({ plan = '"select wipe() as id"' }, database, 5)
    expect.contains(errors, "function public.wipe is not known to only read")
  end)

  it("cannot take a number from a sequence", function()
    local database = test.database({ sql = sample.items(3) .. "create sequence ticket;" })
    local errors = refused({ plan = [["select nextval('ticket') as id from item"]] }, database, 5)
    expect.contains(errors, "take numbers from a sequence in apply")
  end)

  it("cannot turn itself writable from inside a function", function()
    local database = test.database({
      sql = sample.items(3) .. [[
      create function sneak() returns bigint language plpgsql as $$
      begin
        perform set_config('transaction_read_only', null, false);
        delete from item;
        return 1;
      end $$;]],
    })
    local before = database:checksum()
    opsh({ plan = '"select sneak() as id"' }, database)
    expect.equal(database:checksum(), before)
  end)

  it(
    "refuses a statement that a function of the plan makes",
    function()
      expect.contains(
        refused({ plan = 'function() return "delete from item returning id" end' }, items(), 5),
        "DELETE writes"
      )
    end
  )

  it(
    "refuses what a function of the plan returns when it is no SQL",
    function()
      expect.contains(
        refused({ plan = "function() return 5 end" }, items()),
        "plan returned number where SQL is expected"
      )
    end
  )

  it("takes SQL and values from a function", function()
    local step = planned(
      { plan = 'function(ctx) return "select id from item where id > :floor", { floor = ctx:value("select 2") } end' },
      items()
    )
    expect.equal(step.planned.items, 3)
  end)

  it("names a value that is missing, with the one that was meant", function()
    local errors =
      refused({ plan = 'function() return "select id from item where id > :flor", { floor = 1 } end' }, items())
    expect.contains(errors, "there is no value for :flor")
    expect.contains(errors, "did you mean :floor?")
  end)

  it("is made of all steps in one snapshot", function()
    local second = sample.step({ name = '"second"', plan = '"select id from item where pg_sleep(0) is not null"' })
    local steps = "{ " .. sample.step() .. ", " .. second .. " }"
    local document = opsh(nil, items(), { "--json" }, { steps = steps }).json()
    expect.equal(document.steps[2].planned.items, document.steps[1].planned.items)
  end)
end)

describe("what a plan counts", function()
  it("is labelled by a column, and the labels in skip are not worked on", function()
    local step = planned({ classify = '"part"', skip = '{ "red" }' }, items(9))
    expect.equal({ step.planned.seen, step.planned.items, step.planned.skipped }, { 9, 6, 3 })
    expect.equal(step.planned.labels.green, 3)
  end)

  it("is labelled by a function, which may add columns", function()
    local step = planned({
      classify = [[function(row, ctx)
      return row.id > 2 and "late" or "early", { double = row.id * 2, note = row.part }
    end]],
    }, items(5))
    expect.equal(step.planned.labels.late, 3)
    expect.equal(step.sample[2].double, "4")
    expect.equal(step.sample[2].label, "early")
  end)

  it("calls classify in key order", function()
    local step = planned({
      plan = '"select id from item order by id desc"',
      classify = [[(function()
      local last = 0
      return function(row) local late = row.id > last last = row.id return late and "in order" or "out of order" end
    end)()]],
    }, items(50))
    expect.equal(step.planned.labels["in order"], 50)
  end)

  it(
    "refuses a label that is no text",
    function()
      expect.contains(refused({ classify = "function() return 5 end" }, items()), "classify returned a number as label")
    end
  )

  it("refuses a column that the first row did not have", function()
    local errors = refused({ classify = 'function(row) return "a", row.id == 2 and { extra = 1 } or {} end' }, items())
    expect.contains(errors, "classify adds the column extra")
  end)

  it("is added up exactly", function()
    local database = test.database({
      sql = sample.items(0) .. [[
      insert into item (id, part, amount)
      values (1, 'a', 0.1), (2, 'a', 0.2), (3, 'a', 12345678901234567890.0000000001);]],
    })
    local step = planned({ totals = '{ "amount" }' }, database)
    expect.equal(tostring(step.planned.totals.amount), "12345678901234567890.3000000001")
  end)

  it("is added up exactly where a double would round, also over batches and in the ledger", function()
    local database = test.database({
      sql = sample.items(0) .. [[
      insert into item (id, part, amount) values (1, 'a', 9007199254740991.4), (2, 'a', 0.1), (3, 'a', 0.1);]],
    })
    local step = opsh({ totals = '{ "amount" }', batch = "1" }, database, { "--apply", "--json" }).json().steps[1]
    expect.equal(tostring(step.planned.totals.amount), "9007199254740991.6")
    expect.equal(tostring(step.done.totals.amount), "9007199254740991.6")
    expect.equal(database:value("select planned -> 'totals' ->> 'amount' from opsh.step"), "9007199254740991.6")
  end)

  it("shows a total that no double counts, NaN and the infinities", function()
    local fields = {
      plan = [["select id, 1e20::float8 as big, 'NaN'::numeric as none, '-Infinity'::float8 as endless from item"]],
      totals = '{ "big", "none", "endless" }',
    }
    local result = opsh(fields, items(5))
    expect.equal(result.exit, 0)
    expect.contains(result.output, "500000000000000000000")
    expect.contains(result.output, "NaN")
    expect.contains(result.output, "-Infinity")
    expect.equal(tostring(planned(fields, items(5)).planned.totals.endless), "-Infinity")
  end)

  it("refuses a column of classify that the plan has, or that has no name", function()
    for _, column in ipairs({ "part", "label" }) do
      local classify = 'function() return "a", { ' .. column .. " = 1 } end"
      expect.contains(refused({ classify = classify }, items()), "adds the column " .. column, column)
    end
    for _, added in ipairs({ "5", "{ 1 }", "{ a = 1, [2] = 1 }" }) do
      local errors = refused({ classify = 'function() return "a", ' .. added .. " end" }, items())
      expect.contains(errors, "what classify adds must be a table of values by name", added)
    end
  end)

  it("refuses a tally by a column named count, which is the figure's own name", function()
    local fields = { plan = '"select id, part as count from item"', tally = '"count"' }
    expect.contains(refused(fields, items()), "the tally's column count")
  end)

  it("is grouped by two columns", function()
    local step =
      planned({ plan = '"select id, part, id % 2 as half from item"', tally = '{ "part", "half" }' }, items(6))
    expect.equal(#step.tally, 6)
    local first = step.tally[1]
    expect.equal(first.count, 1)
    expect.is_true(first.part and first.half)
  end)

  it("has the names that summary gives it", function()
    local step = planned({
      summary = [[function(planned, ctx)
          return { to_do = planned.items, all = ctx:value("select count(*) from item") }
        end]],
    }, items(4))
    expect.equal(step.summary, { to_do = 4, all = 4 })
  end)

  it("refuses a figure of summary that is none, and shows one that is infinite", function()
    for _, figure in ipairs({ '[1] = "a"', "a = {}", "a = print" }) do
      local errors = refused({ summary = "function() return { " .. figure .. " } end" }, items())
      expect.contains(errors, "summary may return numbers, texts and booleans by name", figure)
    end
    expect.equal(planned({ summary = "function() return { a = 1 / 0 } end" }, items()).summary, { a = "inf" })
  end)

  it("says all items where it shows them all, and one of one", function()
    expect.contains(opsh(nil, items(1)).output, "\n  1 item\n")
    expect.contains(opsh(nil, items(5)).output, "\n  5 items\n")
    expect.contains(opsh(nil, items(6)).output, "\n  the first 5 of 6 items\n")
  end)

  it("is shown with as many items as --sample says", function()
    local database = items(10)
    local path = test.write("sample.lua", sample.runbook())
    expect.equal(#test.opsh({ path, "--json", "--sample=3" }, { db = database }).json().steps[1].sample, 3)
    expect.equal(#test.opsh({ path, "--json", "--sample=0" }, { db = database }).json().steps[1].sample, 0)
    expect.equal(test.opsh({ path, "--sample=x" }, { db = database }).exit, 2)
  end)

  it("has its sample in key order", function()
    local step = planned({ plan = '"select id from item order by id desc"' }, items(10))
    expect.equal(step.sample[1].id, "1")
  end)
end)

describe("a row", function()
  it("refuses a column that the query does not have", function()
    local errors = refused({ classify = "function(row) return row.prt end" }, items())
    expect.contains(errors, "the row has no column prt")
    expect.contains(errors, "did you mean part?")
  end)
end)
