local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function configure(database, budgets)
  test.write(
    "opsh.config.lua",
    ("return { targets = { prod = { connect = %q, budgets = { %s } } } }\n"):format(database.conninfo, budgets)
  )
end

local function runbook(fields) return test.write("sample.lua", sample.runbook(fields)) end

local function apply(path, ...) return test.opsh({ "--target=prod", path, "--apply", ... }) end

local function done(database) return database:value("select count(*) from item where done") end

--- A step whose apply sends this statement.
local function sending(sql, fields)
  fields = fields or {}
  fields.apply = ("function(tx) tx:exec([==[%s]==]) end"):format(sql)
  return fields
end

--- An apply that a budget refuses: nothing of it is kept.
local function refuses(database, path, piece)
  local before = database:checksum()
  local result = apply(path)
  expect.equal(result.exit, 5)
  expect.contains(result.errors, piece)
  expect.equal(database:checksum(), before)
end

describe("max_rows", function()
  it("lets as many items be planned and no more", function()
    local database = test.database({ sql = sample.items(5) })
    configure(database, "max_rows = 4")
    refuses(database, runbook(), "5 items are planned, and the budget is 4 rows")
    expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
    configure(database, "max_rows = 5")
    expect.equal(apply(runbook()).exit, 0)
    expect.equal(done(database), 5)
  end)

  it("is said by the plan, which still shows what there is", function()
    local database = test.database({ sql = sample.items(5) })
    configure(database, "max_rows = 4")
    local result = test.opsh({ "--target=prod", runbook() })
    expect.equal(result.exit, 0)
    expect.contains(result.errors, "an apply would be refused")
  end)

  local log = "create table log (id bigint generated always as identity primary key, item bigint);"
  local trigger = [[
    create function note() returns trigger language plpgsql as
      'begin insert into log (item) values (new.id); return null; end';
    create trigger note after update on item for each row execute function note();]]
  local writes = { batch = "2", writes = '{ "item", "log" }' }

  it("counts rows that triggers change, stops before the batch that is too much, and holds over a resume", function()
    local database = test.database({ sql = sample.items(6) .. log .. trigger })
    configure(database, "max_rows = 9")
    local path = runbook(writes)
    local result = apply(path)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "12 rows, and the budget is 9 rows")
    expect.equal(done(database), 4)
    expect.equal(database:value("select count(*) from log"), 4)
    local run = result.errors:match("opsh resume (%S+)")
    expect.equal(test.opsh({ "resume", run, "--target=prod" }).exit, 4)
    expect.equal(done(database), 4)
    configure(database, "max_rows = 12")
    expect.equal(test.opsh({ "resume", run, "--target=prod" }).exit, 0)
    expect.equal(done(database), 6)
  end)

  it("counts what statements and COPY change in a step without a journal, also over a resume", function()
    local database = test.database({ sql = sample.items(6) .. log })
    configure(database, "max_rows = 9")
    local path = runbook({
      batch = "2",
      writes = '{ "item", "log" }',
      journal = "false",
      apply = [[function(tx, items)
        tx:exec("update item set done = true from :items as i where item.id = i.id")
        local rows = {}
        for at, item in ipairs(items) do rows[at] = { item = item.id } end
        tx:copy_in("log", { "item" }, rows)
      end]],
    })
    local result = apply(path)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "12 rows, and the budget is 9 rows")
    expect.equal(done(database), 4)
    local run = result.errors:match("opsh resume (%S+)")
    expect.equal(test.opsh({ "resume", run, "--target=prod" }).exit, 4)
    expect.equal(database:value("select count(*) from log"), 4)
  end)

  it("does not keep an undo from taking everything back", function()
    local database = test.database({ sql = sample.items(5) })
    configure(database, "max_rows = 5")
    local run = apply(runbook()).output:match("run%s+(%d+%-%d+%-%x+)")
    configure(database, "max_rows = 1, max_seconds = 0.001, tables = { \"other\" }")
    expect.equal(test.opsh({ "undo", run, "--target=prod", "--apply" }).exit, 0)
    expect.equal(done(database), 0)
  end)

  it("can be lowered on the command line, and is not raised there", function()
    local database = test.database({ sql = sample.items(5) })
    configure(database, "max_rows = 5")
    local path = runbook()
    expect.equal(apply(path, "--max-rows=6").exit, 2)
    expect.equal(apply(path, "--max-rows=-1").exit, 2)
    expect.equal(apply(path, "--max-rows=some").exit, 2)
    local result = apply(path, "--max-rows=4")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "the budget is 4 rows")
    expect.equal(done(database), 0)
    expect.equal(test.opsh({ path, "--apply", "--max-rows=4" }, { db = database }).exit, 5)
  end)

  it("that was lowered is in the command that goes on", function()
    local database = test.database({ sql = sample.items(4) .. log .. trigger })
    configure(database, "max_rows = 100")
    local result = apply(runbook(writes), "--max-rows=5")
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "--max-rows=5")
  end)
