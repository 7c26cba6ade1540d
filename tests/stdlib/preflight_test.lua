local json = require("opsh.json")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local head = [[
local preflight = require("opsh.preflight")
return require("opsh.runbook") {
  title = "t",
  preconditions = function(check, ctx)
    %s
  end,
  steps = { { name = "s", plan = "select id from item", key = "id", writes = { "item" },
    apply = function(tx) tx:exec("update item set done = true from :items i where item.id = i.id") end } },
}
]]

local tables = "create table item (id bigint primary key, done boolean, label varchar(20)); insert into item values (1)"

--- The preconditions of a plan, by name: outcome and message.
local function preconditions(body, options)
  options = options or {}
  local database = options.database or test.database({ sql = tables })
  local script = test.write("x.lua", head:format(body))
  local ran = test.opsh({ script, "--json", unpack(options.args or {}) }, {
    db = database,
    environment = options.environment,
  })
  local found = {}
  for at, result in ipairs(ran.json().preconditions or {}) do
    found[at] = { result.outcome, result.name, result.message ~= json.null and result.message or nil }
  end
  return found, ran
end

describe("preflight", function()
  it("knows whether the server is new enough, and not too new", function()
    local found = preconditions('preflight.server_version(check, ctx, { at_least = "13.2", below = 90 })')
    expect.equal({ found[1][1], found[1][2] }, { "pass", "the server is PostgreSQL 13.2 or later" })
    expect.equal({ found[2][1], found[2][2] }, { "pass", "the server is older than PostgreSQL 90" })
    expect.matches(found[1][3], "^it is %d+%.%d+$")
    expect.equal(preconditions("preflight.server_version(check, ctx, { at_least = 90 })")[1][1], "fail")
    expect.equal(preconditions('preflight.server_version(check, ctx, { below = "9.6" })')[1][1], "fail")
  end)

  it("says which variable of the environment is missing, and shows none", function()
    local found, ran = preconditions('preflight.environment(check, { "HOOK_TOKEN", "NOT_THERE" })', {
      environment = { HOOK_TOKEN = "s3cret-token" },
    })
    expect.equal(found, {
      { "pass", "the environment has HOOK_TOKEN", "***, 12 characters" },
      { "fail", "the environment has NOT_THERE", "set NOT_THERE for opsh's process before the apply" },
    })
    expect.lacks(ran.output .. ran.errors, "s3cret-token")
  end)

  it("compares free space, here and at the server", function()
    local found = preconditions('preflight.free_space(check, ctx, { here = "1 kB", server = "1 kB" })')
    expect.equal({ found[1][1], found[1][2] }, { "pass", "1.0 kB are free here" })
    expect.equal({ found[2][1], found[2][2] }, { "pass", "1.0 kB are free where the server keeps its data" })
    expect.lacks(found[2][3], "not known")
    expect.equal(preconditions('preflight.free_space(check, ctx, { here = "9000 TiB" })')[1][1], "fail")
    expect.equal(preconditions('preflight.free_space(check, ctx, { server = "9000 TiB" })')[1][1], "fail")
    local on = test.database({ sql = tables .. "; create role clerk login; grant select on item to clerk" })
    on.conninfo = on.conninfo:gsub("user=%S+", "user=clerk")
    local asked = preconditions('preflight.free_space(check, ctx, { server = "1 kB" })', { database = on })
    expect.equal(asked[1][1], "pass")
    expect.contains(asked[1][3], "not known: its folder cannot be asked")
    local _, ran = preconditions('preflight.free_space(check, ctx, { here = "lots" })')
    expect.contains(ran.output, "no amount of space")
  end)

  it("compares the migration that the database is at", function()
    local database = test.database({ sql = tables .. "; create table alembic_version as select 'ab12' as version_num" })
    local function at(version)
      local wanted = ('{ query = "select version_num from alembic_version", is = %q }'):format(version)
      return preconditions(("preflight.migration(check, ctx, %s)"):format(wanted), { database = database })[1][1]
    end
    expect.equal(at("ab12"), "pass")
    expect.equal(at("cd34"), "fail")
  end)

  it("compares tables, columns and types, and names what is wrong", function()
    expect.equal(
      preconditions([[preflight.schema(check, ctx, {
        item = { id = "bigint", label = "character varying(20)", done = "integer", gone = "text" },
        ["public.item"] = { "id", "label" }, nothing = true })]]),
      {
        { "fail", "table item is as expected", "done is boolean, not integer; gone is missing" },
        { "fail", "table nothing is as expected", "there is no such table" },
        { "pass", "table public.item is as expected" },
      }
    )
  end)

  it("finds a transaction that has been open for long", function()
    local database = test.database({ sql = tables })
    local body = 'preflight.no_long_transactions(check, ctx, { older_than = "1 second" })'
    expect.equal(preconditions(body, { database = database })[1][1], "pass")
    local open = test.shell(([[
      (echo "begin; select 1;"; sleep 20) | psql -qAt "%s" >/dev/null 2>&1 &
      sleep 1.5; "$OPSH" x.lua --json --db "%s"; kill %%1]]):format(database.conninfo, database.conninfo))
    local result = open.json().preconditions[1]
    expect.equal(result.outcome, "fail")
    expect.equal(#result.rows, 1)
  end)

  it("does not say that there is no old transaction when its login sees none", function()
    local database = test.database({ sql = tables })
    local role = database.name .. "_watcher"
    database:execute(("create role %s login; grant select on item to %s"):format(role, role))
    local weak = { conninfo = database.conninfo .. " user=" .. role }
    local body = 'preflight.no_long_transactions(check, ctx, { older_than = "1 h"%s })'
    local found = preconditions(body:format(""), { database = weak })[1]
    expect.equal(found[1], "fail")
    expect.contains(found[3], "grant it pg_read_all_stats")
    expect.equal(preconditions(body:format(', unseen = "skip"'), { database = weak })[1][1], "skip")
  end)

  it("counts replicas that follow", function()
    local found = preconditions('preflight.replicas(check, ctx, { at_least = 1, behind = "64 MB" })')
    expect.equal({ found[1][1], found[1][3] }, { "fail", "connected: 0" })
    expect.equal(found[2][1], "pass")
  end)

  it("knows whether now is in the window, also over midnight", function()
    local database = test.database({ sql = tables })
    local now = database:query("select extract(hour from now() at time zone 'UTC')::int as hour, "
      .. "lower(to_char(now() at time zone 'UTC', 'dy')) as today, "
      .. "lower(to_char(now() at time zone 'UTC' - interval '1 day', 'dy')) as yesterday")[1]
    local function within(from, to, day)
      local days = day and (", days = { %q }"):format(day) or ""
      return preconditions(
        ('preflight.window(check, ctx, { from = "%02d:00", to = "%02d:00"%s })'):format(from, to, days),
        { database = database }
      )[1][1]
    end
    local hour = tonumber(now.hour)
    expect.equal(within((hour + 23) % 24, (hour + 2) % 24), "pass")
    expect.equal(within((hour + 2) % 24, (hour + 23) % 24), "fail")
    local text = ('preflight.window(check, ctx, "%02d:00-%02d:00 UTC")'):format((hour + 2) % 24, (hour + 23) % 24)
    expect.equal(preconditions(text, { database = database })[1][1], "fail")
    expect.equal(within(0, 24, now.today), "pass")
    expect.equal(within(0, 24, now.yesterday), "fail")
    -- From an hour that is still to come to the one after this: it began yesterday, or it wraps within today.
    if hour < 22 then
      expect.equal(within(hour + 2, hour + 1, now.yesterday), "pass")
      expect.equal(within(hour + 2, hour + 1, now.today), "fail")
    end
  end)

  it("refuses an expectation that it does not know", function()
    local _, ran = preconditions("preflight.server_version(check, ctx, { at_lest = 15 })")
    expect.contains(ran.output, "did you mean at_least?")
  end)
end)
