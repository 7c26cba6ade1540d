local reporting = require("reporting")
local sample = require("sample")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

-- Item 55 fails until the constraint is dropped, so that a run stops after five batches of ten.
local blocked = sample.items(100) .. "alter table item add constraint blocked check (not (done and id = 55));"
local unblock = "alter table item drop constraint blocked"

local fields = reporting.fields({ batch = "10", max_failures = "0" })

--- A run that stopped part-way: the database and its id.
local function stopped(top)
  local database = test.database({ sql = blocked })
  local result = reporting.run(database, fields, { "--apply" }, top)
  expect.equal(result.exit, 4, result.errors)
  return database, result.errors:match("opsh resume (%S+)")
end

--- The beginning of the names that a run's files have.
local function stem(id) return "items_" .. id:sub(1, 8) .. "_" .. id:sub(10, 15) end

describe("report files", function()
  it("are there, whole, when a run that stopped part-way is resumed from somewhere else", function()
    local database, id = stopped()
    expect.equal(reporting.names("output"), {})
    -- What an opsh leaves that was killed while it wrote them.
    test.shell(("mkdir -p output; echo half > output/.%s_%s.json.part"):format(stem(id), id:sub(-4)))
    database:execute(unblock)
    local result = test.opsh({ "resume", id, "--json" }, { db = database, directory = "/" })
    expect.equal(result.exit, 8, result.errors)
    expect.equal(reporting.names("output"), { stem(id) .. ".csv", stem(id) .. ".json" })
    local found = reporting.document()
    expect.equal({ #found.parts, found.outcomes.done, found.outcomes.changed }, { 100, 99, 1 })
    expect.none(reporting.lies(found, database))
    expect.equal(result.json().reports[1].rows, 100)
    expect.equal(#reporting.csv(), 101)
  end)

  it("are not written twice by a run that is resumed after them", function()
    local database = test.database({ sql = sample.items(9) .. "create table ready (id int);" })
    local more = reporting.fields({ verify = 'function(check) check:count("ready", "select id from ready", 1) end' })
    local result = reporting.run(database, more, { "--apply" })
    expect.equal(result.exit, 6)
    local names = reporting.names("output")
    expect.equal(#names, 2)
    test.shell("rm output/*")
    database:execute("insert into ready values (1)")
    local resumed = test.opsh({ "resume", result.errors:match("opsh resume (%S+)"), "--json" }, { db = database })
    expect.equal(resumed.exit, 8, resumed.errors)
    expect.equal(reporting.names("output"), {})
    expect.equal(#resumed.json().reports, 2)
    -- Somebody took them away; this makes the very same.
    local again = test.opsh({ "report", resumed.json().run, "--json" }, { db = database })
    expect.equal(again.exit, 0, again.errors)
    for at, report in ipairs(resumed.json().reports) do
      expect.equal(again.json()[at].sha256, report.sha256)
    end
    expect.equal(reporting.names("output"), names)
  end)

  it("are an incident when they cannot be written at the end, and can be made later", function()
    local database, id = stopped()
    database:execute(unblock)
    test.shell("rm -r output; echo no folder > output")
    local result = test.opsh({ "resume", id, "--json" }, { db = database })
    expect.equal(result.exit, 8, result.errors)
    local incident = result.json().incidents[1]
    expect.equal({ incident.what, #result.json().reports }, { "report files", 0 })
    expect.contains(incident.message, "Not a directory; this makes them: opsh report " .. id)
    expect.equal(database:value("select state from opsh.run"), "done")
    test.shell("rm output")
    local again = test.opsh({ "report", id }, { db = database })
    expect.equal(again.exit, 0, again.errors)
    expect.contains(again.output, ("output/%s.json  100 rows"):format(stem(id)))
    expect.none(reporting.lies(reporting.document(), database))
  end)

  it("are not made of fewer rows than were worked on", function()
    local database, id = stopped()
    database:execute(unblock)
    expect.equal(test.shell(("rm state/opsh/runs/%s/step-1.plan"):format(id)).exit, 0)
    local result = test.opsh({ "resume", id, "--json" }, { db = database })
    expect.equal(result.exit, 8, result.errors)
    expect.equal(result.json().incidents[1].kind, "spool.read")
    expect.equal(reporting.names("output"), {})
  end)

  it("are refused where they could not be written: an apply, before its first write; a plan goes on without", function()
    for obstacle, said in pairs({ ["echo > output"] = "Not a directory", ["ln -s . output"] = "is a symbolic link" }) do
      local database = test.database({ sql = sample.items(3) })
      test.shell("rm -rf output; " .. obstacle)
      local planned = reporting.run(database, fields)
      expect.equal(planned.exit, 0, planned.errors)
      expect.contains(planned.errors, "no report files: ")
      local before = database:checksum()
      local result = reporting.run(database, fields, { "--apply" })
      expect.equal(result.exit, 5)
      expect.contains(result.errors, said)
      expect.equal(database:checksum(), before)
      expect.equal(database:value("select count(*) from pg_namespace where nspname = 'opsh'"), 0)
    end
  end)

  it("replace nothing", function()
    local database = test.database({ sql = sample.items(3) })
    for _ = 1, 3 do
      expect.equal(reporting.run(database, fields).exit, 0)
    end
    -- Three plans within a second or two: all have their files, and none took another's.
    expect.equal(#reporting.names("output"), 6)
    expect.equal(test.shell("cat output/*.json | grep -c '\"plan\":\"p-'").output, "3\n")
  end)

  it("begin in the folder of --output", function()
    local database = test.database({ sql = sample.items(3) })
    test.shell("mkdir there")
    expect.equal(reporting.run(database, fields, { "--apply", "--output=there" }).exit, 0)
    expect.equal({ #reporting.names("there/output"), #reporting.names("output") }, { 2, 0 })
    local nowhere = reporting.run(database, fields, { "--output=nowhere" })
    expect.equal(nowhere.exit, 2)
    expect.contains(nowhere.errors, "there is no folder nowhere")
    local without = reporting.run(database, nil, { "--output=there" })
    expect.equal(without.exit, 2)
    expect.contains(without.errors, "no step has a report")
  end)
end)

describe("a step's report", function()
  it("names columns that the plan has", function()
    local database = test.database({ sql = sample.items(1) })
    for columns, said in pairs({
      ['{ "id", "prat" }'] = "the report names the column prat, which the plan does not have",
      ['{ "id", "label" }'] = "the report names the column label",
    }) do
      local result = reporting.run(database, { report = ('{ file = "items", columns = %s }'):format(columns) })
      expect.equal(result.exit, 1)
      expect.contains(result.errors, said)
    end
    local result = reporting.run(database, { plan = '"select id, part as error from item"', report = reporting.report })
    expect.contains(result.errors, "the plan has a column error, and so has every report")
    expect.equal(test.shell("ls *.json *.csv").output, "")
  end)

  it("has a file below the working directory, and says no more than it may", function()
    for report, said in pairs({
      ['{ file = "../items", columns = "id" }'] = "must be folders and a name",
      ['{ file = "/tmp/items", columns = "id" }'] = "must be relative",
      ['{ file = "out//items", columns = "id" }'] = "must be folders and a name",
      ['{ file = ".items", columns = "id" }'] = "must be folders and a name",
      ['{ file = "items.csv", columns = "id" }'] = "has an extension",
      ['{ file = "items", columns = "id", rows = "stats" }'] = 'rows = "stats" stands in the file already',
      ['{ file = "items", columns = {} }'] = "columns is empty",
      ['{ file = "items" }'] = "has no columns",
      ['{ file = "items", columns = "id", colums = "id" }'] = "did you mean columns?",
    }) do
      local result = reporting.run("dbname=nowhere", { report = report })
      expect.equal(result.exit, 1, report)
      expect.contains(result.errors, said)
    end
  end)
end)
