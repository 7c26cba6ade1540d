local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

--- opsh.config.lua with these targets: Lua source of their fields by name.
local function configure(targets)
  local lines = {}
  for name, fields in pairs(targets) do
    lines[#lines + 1] = ("    [%q] = { %s },"):format(name, fields)
  end
  test.write("opsh.config.lua", "return {\n  targets = {\n" .. table.concat(lines, "\n") .. "\n  },\n}\n")
end

local function connect(database) return ("connect = %q"):format(database.conninfo) end

local function protected(database) configure({ prod = connect(database) .. ", protected = true" }) end

local function runbook(fields) return test.write("sample.lua", sample.runbook(fields)) end

--- The runbook on the target prod.
local function on_prod(path, ...) return test.opsh({ "--target=prod", path, ... }) end

local function plan_and_apply(path, ...)
  expect.equal(on_prod(path).exit, 0)
  return on_prod(path, "--apply", ...)
end

local function done(database) return database:value("select count(*) from item where done") end

--- What the audit log of the only run says of its target.
local function recorded_target() return test.shell("cat .opsh/runs/*/audit.jsonl").output end

describe("a protected target", function()
  it("is planned like any other", function()
    local database = test.database({ sql = sample.items(3) })
    protected(database)
    expect.equal(on_prod(runbook()).exit, 0)
  end)

  it("is not written to without a terminal or the database's name, and exits 5", function()
    local database = test.database({ sql = sample.items(3) })
    protected(database)
    local result = plan_and_apply(runbook())
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "--confirm DATABASE")
    expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
  end)

  it("is not written to with another name", function()
    local database = test.database({ sql = sample.items(3) })
    protected(database)
    local result = plan_and_apply(runbook(), "--confirm=prod")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, 'confirmed was "prod"')
    expect.equal(done(database), 0)
  end)

  it("is written to with the database's name, which the audit log keeps", function()
    local database = test.database({ sql = sample.items(3) })
    protected(database)
    local result = plan_and_apply(runbook(), "--confirm=" .. database.name)
    expect.equal(result.exit, 0)
    expect.equal(done(database), 3)
    expect.contains(recorded_target(), '"confirmed":{')
    expect.contains(recorded_target(), '"how":"--confirm"')
    expect.contains(recorded_target(), '"protected":true')
  end)

  it("is not even simulated on without the name", function()
    local database = test.database({ sql = sample.items(3) })
    protected(database)
    local path = runbook()
    expect.equal(on_prod(path, "--simulate").exit, 5)
    expect.equal(on_prod(path, "--simulate", "--confirm=" .. database.name).exit, 0)
    expect.equal(done(database), 0)
  end)

  it("wants the name to undo, to resume and to prune", function()
    local database = test.database({
      sql = sample.items(4) .. "alter table item add constraint blocked check (not (done and id = 3));",
    })
    protected(database)
    local confirm = "--confirm=" .. database.name
    local stopped = plan_and_apply(runbook({ batch = "1" }), confirm)
    expect.equal(stopped.exit, 4)
    local run = stopped.errors:match("opsh resume (%S+)")
    database:execute("alter table item drop constraint blocked")
    expect.equal(test.opsh({ "resume", run, "--target=prod" }).exit, 5)
    expect.equal(done(database), 2)
    expect.equal(test.opsh({ "resume", run, "--target=prod", confirm }).exit, 0)
    expect.equal(done(database), 4)
    expect.equal(test.opsh({ "undo", run, "--target=prod" }).exit, 0)
    expect.equal(test.opsh({ "undo", run, "--target=prod", "--apply" }).exit, 5)
    expect.equal(done(database), 4)
    expect.equal(test.opsh({ "undo", run, "--target=prod", "--apply", confirm }).exit, 0)
    expect.equal(done(database), 0)
    database:execute("update opsh.run set finished_at = finished_at - interval '1 day'")
    local prune = { "runs", "prune", "--older-than=1h", "--target=prod", "--apply" }
    expect.equal(test.opsh(prune).exit, 5)
    prune[#prune + 1] = confirm
    expect.equal(test.opsh(prune).exit, 0)
  end)
end)

describe("a target without protection", function()
  it("is written to without a name", function()
    local database = test.database({ sql = sample.items(3) })
    configure({ prod = connect(database) })
    expect.equal(plan_and_apply(runbook()).exit, 0)
    expect.equal(done(database), 3)
  end)

  it("is not written to with the name of another database", function()
    local database = test.database({ sql = sample.items(3) })
    configure({ prod = connect(database) })
    expect.equal(plan_and_apply(runbook(), "--confirm=shop").exit, 5)
    expect.equal(done(database), 0)
  end)
end)

describe("the database of a protected target", function()
  it("is protected when --db leads to it, once the target was reached", function()
    local database = test.database({ sql = sample.items(3) })
    protected(database)
    local path = runbook()
    expect.equal(on_prod(path).exit, 0)
    local result = test.opsh({ path, "--apply" }, { db = database })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "that of target prod")
    expect.equal(done(database), 0)
    -- The name of the target alone is what makes the difference.
    configure({ prod = connect(database) })
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 0)
    expect.equal(done(database), 3)
  end)

  it("is protected under another name of the configuration, unless that says otherwise", function()
    local database = test.database({ sql = sample.items(3) })
    local path, prod = runbook(), connect(database) .. ", protected = true"
    configure({ prod = prod, other = connect(database) })
    expect.equal(on_prod(path).exit, 0)
    expect.equal(test.opsh({ "--target=other", path, "--apply" }).exit, 5)
    configure({ prod = prod, other = connect(database) .. ", protected = false" })
    expect.equal(test.opsh({ "--target=other", path, "--apply" }).exit, 0)
  end)

  it("keeps its budgets when --db leads to it", function()
    local database = test.database({ sql = sample.items(3) })
    configure({ prod = connect(database) .. ", protected = true, budgets = { max_rows = 2 }" })
    local path = runbook()
    expect.equal(on_prod(path).exit, 0)
    local result = test.opsh({ path, "--apply", "--confirm=" .. database.name }, { db = database })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "the budget is 2 rows")
  end)
