local json = require("opsh.json")
local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

--- A database with one run that is done.
local function ran()
  local database = test.database({ sql = sample.items(12) })
  local path =
    test.write("sample.lua", sample.runbook({ batch = "5" }, { params = '{ limit = { type = "integer" } }' }))
  local document = test.opsh({ path, "--apply", "--json", "--limit=3" }, { db = database }).json()
  return database, document.run
end

describe("opsh runs", function()
  it("says that there are none, also without the schema opsh", function()
    local result = test.opsh({ "runs" }, { db = test.database() })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "no runs")
    expect.equal(#test.opsh({ "runs", "--json" }, { db = test.database() }).json(), 0)
  end)

  it("lists a run with its state and its items", function()
    local database, id = ran()
    local result = test.opsh({ "runs" }, { db = database })
    for _, piece in ipairs({ id, "done", "sample", "12" }) do
      expect.contains(result.output, piece)
    end
  end)

  it("gives the same as JSON", function()
    local database, id = ran()
    local runs = test.opsh({ "runs", "--json" }, { db = database }).json()
    expect.equal({ #runs, runs[1].id, runs[1].state, runs[1].items, runs[1].batches }, { 1, id, "done", 12, 3 })
  end)

  it("lists as many as --limit says, the newest first", function()
    local database = ran()
    database:execute("update item set done = false")
    local newest =
      test.opsh({ test.write("sample.lua", sample.runbook()), "--apply", "--json" }, { db = database }).json().run
    local runs = test.opsh({ "runs", "--json", "--limit=1" }, { db = database }).json()
    expect.equal({ #runs, runs[1].id }, { 1, newest })
  end)

  it("says which target a run was for where the database is that of several", function()
    local database = test.database({ sql = sample.items(2) })
    test.write("opsh.config.lua", ("return { targets = { acme = { connect = %q } } }"):format(database.conninfo))
    local path = test.write("sample.lua", sample.runbook())
    local function listed(...)
      expect.equal(test.opsh({ path, "--apply", ... }).exit, 0)
      database:execute("update item set done = false")
      return test.opsh({ "runs", "--target=acme" }).output
    end
    expect.lacks(listed("--db=" .. database.conninfo), " target ")
    expect.matches(listed("--target=acme"), " target .* acme ")
    local runs = test.opsh({ "runs", "--json", "--target=acme" }).json()
    expect.equal({ runs[1].target, runs[2].target }, { "acme", json.null })
  end)

  it(
    "refuses a limit that is no number",
    function() expect.equal(test.opsh({ "runs", "--limit=x" }, { db = test.database() }).exit, 2) end
  )

  it("writes nothing", function()
    local database = test.database({ sql = sample.items(1) })
    test.opsh({ "runs" }, { db = database })
    expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
  end)
end)

describe("opsh show", function()
  it("shows steps, counts and parameters of a run", function()
    local database, id = ran()
    local result = test.opsh({ "show", id }, { db = database })
    expect.equal(result.exit, 0)
    for _, piece in ipairs({ id, "done", "work", "worked", "limit = 3" }) do
      expect.contains(result.output, piece)
    end
    expect.lacks(result.output, "opsh resume")
  end)

  it("gives the same as JSON", function()
    local database, id = ran()
    local document = test.opsh({ "show", id, "--json" }, { db = database }).json()
    expect.equal(
      { document.run.id, document.run.state, document.steps[1].items, document.steps[1].counts.worked },
      { id, "done", 12, 12 }
    )
    expect.equal(#document.left_out, 0)
    expect.is_true(json.is_array(document.left_out), "left_out is a list")
    expect.is_true(json.is_array(document.steps[1].planned.tally), "the tally that was not asked for is a list")
  end)

  it("takes the beginning of an id, and says when it fits several", function()
    local database, id = ran()
    expect.equal(test.opsh({ "show", id:sub(1, 10) }, { db = database }).exit, 0)
    database:execute("update item set done = false")
    test.opsh({ test.write("sample.lua", sample.runbook()), "--apply" }, { db = database })
    local result = test.opsh({ "show", id:sub(1, 2) }, { db = database })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "2 runs begin with")
  end)

  it("says that a run is not there, and which was meant", function()
    local database, id = ran()
    local result = test.opsh({ "show", id:sub(1, -2) .. "z" }, { db = database })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean " .. id)
  end)

  it("says how to go on with a run that stopped", function()
    local database = test.database({ sql = sample.items(10) .. "alter table item add check (not (done and id = 10));" })
    local path = test.write("sample.lua", sample.runbook({ batch = "5" }))
    local id = test.opsh({ path, "--apply" }, { db = database }).errors:match("opsh resume (%S+)")
    local result = test.opsh({ "show", id }, { db = database })
    expect.contains(result.output, "opsh resume " .. id)
    expect.contains(result.output, "stopped")
    expect.contains(result.output, "item_check")
  end)
end)

describe("a RUN", function()
  it("that is empty is refused, also where there is one run only", function()
    local database = test.database({ sql = sample.items(2) })
    test.opsh({ test.write("sample.lua", sample.runbook()), "--apply" }, { db = database })
    for _, command in ipairs({ "show", "resume" }) do
      local result = test.opsh({ command, "" }, { db = database })
      expect.equal(result.exit, 2, command)
      expect.contains(result.errors, "RUN is empty", command)
    end
  end)
end)

describe("opsh schema", function()
  it("prints DDL that psql takes, and apply is content with", function()
    local database = test.database({ sql = sample.items(2) })
    local ddl = test.opsh({ "schema" })
    expect.equal(ddl.exit, 0)
    database:execute(ddl.output)
    expect.equal(test.opsh({ test.write("sample.lua", sample.runbook()), "--apply" }, { db = database }).exit, 0)
  end)
end)

describe("opsh sandbox", function()
  it("starts, is used, says where it is, and stops without a trace", function()
    local file = test.write("load.sql", sample.items(7))
    local started = test.opsh({ "sandbox", "start", "--load", file })
    expect.equal(started.exit, 0)
    local conninfo = test.opsh({ "sandbox", "status", "--conninfo" })
    expect.contains(conninfo.output, "host=")
    local document = test.opsh({ "--sandbox", test.write("sample.lua", sample.runbook()), "--json" }).json()
    expect.equal(document.steps[1].planned.items, 7)
    expect.equal(test.opsh({ "sandbox", "stop" }).exit, 0)
    local gone = test.opsh({ "sandbox", "status" })
    expect.is_true(gone.exit ~= 0)
    expect.contains(gone.errors, "no sandbox is running here")
  end)

  it("says which action was meant", function()
    local result = test.opsh({ "sandbox", "strat" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean start?")
  end)

  it("that loads a broken file says where it is broken, and none is left running", function()
    local result = test.opsh({ "sandbox", "start", "--load", test.write("load.sql", "select 1;\nselect broken;\n") })
    expect.is_true(result.exit ~= 0)
    expect.contains(result.errors, "load.sql:2")
    expect.contains(test.opsh({ "sandbox", "status" }).errors, "no sandbox is running here")
  end)
end)
