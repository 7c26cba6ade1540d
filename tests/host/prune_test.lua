local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function age(database, run, interval)
  database:execute(
    (
      "update opsh.run set started_at = started_at - i, finished_at = finished_at - i "
      .. "from (select interval '%s') as v (i) where id = '%s'"
    ):format(interval, run)
  )
  database:execute("update opsh.version set installed_at = installed_at - interval '1 year'")
end

local function apply(database, fields)
  fields = fields or {}
  fields.batch = fields.batch or "5"
  local path = test.write("sample.lua", sample.runbook(fields))
  local result = test.opsh({ path, "--apply", "--json" }, { db = database })
  expect.equal(result.exit, 0, result.errors)
  return result.json().run
end

--- A database with a run of a hundred days ago and one of today.
local function aged(interval)
  local database = test.database({ sql = sample.items(12) })
  local old = apply(database)
  age(database, old, interval or "100 days")
  database:execute("update item set done = false")
  return database, old, apply(database)
end

local function prune(database, ...) return test.opsh({ "runs", "prune", ... }, { db = database }) end

local function journaled(database, run)
  return database:value("select coalesce(sum(cardinality(keys)), 0)::int from opsh.journal where run = $1", run)
end

local function spools(run)
  return test.shell(("ls %s/state/opsh/runs/%s | grep -c plan"):format(test.folder(), run)).output:match("%d+")
end

local function events(run)
  local names = {}
  for at, entry in ipairs(test.opsh({ "audit", "show", run, "--json" }).json()) do
    names[at] = entry.event
  end
  return names
end

describe("opsh runs prune", function()
  it("without --apply lists the runs whose journal is old, and changes nothing", function()
    local database, old, new = aged()
    local result = prune(database)
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, old)
    expect.contains(result.output, "Nothing was changed. To prune 1 run with 12 journaled rows")
    expect.contains(result.output, "--apply")
    expect.equal(result.output:find(new, 1, true), nil)
    expect.equal({ journaled(database, old), spools(old) }, { 12, "1" })
    expect.equal(database:value("select count(*) from opsh.run where pruned_at is not null"), 0)
  end)

  it("with --apply drops the journal and the plan of what is old, and of nothing else", function()
    local database, old, new = aged()
    local result = prune(database, "--apply")
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "Pruned: 1 run with 12 journaled rows, which cannot be undone any more")
    expect.equal({ journaled(database, old), spools(old) }, { 0, "0" })
    expect.equal({ journaled(database, new), spools(new) }, { 12, "1" })
    expect.equal(database:value("select id from opsh.run where pruned_at is not null"), old)
    expect.equal(database:value("select count(*) from opsh.batch where run = $1", old), 3)
    expect.contains(prune(database, "--apply").output, "no run that ended 90d ago")
  end)

  it("says so in the run's audit log, whose head is in the database", function()
    local database, old = aged()
    expect.equal(prune(database, "--apply", "--reason=retention").exit, 0)
    local list = events(old)
    expect.equal(list[#list], "journal pruned")
    expect.equal(database:value("select entries from opsh.audit where run = $1", old), #list)
    local result = test.opsh({ "audit", "verify", old }, { db = database })
    expect.equal(result.exit, 0, result.output)
    expect.contains(test.opsh({ "audit", "show", old }).output, "retention")
  end)

  it("keeps the journal of a run whose audit log is not what was written, and prunes the others", function()
    local database, old, new = aged()
    age(database, new, "100 days")
    test.shell(("sed -i 's/run started/run begun/' %s/state/opsh/runs/%s/audit.jsonl"):format(test.folder(), old))
    local result = prune(database, "--apply")
    expect.equal(result.exit, 8, result.errors)
    expect.contains(result.output, old .. ": ")
    expect.equal({ journaled(database, old), journaled(database, new) }, { 12, 0 })
  end)

  it("leaves its undo refused, with the reason", function()
    local database, old = aged()
    expect.equal(prune(database, "--apply").exit, 0)
    local result = test.opsh({ "undo", old, "--apply" }, { db = database })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, ("the journal of run %s was dropped on "):format(old))
  end)

  it("counts the age in hours, days and weeks, from the end of a run", function()
    local database, old = aged("8 days")
    for given, found in pairs({ ["200h"] = false, ["190h"] = true, ["9d"] = false, ["8d"] = true, ["1w"] = true }) do
      local runs = prune(database, "--json", "--older-than=" .. given).json().runs
      expect.equal({ given, runs[1] and runs[1].run or nil }, { given, found and old or nil })
    end
  end)

  it("refuses an age that is none", function()
    local database = test.database()
    for _, wrong in ipairs({ "", "30", "d", "0d", "-1d", "1.5d", "1 d", "3m", "999999999d" }) do
      local result = prune(database, "--older-than=" .. wrong)
      expect.equal({ wrong, result.exit }, { wrong, 2 })
    end
  end)

  it("leaves a run that stopped part-way and says why", function()
    local database = test.database({
      sql = sample.items(10) .. "alter table item add constraint blocked check (not (done and id = 7));",
    })
    local path = test.write("sample.lua", sample.runbook({ batch = "2" }))
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 4)
    local run = database:value("select id from opsh.run")
    age(database, run, "100 days")
    local result = prune(database, "--apply")
    expect.equal(result.exit, 0)
    expect.contains(result.output, run .. ": it stopped part-way, and opsh resume goes on with it")
    expect.equal({ journaled(database, run), spools(run) }, { 6, "1" })
  end)

  it("leaves a run that is being undone, and not one that is undone, nor its undo", function()
    local database, old, new = aged()
    age(database, new, "200 days")
    expect.equal(test.opsh({ "undo", old, "--apply" }, { db = database }).exit, 0)
    local undo = database:value("select undone_by from opsh.run where id = $1", old)
    database:execute(("update opsh.run set state = 'stopped' where id = '%s'"):format(undo))
    local result = prune(database, "--apply", "--json").json()
    expect.equal({ #result.runs, result.runs[1].run, #result.left, result.left[1].run }, { 1, new, 1, old })
    expect.contains(result.left[1].reason, "it is being undone, by run " .. undo)
    database:execute(("update opsh.run set state = 'done' where id = '%s'"):format(undo))
    age(database, undo, "100 days")
    expect.equal(#prune(database, "--apply", "--json").json().runs, 2)
    expect.equal(database:value("select count(*) from opsh.journal"), 0)
  end)

  it("finds nothing in a database without the schema opsh, and does not make it", function()
    local database = test.database()
    local result = prune(database, "--apply")
    expect.equal(result.exit, 0)
    expect.contains(result.output, "no run that ended 90d ago or earlier has a journal to prune")
    expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
  end)
end)