end)

describe("a target that leads to another database than before", function()
  it("is refused when it is protected, with the file to remove", function()
    local database, other = test.database({ sql = sample.items(3) }), test.database({ sql = sample.items(3) })
    local path = runbook()
    protected(database)
    expect.equal(on_prod(path).exit, 0)
    protected(other)
    local result = on_prod(path)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, other.name)
    test.shell(("rm '%s'"):format(result.errors:match("remove (%S+),")))
    expect.equal(on_prod(path).exit, 0)
  end)

  it("is said when it is not", function()
    local database, other = test.database({ sql = sample.items(3) }), test.database({ sql = sample.items(3) })
    local path = runbook()
    configure({ prod = connect(database) })
    expect.equal(on_prod(path).exit, 0)
    configure({ prod = connect(other) })
    local result = on_prod(path)
    expect.equal(result.exit, 0)
    expect.contains(result.errors, "leads to database " .. other.name)
    expect.lacks(on_prod(path).errors, "leads to")
  end)

  it("is the same when the database was replaced by one of its name", function()
    local database = test.database({ sql = sample.items(3) })
    local path = runbook()
    protected(database)
    expect.equal(on_prod(path).exit, 0)
    local elsewhere = database.conninfo:gsub("dbname=%S+", "dbname=postgres")
    test.shell(
      ('psql -X "%s" -c "alter database %s rename to former" -c "create database %s template former"'):format(
        elsewhere,
        database.name,
        database.name
      )
    )
    expect.is_true(done(database) == 0, "the copy is there")
    expect.equal(on_prod(path).exit, 0)
  end)
end)

describe("the role of a target", function()
  it("is who plans and applies", function()
    local database = test.database({
      sql = sample.items(2)
        .. "drop role if exists app_owner; create role app_owner nologin superuser;"
        .. "alter table item owner to app_owner;",
    })
    configure({ prod = connect(database) .. ', role = "app_owner"' })
    local path = runbook({
      verify = [[function(check, ctx) check:equal("by", ctx:value("select current_user::text"), "app_owner") end]],
    })
    expect.equal(on_prod(path, "--json").json().target.user, "app_owner")
    expect.equal(on_prod(path, "--apply").exit, 0)
    database:execute("reassign owned by app_owner to opsh; drop role app_owner")
  end)

  it("that does not exist is named, and exits 3", function()
    local database = test.database({ sql = sample.items(2) })
    configure({ prod = connect(database) .. ', role = "app_onwer"' })
    local result = on_prod(runbook())
    expect.equal(result.exit, 3)
    expect.contains(result.errors, "app_onwer")
  end)
end)

describe("a connection over a network", function()
  it("below verify-full is refused with 5, and with a reason is tried", function()
    for arguments, kind in pairs({ [""] = "refused.insecure", ["--insecure=tunnel"] = "connect" }) do
      local list = { runbook(), "--json" }
      if arguments ~= "" then list[3] = arguments end
      local result = test.opsh(list, { db = "host=0.0.0.0 port=1 dbname=shop user=anna" })
      expect.contains(result.json().error.kind, kind)
      expect.equal(result.exit, arguments == "" and 5 or 3)
    end
    configure({ prod = 'connect = "host=0.0.0.0 port=1", insecure = "behind the tunnel"' })
    expect.equal(on_prod(runbook()).exit, 3)
    expect.equal(on_prod(runbook(), "--insecure=x").exit, 2)
  end)
end)

describe("opsh doctor", function()
  it("tells which targets are protected, the role that a login takes, and what is insecure", function()
    local database = test.database({ sql = "drop role if exists plain_owner; create role plain_owner nologin;" })
    configure({
      prod = connect(database) .. ', protected = true, role = "plain_owner", insecure = "behind the tunnel"',
    })
    local found = test.opsh({ "doctor", "--target=prod" }).output
    for _, piece in ipairs({ "prod (protected)", "plain_owner, taken by the login opsh", "behind the tunnel" }) do
      expect.contains(found, piece)
    end
    database:execute("drop role plain_owner")
  end)

  it("finds a session whose triggers are off to be a problem", function()
    local database = test.database({ sql = "drop role if exists odd; create role odd superuser login;" })
    database:execute("alter role odd set session_replication_role = replica")
    configure({ prod = connect({ conninfo = database.conninfo:gsub("user=%S+", "user=odd") }) })
    local result = test.opsh({ "doctor", "--target=prod", "--quiet" })
    expect.equal(result.exit, 6)
    expect.contains(result.output, "opsh refuses to apply")
    database:execute("drop role odd")
  end)
end)

describe("sessions", function()
  it("are named after the rung and the run in pg_stat_activity", function()
    local database = test.database({ sql = sample.items(2) })
    local result = test.opsh({
      runbook({
        apply = [[function(tx)
          print(tx:value([=[
            select string_agg(application_name, ' and ') from pg_stat_activity where datname = current_database()]=]))
          tx:exec("update item set done = true from :items as i where item.id = i.id")
        end]],
      }),
      "--apply",
    }, { db = database })
    local run = result.output:match("run%s+(%d+%-%d+%-%x+)")
    expect.contains(result.errors, "opsh apply " .. run)
  end)
end)
