local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function as(database, user) return (database.conninfo:gsub("user=%S+", "user=" .. user)) end

local function configure(target)
  local fields = {}
  for name, value in pairs(target) do
    fields[#fields + 1] = ("%s = %q"):format(name, value)
  end
  test.write(
    "opsh.config.lua",
    ("return { targets = { staging = { %s } }, runbooks = { 'scripts', 'more' } }\n"):format(table.concat(fields, ", "))
  )
end

--- The command that an error says to go on with, run as a person would.
local function go_on(result) return test.shell('"$OPSH" ' .. result.errors:match("Go on with: opsh (.-)\n")) end

-- Item 5 fails until the constraint is dropped.
local blocked = sample.items(10) .. "alter table item add constraint blocked check (not (done and id = 5));"
local unblock = "alter table item drop constraint blocked"

local function stopped(database, arguments)
  local path = test.write("sample.lua", sample.runbook({ batch = "2" }))
  local result = test.opsh({ path, "--apply", unpack(arguments) })
  expect.equal(result.exit, 4)
  database:execute(unblock)
  return result
end

local function done(database) return database:value("select count(*) from item where done") end

describe("a login that is named like the schema opsh", function()
  local tables = [[
    create table version (id bigint primary key, done boolean not null default false);
    create table run (like version including all);
    create table step (like version including all);
    create table batch (like version including all);
    insert into version select i from generate_series(1, 6) as i;
    create function make_table() returns void language plpgsql as 'begin create table made (id bigint); end';]]

  local function apply(database, fields)
    fields.plan = "[[select id from version where not done]]"
    fields.writes = '{ "version", "run", "step", "batch" }'
    local runbook = sample.runbook(fields, { functions = '{ "public.make_table" }' })
    local result = test.opsh({ test.write("sample.lua", runbook), "--apply" }, { db = database })
    expect.equal(result.exit, 0)
    return result
  end

  it("works on its own tables version, run, step and batch, and keeps its ledger", function()
    local database = test.database({ sql = tables })
    expect.equal(database:value("select current_user::text as name"), "opsh")
    apply(database, {
      batch = "2",
      apply = [==[function(tx)
        for _, name in ipairs({ "run", "step", "batch" }) do
          tx:exec("insert into " .. name .. " (id) select i.id from :items as i")
        end
        tx:exec("update version set done = true from :items as i where version.id = i.id")
      end]==],
      verify = [[function(check)
        check:none("left", "select id from version where not done")
        check:count("steps", "select count(*) from step", 6)
      end]],
    })
    for _, name in ipairs({ "run", "step", "batch" }) do
      expect.equal(database:value(("select count(*) from public.%s"):format(name)), 6, name)
    end
    expect.equal(database:value("select count(*) from opsh.batch"), 3)
  end)

  it("makes no table in the schema opsh without saying so", function()
    local database = test.database({ sql = tables })
    apply(database, {
      journal = "false",
      apply = [[function(tx)
        tx:query("select make_table()")
        tx:exec("update version set done = true from :items as i where version.id = i.id")
      end]],
    })
    expect.equal(
      database:value(
        "select n.nspname::text from pg_class join pg_namespace as n on n.oid = relnamespace"
          .. " where relname = 'made'"
      ),
      "public"
    )
  end)

  it("has neither opsh nor pg_catalog in its search path, whatever the database sets", function()
    local database = test.database({ sql = tables .. "create schema opsh; drop schema opsh; create schema other;" })
    database:execute(
      ("alter database %s set search_path = pg_catalog, opsh, other, public"):format(
        database:value("select current_database()::text as name")
      )
    )
    local result = apply(database, {
      apply = [[function(tx)
        print("path", tx:value("select current_setting('search_path')"))
        tx:exec("update version set done = true from :items as i where version.id = i.id")
      end]],
    })
    expect.matches(result.errors, "path%s+other, public\n")
  end)
end)

describe("a reader without rights on the schema opsh", function()
  it("plans, applies, resumes and verifies", function()
    local database = test.database({
      sql = blocked .. "drop role if exists looker; create role looker login; grant select on item to looker;",
    })
    configure({ connect = database.conninfo, reader = as(database, "looker") })
    local path = test.write(
      "sample.lua",
      sample.runbook({
        batch = "2",
        verify = [[function(check, ctx)
          check:equal("by", ctx:value("select current_user::text"), "looker")
          check:none("left", "select id from item where not done")
        end]],
      })
    )
    expect.equal(test.opsh({ "--target=staging", path }).exit, 0)
    local result = test.opsh({ "--target=staging", path, "--apply" })
    expect.equal(result.exit, 4)
    database:execute(unblock)
    local resumed = go_on(result)
    expect.equal(resumed.exit, 0)
    expect.matches(resumed.output, "pass%s+left")
    expect.equal(done(database), 10)
    -- With the ledger there, a plan and an apply that finds nothing read the same.
    expect.equal(test.opsh({ "--target=staging", path }).exit, 0)
    expect.equal(test.opsh({ "--target=staging", path, "--apply" }).exit, 0)
  end)

  it("that is another database is refused with 5, and nothing is written", function()
    local database, other = test.database({ sql = sample.items(2) }), test.database({ sql = sample.items(2) })
    configure({ connect = database.conninfo, reader = other.conninfo })
    local result = test.opsh({ "--target=staging", test.write("sample.lua", sample.runbook()), "--apply" })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "let both lead to the same database")
    for _, one in ipairs({ database, other }) do
      expect.equal(done(one), 0)
      expect.equal(one:value("select to_regnamespace('opsh') is null as absent"), true)
    end
  end)
end)

