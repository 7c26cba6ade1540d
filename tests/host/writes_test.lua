local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function as(database, user) return (database.conninfo:gsub("user=%S+", "user=" .. user)) end

local function script(fields, top) return test.write("sample.lua", sample.runbook(fields, top)) end

local function plan(fields, database, ...) return test.opsh({ script(fields), ... }, { db = database }) end

--- A plan that is refused before it writes, by the server's catalog.
local function refused(fields, database)
  local before = database:checksum()
  local result = plan(fields, database)
  expect.equal(result.exit, 5)
  expect.equal(database:checksum(), before)
  return result.errors
end

--- A script that is refused before anything connects.
local function misdeclared(fields, exit)
  local result = test.opsh({ script(fields) }, { environment = { PGHOST = "/nowhere" } })
  expect.equal(result.exit, exit or 1)
  return result.errors
end

local keyless = sample.items(5) .. "create table log (id bigint);"

describe("a plan", function()
  it("refuses a table without a key, with its reason, the step, the script and the remedy", function()
    local errors = refused({ writes = '{ "item", "log" }' }, test.database({ sql = keyless }))
    expect.contains(errors, "step work: the journal cannot tell the rows of public.log apart: it has no primary key")
    expect.contains(errors, "sample.lua")
    expect.contains(errors, "next: add a primary key (alter table public.log add primary key (...))")
    expect.contains(errors, "journal = false")
  end)

  it("refuses a view, with the kind refused.journal for programs", function()
    local database = test.database({ sql = sample.items(5) .. "create view seen as select * from item;" })
    local result = plan({ writes = '{ "seen" }' }, database, "--json")
    expect.equal(result.exit, 5)
    expect.equal(result.json().error.kind, "refused.journal")
    expect.contains(result.json().error.message, "step work: public.seen is a view")
  end)

  it("examines the tables as the login that writes, not as the one that plans", function()
    local database = test.database({
      sql = sample.items(5) .. [[
        drop role if exists planner; create role planner login; grant select on item to planner;
        drop role if exists worker; create role worker login; grant update on item to worker]],
    })
    local function with(connect, reader)
      test.write(
        "opsh.config.lua",
        ("return { targets = { here = { connect = %q, reader = %q } } }"):format(connect, reader)
      )
      return test.opsh({ script(), "--target=here" })
    end
    expect.equal(with(database.conninfo, as(database, "planner")).exit, 0)
    local result = with(as(database, "worker"), as(database, "planner"))
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "worker may not read all of public.item: id, part, amount, done")
    expect.contains(result.errors, "grant select (id, part, amount, done) on public.item to worker")
  end)

  it("takes a table whose policies apply only when it is declared with row_security", function()
    local database = test.database({
      sql = sample.items(5) .. [[drop role if exists ruled; create role ruled login;
        grant select, update on item to ruled; alter table item enable row level security;
        create policy odd on item using (id % 2 = 1)]],
    })
    local options = { db = as(database, "ruled") }
    local result = test.opsh({ script() }, options)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "the policies of public.item apply to ruled")
    expect.equal(test.opsh({ script({ writes = "{ item = { row_security = true } }" }) }, options).exit, 0)
  end)

  it("looks at the tables of a step with after when its turn comes", function()
    local second = sample.step({ name = '"second"', after = '"work"', writes = '{ "log" }' })
    local path = script(nil, { steps = "{ " .. sample.step() .. ", " .. second .. " }" })
    local database = test.database({ sql = keyless })
    expect.equal(test.opsh({ path }, { db = database }).exit, 0)
    local result = test.opsh({ path, "--apply" }, { db = database })
    expect.contains(result.errors, "step second: the journal cannot tell the rows of public.log apart")
    expect.equal(database:value("select count(*) from item where done"), 5)
  end)
end)