end)

describe("--batch", function()
  it("puts at most so many items into a batch, also of a runbook that wants more, and is in what goes on", function()
    local database = test.database({ sql = sample.items(5) })
    local path = test.write("sample.lua", sample.runbook({ batch = "4", apply = [[function(tx, items)
      if items[1].id == 5 then error("not this one") end
      tx:exec("update item set done = true from :items as i where item.id = i.id")
    end]] }))
    local result = test.opsh({ path, "--apply", "--batch=2" }, { db = database })
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "--batch=2")
    expect.equal(database:value("select string_agg(items::text, ' ' order by number) from opsh.batch"), "2 2")
    expect.equal(test.opsh({ path, "--apply", "--batch=0" }, { db = database }).exit, 2)
  end)
end)

describe("max_seconds", function()
  it("begins no batch after the time, and a resume has it again", function()
    local database = test.database({ sql = sample.items(20) })
    configure(database, "max_seconds = 0.8")
    local path = runbook({
      batch = "1",
      apply = [[function(tx)
        tx:exec("update item set done = true from :items as i where item.id = i.id")
        local ends = os.clock() + 0.2
        while os.clock() < ends do end
      end]],
    })
    local result = apply(path)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "the time of this run is used up")
    local first = done(database)
    expect.is_true(first >= 1 and first < 20, "batches of the first run: " .. first)
    expect.equal(test.opsh({ "resume", result.errors:match("opsh resume (%S+)"), "--target=prod" }).exit, 4)
    expect.is_true(done(database) > first, "the resume went on")
  end)
end)

describe("tables of a budget", function()
  it("refuse a step that declares another, at plan already", function()
    local database = test.database({ sql = sample.items(3) .. "create table other (id bigint primary key);" })
    configure(database, 'tables = { "other" }')
    local path = runbook()
    for _, arguments in ipairs({ { path }, { path, "--apply" } }) do
      local result = test.opsh({ "--target=prod", unpack(arguments) })
      expect.equal(result.exit, 5)
      expect.contains(result.errors, "step work writes item")
    end
    configure(database, 'tables = { "other", "public.item" }')
    expect.equal(apply(path).exit, 0)
  end)

  it("allow the partitions of a table that they name", function()
    local database = test.database({
      sql = [[
        create table item (id bigint primary key, done boolean not null default false) partition by range (id);
        create table low partition of item for values from (1) to (100);
        insert into item select i from generate_series(1, 3) as i;]],
    })
    configure(database, 'tables = { "item" }')
    local path = runbook({
      plan = '"select id from low where not done"',
      writes = '{ "low" }',
      apply = [[function(tx) tx:exec("update low set done = true from :items as i where low.id = i.id") end]],
    })
    expect.equal(apply(path).exit, 0)
    configure(database, 'tables = { item = { "id" } }')
    database:execute("update item set done = false")
    expect.equal(apply(path).exit, 5)
  end)
end)

