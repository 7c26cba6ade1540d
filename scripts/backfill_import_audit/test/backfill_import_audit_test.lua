local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local fixture = { "../fixture/schema.sql", "../fixture/data.sql" }
local runbook = "../../backfill_import_audit.lua"

local function judge(database, options)
  local judged = test.shell(
    ("python3 '%s' %s"):format(test.beside("../fixture/reference.py"), options),
    { input = database:run_file("../fixture/documents.sql") }
  )
  expect.equal(judged.exit, 0, "reference.py")
  database:execute(judged.output)
  database:run_file("../fixture/reference.sql")
end
local function foresee(database) judge(database, "") end
local function foresee_strictly(database) judge(database, "--strict") end

--- The fixture, with the answers worked out before anything runs.
local function prepared(variables, work)
  variables.n = 1000
  return test.database({ files = fixture, variables = variables, prepare = work or foresee })
end

local function opsh(database, ...) return test.opsh({ test.beside(runbook), ... }, { db = database, timeout = 200 }) end

--- The step that works on rows.
local function filling(document)
  for _, step in ipairs(document.steps) do
    if step.name == "fill and audit" then return step end
  end
end

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
  local step = filling(document)
  for _, row in ipairs(database:query("select field, value from expected.summary")) do
    expect.equal(step.summary[row.field] or step.planned.totals[row.field], row.value, row.field)
  end
end

--- Every generation that cannot be audited is listed, with why.
local function expect_listed(database, document)
  local listed = {}
  for _, rejected in ipairs(filling(document).rejected) do
    listed[rejected.key[1]] = rejected.label
  end
  local expected = {}
  for _, row in ipairs(database:query("select generation_id, code from expected.errors")) do
    expected[tostring(row.generation_id)] = row.code
  end
  expect.equal(listed, expected)
end

--- Makes what the reference expects; returns the run.
local function backfill(database, status, ...)
  local plan = opsh(database, "--json")
  expect.equal(plan.exit, 0)
  expect_reported(database, plan.json())
  expect_listed(database, plan.json())

  local apply = opsh(database, "--apply", "--json", ...)
  expect.equal(apply.exit, status)
  local document = apply.json()
  expect_reported(database, document)
  expect.equal(filling(document).done.counts.audited, filling(document).summary.audited)
  expect.equal(filling(document).done.counts.scenarios_changed, filling(document).planned.totals.scenarios_changed)
  expect_correct(database)
  return document.run
end

describe("the backfill of the import audit", function()
  it("makes what the reference expects", function() backfill(prepared({ seed = 1 }), 0) end)

  it("leaves alone and names what cannot be audited, in small batches, once, and takes it all back", function()
    local database = prepared({ seed = 2, hard = 1 })
    local tables = tables_of(database)
    -- What is listed makes it 8.
    local run = backfill(database, 8, "--batch=150")
    local again = opsh(database, "--apply", "--json")
    expect.equal(again.exit, 8)
    expect.equal(again.json().outcome, "nothing to do")
    expect.equal(test.opsh({ "undo", run, "--apply" }, { db = database, timeout = 200 }).exit, 0)
    expect.equal(tables_of(database), tables, "undo left a table changed")
  end)

  it("judges answers strictly with --strict", function()
    local database = prepared({ seed = 2, hard = 1 }, foresee_strictly)
    local apply = opsh(database, "--apply", "--json", "--strict")
    expect.equal(apply.exit, 8)
    expect_reported(database, apply.json())
    expect_correct(database)
  end)

  it("loses neither the run nor a digit by documents that cannot be decoded or repeat a name", function()
    local database = prepared({ seed = 1 })
    -- Each of these has a scenario.
    local ids = {}
    for at, row in ipairs(database:query("select generation_id as id from expected.audit order by id limit 6")) do
      ids[at] = row.id
    end
    for at, change in ipairs({
      [[metadata = '{"a": "\ud83d"}']],
      [[metadata = '{"deep": [{"b\u0000": 1}]}']],
      [[metadata = '{"twice": 1, "twice": 12345678901234567890, "n": 1.10}']],
      [[metadata = ('{"n": ' || repeat('9', 140000) || '}')::json]],
      [[llm_response = '{"scenario_metadata": {"name": "\udead"}}']],
      [[llm_response = '{"scenario_metadata": {"name": "x"}, "capabilities": {"\u0000": {}}}']],
    }) do
      database:execute(("update scenario_generations set %s where id = %d"):format(change, ids[at]))
    end
    local apply = opsh(database, "--apply", "--json")
    expect.equal(apply.exit, 8, "two that only the server refuses")
    local rejected = filling(apply.json()).rejected
    expect.equal({ rejected[1].key[1], rejected[1].label }, { tostring(ids[1]), "22P02" })
    expect.equal({ rejected[2].key[1], rejected[2].label }, { tostring(ids[2]), "22P05" })
    expect.equal(filling(apply.json()).done.failed, 2)
    local shown = test.opsh({ "show", apply.json().run }, { db = database }).output
    expect.matches(shown, (" %s +failed +22003"):format(ids[4]))
    expect.matches(shown, (" %s +failed +22P05"):format(ids[6]))
    local kept = "select metadata::jsonb ->> $2 from scenario_generations where id = $1"
    expect.equal(database:value(kept, ids[3], "twice"), "12345678901234567890")
    expect.equal(database:value(kept, ids[3], "n"), "1.10")
    local errors = "select metadata::jsonb #> '{import_audit,-1,errors}' from scenario_generations where id = $1"
    expect.equal(database:value(errors, ids[5])[1].message, "Invalid LLM response stored")
    local after = tables_of(database)
    opsh(database, "--apply")
    expect.equal(tables_of(database), after, "those that failed are tried again, and fail again")
  end)

  it("audits again with --retry whose answer was not usable, once it is mended", function()
    local database = prepared({ seed = 1 })
    expect.equal(opsh(database, "--apply").exit, 0)
    local bad = database:query("select generation_id as id from expected.audit where not valid order by id")
    local mended = [[
      update scenario_generations set llm_response = '{"scenario_metadata": {"name": "x"}}' where id = %d]]
    database:execute(mended:format(bad[1].id))
    local retry = opsh(database, "--apply", "--retry", "--json").json()
    expect.equal(filling(retry).planned.items, #bad)
    expect.equal(filling(retry).planned.totals.llm_valid, 1)
    expect.equal(
      database:value(
        "select metadata::jsonb #> '{import_audit,-1,valid}' from scenario_generations where id = $1",
        bad[1].id
      ),
      true
    )
  end)

  it("respects an entry that somebody makes between the plan and the apply", function()
    local database = prepared({ seed = 1 })
    local last = database:value("select max(generation_id) from expected.audit")
    database:execute(([[
      create function interfere() returns trigger language plpgsql as $$
      begin
        update scenario_generations set metadata = '{"import_audit": [{"result": "success"}]}'
        where id = %d and metadata::text is distinct from '{"import_audit": [{"result": "success"}]}';
        return null;
      end $$;
      create trigger interfere after update on scenarios for each statement
      when (pg_trigger_depth() = 0) execute function interfere();]]):format(last))
    local result = opsh(database, "--apply", "--json", "--batch=200")
    expect.equal(result.exit, 8)
    expect.equal(filling(result.json()).done.skipped, 1)
    expect.equal(
      database:value("select metadata::text from scenario_generations where id = $1", last),
      '{"import_audit": [{"result": "success"}]}'
    )
  end)
end)