describe("the command that goes on with a run", function()
  it("names the target of opsh.config.lua, and resumes", function()
    local database = test.database({ sql = blocked })
    configure({ connect = database.conninfo })
    local result = stopped(database, { "--target=staging" })
    expect.matches(result.errors, "Go on with: opsh resume %S+ %-%-target=staging\n")
    expect.equal(go_on(result).exit, 0)
    expect.equal(done(database), 10)
  end)

  it("names the connection string and the limits, and resumes", function()
    local database = test.database({ sql = blocked })
    local result = stopped(database, { "--db", database.conninfo, "--lock-timeout=7" })
    expect.contains(result.errors, "--lock-timeout=7")
    expect.equal(go_on(result).exit, 0)
    expect.equal(done(database), 10)
  end)

  it("is what show says too", function()
    local database = test.database({ sql = blocked })
    local result = stopped(database, { "--db", database.conninfo })
    local shown = test.opsh({ "show", result.errors:match("opsh resume (%S+)") }, { db = database })
    expect.equal(test.shell('"$OPSH" ' .. shown.output:match("Go on with: opsh (.-)\n")).exit, 0)
    expect.equal(done(database), 10)
  end)
end)

describe("a bare name", function()
  it("is a runbook of the folders in opsh.config.lua, from any folder below", function()
    local database = test.database({ sql = sample.items(2) })
    configure({ connect = database.conninfo })
    test.write("more/tidy.lua", sample.runbook())
    local below = test.folder() .. "/more"
    for _, folder in ipairs({ test.folder(), below }) do
      local result = test.opsh({ "--target=staging", "tidy", "--json" }, { directory = folder })
      expect.equal(result.json().steps[1].planned.items, 2)
    end
  end)

  it("that is in none of them is refused", function()
    configure({ connect = "" })
    local result = test.opsh({ "tidy" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "there is no command tidy")
  end)
end)

describe("--db", function()
  it("that is empty is refused, with how to use libpq's environment", function()
    local result = test.opsh({ "--db=", test.write("sample.lua", sample.runbook()) })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--db is empty")
    expect.contains(result.errors, "PGHOST")
  end)

  it("is refused by the commands that connect to no target", function()
    for command, words in pairs({ schema = {}, test = {}, sandbox = { "status" } }) do
      local result = test.opsh({ "--db=x", command, unpack(words) })
      expect.equal(result.exit, 2, command)
      expect.contains(result.errors, ("opsh %s takes no --db"):format(command))
    end
  end)
end)
