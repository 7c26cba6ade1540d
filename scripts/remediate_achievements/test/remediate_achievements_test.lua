local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local fixture = { "../fixture/schema.sql", "../fixture/data.sql" }
local runbook = "../../remediate_achievements.lua"
local owner = "docente_1"

local checks_of_links = {
  "links to a definition of another subject",
  "links to a definition of another grade",
  "links to a definition of another dimension",
}

local function foresee(database) database:run_file("../fixture/reference.sql", { owner = owner }) end
local function foresee_of_200(database) database:run_file("../fixture/reference.sql", { lim = 200 }) end

--- The fixture, with the answers of reference.sql worked out before anything runs.
local function prepared(variables, work)
  variables.n = 1000
  return test.database({ files = fixture, variables = variables, prepare = work or foresee })
end

local function opsh(database, ...) return test.opsh({ test.beside(runbook), ... }, { db = database, timeout = 200 }) end

--- No line of check.sql counts anything wrong.
local function expect_correct(database)
  for line in database:run_file("../fixture/check.sql"):gmatch("[^\n]+") do
    expect.matches(line, "|0$")
  end
end

--- What is in the tables; a rollback leaves sequences where they are.
local function tables_of(database)
  local sums = database:checksum()
  for name, content in pairs(sums) do
    if not content:find(" rows, ") then sums[name] = nil end
  end
  return sums
end

local function expect_reported(database, document)
  for _, row in ipairs(database:query("select field, value from expected.summary where mode = 'apply'")) do
    expect.equal(document.steps[1].summary[row.field], row.value, row.field)
  end
end

local function check_named(document, name)
  for _, check in ipairs(document.steps[1].checks) do
    if check.name == name then return check end
  end
end

--- Makes what the reference expects; returns the run.
local function remediate(database, status, ...)
  local plan = opsh(database, "--json", "--owner-username=" .. owner)
  expect.equal(plan.exit, 0)
  expect_reported(database, plan.json())

  local apply = opsh(database, "--apply", "--json", "--owner-username=" .. owner, ...)
  expect.equal(apply.exit, status)
  local document = apply.json()
  expect_reported(database, document)
  expect.equal(document.steps[1].done.counts.created, document.steps[1].summary.planned_create)
  expect.equal(document.steps[1].done.counts.relinked, document.steps[1].summary.planned_relink)
  expect_correct(database)
  for _, name in ipairs(checks_of_links) do
    local check = check_named(document, name)
    local field = name:match("%a+$") .. "_mismatch"
    local left = database:value("select value from expected.postcheck where phase = 'after' and field = $1", field)
    expect.equal(check.found, tostring(left), name)
    expect.equal(check.outcome, left == 0 and "pass" or "fail", name)
    for _, row in ipairs(check.rows) do
      expect.equal(
        database:value(
          "select subject_id is null or group_id is null from academic_achievement where id = $1",
          row.achievement_id
        ),
        true,
        "a row that nobody may touch"
      )
    end
  end
  return document.run
end

describe("the remediation of achievements", function()
  it("links what the reference expects", function() remediate(prepared({ seed = 1 }), 0) end)

  it("names the links that nobody may touch, in small batches, once, and takes it all back", function()
    local database = prepared({ seed = 2, hard = 1 })
    local tables = tables_of(database)
    local run = remediate(database, 6, "--batch=150")
    local again = opsh(database, "--apply", "--json", "--owner-username=" .. owner)
    expect.equal(again.exit, 6)
    expect.equal(again.json().steps[1].planned.items, 0)
    expect.equal(test.opsh({ "undo", run, "--apply" }, { db = database, timeout = 200 }).exit, 0)
    expect.equal(tables_of(database), tables, "undo left a table changed")
  end)

  it("refuses an owner who is no user before anything is written", function()
    local database = prepared({ seed = 1 })
    local before = database:checksum()
    local result = opsh(database, "--apply", "--owner-username=nobody")
    expect.equal(result.exit, 5)
    expect.contains(result.output .. result.errors, "nobody")
    expect.equal(database:checksum(), before)
  end)

  it("keeps to the first achievements that --limit names", function()
    local database = prepared({ seed = 1 }, foresee_of_200)
    local apply = opsh(database, "--apply", "--json", "--limit=200")
    expect.equal(apply.exit, 0)
    expect_reported(database, apply.json())
    expect_correct(database)
  end)

  it("takes --limit=0 for no limit", function()
    local database = prepared({ seed = 1 })
    expect_reported(database, opsh(database, "--json", "--limit=0").json())
  end)

  it("links only the achievements that it is given", function()
    local database = prepared({ seed = 1 })
    local ids = database:query("select achievement_id as id from expected.plan order by id desc limit 2")
    local ids_of = { "--achievement-id=" .. ids[1].id, "--achievement-id=" .. ids[2].id }
    local document = opsh(database, "--apply", "--json", unpack(ids_of)).json()
    expect.equal(document.steps[1].done.items, 2)
    expect.equal(
      database:value([[
        select count(*) from academic_achievement as now join before.achievement as earlier using (id)
        where now.definition_id is distinct from earlier.definition_id]]),
      2
    )
  end)

  it("passes over an id whose code was given by hand", function()
    local database = prepared({ seed = 1, collide = 1 })
    expect.equal(opsh(database, "--apply", "--owner-username=" .. owner).exit, 0)
    expect.equal(
      database:value([[
        select count(*) from academic_achievementdefinition
        where id not in (select id from before.definition) and code <> 'LOG-' || lpad(id::text, 4, '0')]]),
      0
    )
    expect.equal(
      database:value("select count(*) from academic_achievementdefinition")
        - database:value("select count(*) from before.definition"),
      database:value("select count(*) from expected.new_definition")
    )
  end)

  it("links nobody to what somebody made of a definition's creator, and makes up for it in the next run", function()
    local database = prepared({ seed = 1 })
    -- The creator of a definition that others wait for is linked elsewhere as soon as the first batch begins.
    local creator = database:value([[
      select min(achievement_id) from expected.plan where new_rn is not null
      group by new_rn having count(*) > 1 order by min(achievement_id) desc limit 1]])
    database:execute(([[
      create function interfere() returns trigger language plpgsql as $$
      begin
        update academic_achievement set definition_id = 1 where id = %d and definition_id is distinct from 1;
        return null;
      end $$;
      create trigger interfere after insert on academic_achievementdefinition for each statement
      execute function interfere();]]):format(creator))
    local apply = opsh(database, "--apply", "--json", "--batch=300")
    expect.equal(apply.exit, 6)
    local done = apply.json().steps[1].done
    expect.equal(done.skipped, 1)
    expect.is_true(done.counts.relinked < done.items, "the others wait")
    expect.equal(database:value("select definition_id from academic_achievement where id = $1", creator), 1)
    database:execute("drop trigger interfere on academic_achievementdefinition")
    expect.equal(opsh(database, "--apply").exit, 0)
  end)
end)