describe("journal = false", function()
  it("lets a step write a table without a key, and says so in the text and in JSON", function()
    local fields = { writes = '{ "log" }', journal = "false" }
    local database = test.database({ sql = keyless })
    local result = plan(fields, database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "step work\n  no journal: this step cannot be undone\n")
    expect.equal(plan(fields, database, "--json").json().steps[1].journaled, false)
  end)

  it("is not said of a step that has a journal", function()
    local database = test.database({ sql = sample.items(5) })
    expect.is_true(not plan(nil, database).output:find("no journal", 1, true))
    expect.equal(plan(nil, database, "--json").json().steps[1].journaled, true)
    expect.equal(plan({ journal = "true" }, database, "--json").json().steps[1].journaled, true)
  end)

  it("still refuses opsh's own tables and names that are not there", function()
    local database = test.database({ sql = sample.items(1) })
    expect.equal(plan(nil, database, "--apply").exit, 0)
    local errors = refused({ writes = '{ "opsh.batch" }', journal = "false" }, database)
    expect.contains(errors, "step work: writes names opsh.batch, a table of opsh's own ledger")
    local result = plan({ writes = '{ "itme" }', journal = "false" }, database)
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "step work: there is no table itme")
  end)

  it("is recorded with the tables of the step", function()
    local database = test.database({ sql = sample.items(2) .. "create table log (id bigint primary key);" })
    local steps = ("{ %s, %s }"):format(
      sample.step({ writes = '{ "item", log = { row_security = true } }' }),
      sample.step({ name = '"second"', journal = "false", plan = '"select id from log"' })
    )
    expect.equal(test.opsh({ script(nil, { steps = steps }), "--apply" }, { db = database }).exit, 0)
    expect.equal(
      database:query("select journaled, writes::text as writes from opsh.step order by number"),
      {
        {
          journaled = true,
          writes = '[{"name": "item", "row_security": false}, {"name": "log", "row_security": true}]',
        },
        { journaled = false, writes = '[{"name": "item", "row_security": false}]' },
      }
    )
  end)

  it("excludes what is said for the journal", function()
    local errors = misdeclared({ journal = "false", writes = "{ item = { row_security = true } }" })
    expect.contains(errors, "step 1 (work): journal = false, and writes.item says something for the journal")
  end)

  it("is a boolean", function()
    expect.contains(misdeclared({ journal = '"no"' }), "step 1 (work): journal must be true or false, not text")
  end)
end)

describe("writes", function()
  it("may name tables with a query or with options, after those of the list and in the order of their names", function()
    local database = test.database({
      sql = sample.items(5) .. [[create table line (id bigint primary key, item bigint references item);
        create table "Odd" (id bigint primary key)]],
    })
    local fields = {
      writes = [[{ "item", line = "select id from line where item = any(:keys)", ['"Odd"'] = {
        rows = "select o.id from \"Odd\" as o join :items as i on i.id = o.id",
      } }]],
    }
    expect.contains(plan(fields, database).output, 'will write item, "Odd", line\n')
    expect.equal(plan(fields, database, "--json").json().steps[1].writes, { "item", '"Odd"', "line" })
  end)

  it("with a query that cannot be parsed shows its line and its place", function()
    local errors = misdeclared({ writes = "{ item = [[\n  select id\n  from where\n]] }" })
    expect.contains(errors, "step 1 (work): writes.item: rows: ")
    expect.contains(errors, "from where")
    local source, line, number = sample.runbook({ writes = "{ item = [[\n  select id\n  from where\n]] }" }), 0, nil
    for text in source:gmatch("(.-)\n") do
      line = line + 1
      if text == "  from where" then number = line end
    end
    expect.contains(errors, "sample.lua:" .. number)
  end)

  it("with a query that would write is refused", function()
    local errors = misdeclared({ writes = '{ item = "delete from item returning id" }' }, 5)
    expect.contains(errors, "step 1 (work): writes.item: rows: DELETE writes")
  end)

  it("with an unknown option says what was meant", function()
    local errors = misdeclared({ writes = "{ item = { row_securty = true } }" })
    expect.contains(errors, "step 1 (work): writes.item has an unknown key row_securty")
    expect.contains(errors, "did you mean row_security?")
  end)

  it("with something else than names, queries and options is refused", function()
    expect.contains(misdeclared({ writes = "{ item = true }" }), "writes.item must be a query of keys, or a table")
    expect.contains(misdeclared({ writes = "{ 5 }" }), "writes must be a list of names")
    expect.contains(misdeclared({ writes = '{ "item", [7] = "log" }' }), "writes must be a list of names")
    expect.contains(misdeclared({ writes = "{}" }), "writes is empty")
    expect.contains(misdeclared({ writes = '{ "no name" }' }), "no name is not the name of a table")
  end)

  it("with a table twice is refused", function()
    expect.contains(misdeclared({ writes = '{ "item", "item" }' }), "writes names item twice")
    expect.contains(misdeclared({ writes = '{ "item", ITEM = "select 1 as id" }' }), "writes names item twice")
  end)
end)
