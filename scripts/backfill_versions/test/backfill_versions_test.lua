local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local fixture = { "../fixture/schema.sql", "../fixture/data.sql" }
local runbook = "../../backfill_versions.lua"

local function foresee(database) database:run_file("../fixture/reference.sql") end

--- The fixture, with the answers of reference.sql worked out before anything runs.
local function prepared(seed, hard)
  local variables = { n = 1000, seed = seed }
  if hard then variables.hard = 1 end
  return test.database({ files = fixture, variables = variables, prepare = foresee })
end

local function opsh(database, ...) return test.opsh({ test.beside(runbook), ... }, { db = database, timeout = 120 }) end

--- No line of check.sql counts anything wrong.
local function expect_correct(database)
  for line in database:run_file("../fixture/check.sql"):gmatch("[^\n]+") do
    expect.matches(line, "|0$")
  end
end

local function expected_summary(database)
  local summary = {}
  for _, row in ipairs(database:query("select field, value from expected.summary where mode in ('both', 'apply')")) do
    summary[row.field] = row.value
  end
  return summary
end

--- Figures by scenario, to compare without an order.
local function by_scenario(rows, count)
  local made = {}
  for _, row in ipairs(rows) do
    made[tostring(row.scenario_id)] = row[count]
  end
  return made
end

local function expect_reported(database, document)
  local expected = expected_summary(database)
  for field, value in pairs(document.steps[1].summary) do
    expect.equal(value, expected[field], field)
  end
  for _, field in ipairs({
    "capabilities_scanned",
    "pivot_rows",
    "to_create",
    "scenarios_touched",
    "competencies_already_versioned",
  }) do
    expect.equal(document.steps[1].summary[field], expected[field], field)
  end
  expect.equal(
    by_scenario(document.steps[1].tally, "count"),
    by_scenario(database:query("table expected.by_scenario"), "created")
  )
end

local function backfills(seed, hard, ...)
  local words = { "--apply", "--json", ... }
  return function()
    local database = prepared(seed, hard)
    local plan = opsh(database, "--json")
    expect.equal(plan.exit, 0)
    expect_reported(database, plan.json())

    local apply = opsh(database, unpack(words))
    expect.equal(apply.exit, 0)
    expect_reported(database, apply.json())
    expect.equal(apply.json().steps[1].done.counts.created, expected_summary(database).created)
    expect_correct(database)

    if hard then expect.equal(opsh(database, "--apply", "--json").json().outcome, "nothing to do") end
  end
end

describe("the backfill of competency_versions", function()
  it("makes what the reference expects", backfills(1, false))
  it(
    "makes what the reference expects, in small batches, of rows that a query over metadata trips over",
    backfills(2, true, "--batch=150")
  )

  it("keeps to the scenario that it is given", function()
    local database = prepared(1)
    local scenario = database:query(
      "select scenario_id, created from expected.by_scenario order by created desc, scenario_id limit 1"
    )[1]
    local document = opsh(database, "--apply", "--json", "--scenario=" .. scenario.scenario_id).json()
    local made = database:query([[
      select metadata->>'scenario_id' as scenario, count(*) as count from competency_versions
      where id not in (select id from before.competency_versions) group by 1]])
    expect.equal({ #made, made[1].scenario }, { 1, tostring(scenario.scenario_id) })
    expect.equal(made[1].count, document.steps[1].done.counts.created)
    expect.is_true(made[1].count >= scenario.created, "every competency whose first scenario it is has its version")
    expect.none(
      database:query(
        [[
      select pivot.competency_id
      from capabilities join capability_competencies as pivot on pivot.capability_id = capabilities.id
      where capabilities.discovered_in_scenario_id = $1
        and not exists (select from competency_versions as version where version.competency_id = pivot.competency_id)]],
        scenario.scenario_id
      )
    )
  end)

  it("makes none for a scenario that does not exist", function()
    local database = prepared(1)
    local before = database:checksum()
    expect.equal(opsh(database, "--apply", "--scenario=999999").exit, 0)
    expect.equal(database:checksum(), before)
  end)

  it("makes as many as --limit says, the first by id, and the rest in the next run", function()
    local database = prepared(2, true)
    expect.equal(opsh(database, "--apply", "--limit=100").exit, 0)
    expect.none(database:query([[
      (select competency_id from competency_versions where id not in (select id from before.competency_versions))
      except (select competency_id from expected.created order by competency_id limit 100)]]))
    expect.equal(
      database:value(
        "select count(*) from competency_versions where id not in (select id from before.competency_versions)"
      ),
      100
    )
    expect.equal(opsh(database, "--apply").exit, 0)
    expect_correct(database)
  end)

  it("respects a version that somebody makes between the plan and the apply", function()
    local database = prepared(1)
    -- The last competency of the plan gets its version as soon as the first batch begins.
    local last = database:value("select max(competency_id) from expected.created")
    database:execute(([[
      create function interfere() returns trigger language plpgsql as $$
      begin
        if not exists (select from competency_versions where competency_id = %d) then
          insert into competency_versions (organization_id, competency_id, name, evolution_state)
          select organization_id, id, name, 'stable' from competencies where id = %d;
        end if;
        return null;
      end $$;
      create trigger interfere after insert on competency_versions for each statement
      when (pg_trigger_depth() = 0) execute function interfere();]]):format(last, last))
    local result = opsh(database, "--apply", "--json", "--batch=200")
    expect.equal(result.exit, 8)
    expect.equal(result.json().steps[1].done.skipped, 1)
    expect.equal(
      database:query("select evolution_state from competency_versions where competency_id = $1", last),
      { { evolution_state = "stable" } }
    )
  end)
end)