describe("columns of a budget", function()
  local assigned = "update item set done = true, amount = 0 from :items as i where item.id = i.id"

  it("let a statement set these and no others", function()
    for _, journal in ipairs({ "true", "false" }) do
      local database = test.database({ sql = sample.items(3) })
      configure(database, 'tables = { item = { "done" } }')
      refuses(database, runbook(sending(assigned, { journal = journal })), "the statement sets amount")
      configure(database, 'tables = { item = { "done", "amount" } }')
      expect.equal(apply(runbook(sending(assigned, { journal = journal }))).exit, 0)
      expect.equal(done(database), 3)
    end
  end)

  it("let nothing be inserted, upserted, copied or deleted", function()
    local database = test.database({ sql = sample.items(3) })
    configure(database, 'tables = { item = { "id", "part", "amount", "done" } }')
    for _, sql in ipairs({
      "delete from item using :items as i where item.id = i.id",
      "insert into item (id, part) select i.id + 100, i.part from :items as i",
      "insert into item (id, part) select i.id, i.part from :items as i on conflict (id) do update set done = true",
    }) do
      refuses(database, runbook(sending(sql)), "adds or removes rows")
    end
    refuses(
      database,
      runbook({ apply = [[function(tx) tx:copy_in("item", { "id", "part" }, { { id = 100, part = "red" } }) end]] }),
      "adds or removes rows"
    )
  end)

  it("cannot be got round by catching the error", function()
    local database = test.database({ sql = sample.items(3) })
    configure(database, 'tables = { item = { "done" } }')
    local path = runbook({
      apply = ([[function(tx)
        pcall(function() tx:exec("%s") end)
        tx:exec("update item set done = true from :items as i where item.id = i.id")
      end]]):format(assigned),
    })
    expect.equal(apply(path).exit, 0)
    expect.equal(database:value("select count(*) from item where amount = 0"), 0)
  end)
end)

describe("opsh.config.lua", function()
  local function refused(fields, piece)
    test.write("opsh.config.lua", ("return { targets = { prod = { %s } } }\n"):format(fields))
    local result = test.opsh({ "--target=prod", runbook() })
    expect.equal(result.exit, 2, fields)
    expect.contains(result.errors, piece)
  end

  it("is refused where a budget is misspelt, with the word that was meant", function()
    refused("budgets = { max_row = 1 }", "did you mean max_rows?")
    refused("budget = {}", "did you mean budgets?")
    refused("protectd = true", "did you mean protected?")
  end)

  it("is refused where a value is none of its kind", function()
    refused("protected = 'yes'", "protected must be a boolean")
    refused("insecure = ''", "insecure must be a text that says why")
    refused("insecure = true", "insecure must be a text that says why")
    refused("role = 'none'", "role must be a name")
    refused("plan_max_age = '2 hours'", "plan_max_age must be a number with s, m, h, d or w")
    refused("budgets = 5", "budgets must be a table")
    refused("budgets = { max_rows = 1.5 }", "max_rows must be a whole number")
    refused("budgets = { max_rows = -1 }", "max_rows must be a whole number")
    refused("budgets = { max_seconds = 0 }", "max_seconds must be a number of seconds")
    local wrong = { "{}", "'item'", "{ 5 }", "{ item = {} }", "{ item = 'done' }", "{ ['a b c'] = { 'd' } }" }
    for _, tables in ipairs(wrong) do
      refused("budgets = { tables = " .. tables .. " }", "tables must be a list of tables")
    end
  end)

  it("is refused where a target's name could not be that of a file", function()
    test.write("opsh.config.lua", "return { targets = { ['../prod'] = {} } }\n")
    expect.equal(test.opsh({ "--target=../prod", runbook() }).exit, 2)
  end)
end)

describe("the tables of a budget", function()
  it("let a schema step pass that has nothing to do, and no other", function()
    local database = test.database({ sql = sample.items(3) })
    configure(database, 'tables = { "item" }')
    local path = test.write(
      "sample.lua",
      ([[
      local runbook, schema = require("opsh.runbook"), require("opsh.schema")
      return runbook { title = "t", steps = {
        schema.columns { table = "item", columns = { seen = "boolean" } }, %s } }
      ]]):format(sample.step({ after = '"columns of item"' }))
    )
    refuses(database, path, "columns of item is a schema step, and the budget")
    database:execute("alter table item add column seen boolean")
    expect.equal(apply(path).exit, 0)
    expect.equal(done(database), 3)
  end)
end)
