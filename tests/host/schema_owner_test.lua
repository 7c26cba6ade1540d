local test = require("opsh.test")
local breaking = require("breaking")

local describe, it, expect = test.describe, test.it, test.expect

local setup = [[
  create table scenarios (id bigint primary key, source bigint);
  create view seen as select id from scenarios;
  drop role if exists applier; create role applier login;
  drop role if exists owning; create role owning;
  grant create on schema public to owning;
  grant execute on function pg_control_system() to applier;
]]

local function as(database, role) return (database.conninfo:gsub("user=%S+", "user=" .. role)) end

--- Plans these steps: applied by a login that owns nothing, planned by one that owns all.
local function plan(database, steps, environment)
  test.write(
    "opsh.config.lua",
    ("return { targets = { here = { connect = %q, reader = %q } } }"):format(as(database, "applier"), database.conninfo)
  )
  local source = [[
    local runbook, schema = require("opsh.runbook"), require("opsh.schema")
    return runbook { title = "sample", params = { more = { type = "boolean", default = true } }, steps = { %s } }]]
  local path = test.write("sample.lua", source:format(steps))
  return test.opsh({ path, "--target=here" }, { environment = environment })
end

local column = 'schema.columns { table = "scenarios", columns = { prompt = "text" }, when = "more" }'

describe("a schema step", function()
  it("is refused at the plan to a login that does not own what it changes, whoever plans", function()
    local database = test.database({ sql = setup })
    for steps, found in pairs({
      [column] = "public.scenarios belongs to opsh, and applier may not change or replace it",
      ['schema.views { views = { { view = "seen", query = "select 1::bigint as id" } } }'] = "public.seen belongs to",
      ['schema.append_only { table = "scenarios" }'] = "public.scenarios belongs to",
    }) do
      local result = plan(database, steps)
      expect.equal({ result.exit, steps }, { 5, steps })
      expect.contains(result.errors, found)
    end
    expect.contains(plan(database, column).errors, "leave out what --more brings in")
  end)

  it("would be let through if the login that plans were asked", function()
    local environment =
      breaking.environment({ { "lua/runbook/planning.lua", "if job.target.reader then jobs", "if false then jobs" } })
    expect.equal(plan(test.database({ sql = setup }), column, environment).exit, 0)
  end)

  it("is not refused to a member of the owning role, nor when there is nothing to do", function()
    local database = test.database({ sql = setup .. "alter table scenarios owner to owning;" })
    database:execute("grant owning to applier")
    expect.equal(plan(database, column).exit, 0)
    database:execute("revoke owning from applier; alter table scenarios add column prompt text")
    expect.equal(plan(database, column).exit, 0)
  end)

  it("says of its own which tables and views it changes", function()
    local query = [["select 'seen' as view, 'drop view seen' as ddl"]]
    local step = '{ name = "drop", schema = true, owns = { "seen" }, key = "view", plan = ' .. query .. " }"
    local database = test.database({ sql = setup })
    expect.contains(plan(database, step).errors, "step drop: public.seen belongs to opsh")
    local rows = [[{ name = "rows", owns = { "seen" }, key = "id", plan = "select 1 as id", writes = { "scenarios" },
      apply = function() end }]]
    expect.contains(plan(database, rows).errors, "owns is for schema steps")
  end)
end)
