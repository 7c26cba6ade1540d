local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local fixture = { "../fixture/schema.sql", "../fixture/data.sql" }
local runbook = "../../backfill_accepted_prompts.lua"

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

--- The fixture with its answers, worked out before anything runs. Few generations are complete: importing goes row by
--- row.
local function prepared(variables, work)
  variables.n, variables.imp = 1000, 150
  return test.database({ files = fixture, variables = variables, prepare = work or foresee })
end

local function opsh(database, ...) return test.opsh({ test.beside(runbook), ... }, { db = database, timeout = 200 }) end

local function step_of(document, name)
  for _, step in ipairs(document.steps) do
    if step.name == name then return step end
  end
end

local function undo(database, run) return test.opsh({ "undo", run, "--apply" }, { db = database, timeout = 200 }) end

--- No line of check.sql counts anything wrong.
local function expect_correct(database, phase)
  for line in database:run_file("../fixture/check.sql", { phase = phase }):gmatch("[^\n]+") do
    expect.matches(line, "|0$", phase)
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

--- Of an import a plan knows what it will try; what the database refuses is known when it is done.
local function expect_reported(database, document, is_done)
  local prompts, import = step_of(document, "accepted prompts"), step_of(document, "import answers")
  local expected = { failed = 0 }
  for _, row in ipairs(database:query("select field, value from expected.summary")) do
    expected[row.field] = row.value
  end
  for _, field in ipairs({ "considered", "validation_failed", "skipped_already_imported" }) do
    expect.equal(import.summary[field], expected[field], field)
  end
  expect.equal(prompts.summary.scenarios_matched, expected.scenarios_matched, "scenarios_matched")
  expect.equal(import.summary.planned_import, expected.success + expected.failed, "planned_import")
  if not is_done then return end
  expect.equal(import.done.failed, expected.failed, "failed")
  for field, value in pairs(import.done.counts) do
    expect.equal(value, expected[field], field)
  end
  for field in pairs(expected) do
    if field:find("_created$") or field:find("_added$") then
      expect.equal(import.done.counts[field], expected[field], field)
    end
  end
end

--- Makes what the reference expects; returns the run.
local function fill_and_import(database, status, ...)
  local plan = opsh(database, "--json")
  expect.equal(plan.exit, 0)
  expect_reported(database, plan.json())

  local apply = opsh(database, "--apply", "--json", ...)
  expect.equal(apply.exit, status)
  expect_reported(database, apply.json(), true)
  expect_correct(database, "apply")
  return apply.json().run
end

--- What the catalog has of the scenarios: columns, constraints, indexes.
local function catalog_of(database)
  return database:query([[
    select attname::text || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
             || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') as part
    from pg_attribute left join pg_attrdef on (adrelid, adnum) = (attrelid, attnum)
    where attrelid = 'scenarios'::regclass and attnum > 0 and not attisdropped
    union all
    select conname || ' ' || pg_get_constraintdef(oid) || case when convalidated then '' else ' not valid' end
    from pg_constraint where conrelid = 'scenarios'::regclass
    union all
    select indexdef from pg_indexes where tablename = 'scenarios'
    order by part]])
end

describe("the backfill of accepted prompts", function()
  it("fills and imports what the reference expects", function() fill_and_import(prepared({ seed = 1 }), 0) end)

  it("goes on past what the database refuses, in small batches, once, and takes it all back", function()
    local database = prepared({ seed = 2, hard = 1 })
    local tables = tables_of(database)
    local run = fill_and_import(database, 8, "--batch=40")
    local again = opsh(database, "--apply", "--json")
    expect.equal(again.exit, 0)
    expect.equal(again.json().outcome, "nothing to do")
    expect.equal(undo(database, run).exit, 0)
    expect.equal(tables_of(database), tables, "undo left a table changed")
  end)

  it("makes the columns, the foreign key and the index that are missing, and takes them back", function()
    local migrated = catalog_of(test.database({ files = { fixture[1] } }))
    local database = test.database({ files = fixture, variables = { n = 100, seed = 1, imp = 20, premigrated = 0 } })
    local before, catalog = database:checksum(), catalog_of(database)

    local plan = opsh(database)
    expect.equal(plan.exit, 0)
    expect.contains(plan.output, "alter table scenarios add column accepted_prompt_metadata json")
    expect.contains(plan.output, "planned after columns of scenarios")
    expect.equal(database:checksum(), before, "the plan changed the database")
    expect.equal(catalog_of(database), catalog, "the plan changed the schema")

    local function apply()
      local result = opsh(database, "--apply", "--json")
      expect.equal(result.exit, 0)
      return result.json()
    end
    local first = apply()
    expect.equal(catalog_of(database), migrated)
    expect.equal(apply().outcome, "nothing to do")
    expect.equal(undo(database, first.run).exit, 0)
    expect.equal(catalog_of(database), catalog)

    -- Once the columns are there the application says which generation a scenario comes from.
    local second = apply()
    database:execute([[
      update scenarios set source_generation_id = split_part(code, '-', 2)::bigint;
      update scenarios set source_generation_id = null where id % 4 = 0]])
    foresee(database)
    local filled = apply()
    expect_correct(database, "apply")
    expect.equal(undo(database, filled.run).exit, 0)
    expect_correct(database, "rollback")
    local refused = undo(database, second.run)
    expect.equal(refused.exit, 8)
    expect.contains(refused.output, "column source_generation_id of scenarios holds values")
    expect.is_true(database:value("select count(source_generation_id) from scenarios") > 50)
  end)

  it("judges answers strictly with --strict", function()
    local database = prepared({ seed = 1 }, foresee_strictly)
    local apply = opsh(database, "--apply", "--json", "--strict")
    expect.equal(apply.exit, 0)
    expect_reported(database, apply.json(), true)
    expect_correct(database, "apply")
  end)

  it("tries again with --retry what failed or was not usable, and nothing else", function()
    local database = prepared({ seed = 2, hard = 1 })
    expect.equal(opsh(database, "--apply").exit, 8)
    local failed = database:value("select count(*) from expected.outcome where result = 'failed'")
    local not_usable = database:value("select count(*) from expected.outcome where result = 'validation_failed'")
    local first = database:value([[
      select min(generation_id) from expected.outcome
      where result = 'validation_failed'
        and scenario_id not in (select scenario_id from scenario_generations where scenario_id is not null)]])
    local mended = [[
      update scenario_generations set llm_response = '{"scenario_metadata": {"name": "x"}}' where id = %d]]
    database:execute(mended:format(first))
    local document = opsh(database, "--apply", "--retry", "--json").json()
    local import = step_of(document, "import answers")
    expect.equal(import.planned.items, failed + not_usable)
    expect.equal(import.done.counts.success, 1)
    expect.equal(import.done.counts.validation_failed, not_usable - 1)
    expect.equal(import.done.failed, failed)
  end)

  it("loses neither the run nor a generation's id by documents that cannot be decoded", function()
    local database = prepared({ seed = 1 })
    local ids = {}
    local usable = "select generation_id as id from expected.outcome where result = 'success' order by id limit 5"
    for at, row in ipairs(database:query(usable)) do
      ids[at] = row.id
    end
    local answer = [[llm_response = '{"scenario_metadata": {"name": "x"}, "capabilities": [{"name": %s}]}']]
    for at, change in ipairs({
      [[metadata = '{"a": "\ud83d"}']],
      [[metadata = '{"b": "\u0000"}']],
      [[llm_response = '{"scenario_metadata": {"name": "\udead"}}']],
      answer:format([["a\u0000b"]]),
      answer:format([=[["no", "name"]]=]),
    }) do
      database:execute(("update scenario_generations set %s where id = %d"):format(change, ids[at]))
    end
    local apply = opsh(database, "--apply", "--json")
    expect.equal(apply.exit, 8)
    local import = step_of(apply.json(), "import answers")
    expect.equal({ import.rejected[1].key[1], import.rejected[1].label }, { tostring(ids[1]), "22P02" })
    expect.equal({ import.rejected[2].key[1], import.rejected[2].label }, { tostring(ids[2]), "22P05" })
    expect.equal(import.done.failed, 2)
    local newest = "select metadata::jsonb #> '{import_audit,-1}' from scenario_generations where id = $1"
    expect.equal(database:value(newest, ids[3]).errors[1].message, "Invalid LLM response stored")
    expect.equal(database:value(newest, ids[4]).error, "script.error")
    expect.equal(database:value(newest, ids[5]).error, "script.error")
    local shown = test.opsh({ "show", apply.json().run }, { db = database }).output
    expect.matches(shown, (" %s +failed [^\n]*u0000"):format(ids[4]))
    expect.matches(shown, (" %s +failed [^\n]*a text is expected"):format(ids[5]))
  end)

  it("takes the names of an answer's objects in an order of their own", function()
    local database = prepared({ seed = 1 })
    local id = database:value("select min(generation_id) from expected.outcome where result = 'success'")
    database:execute(([[
      update scenario_generations
      set llm_response = '{"scenario_metadata": {"name": "x"}, "capabilities": {
        "z": {"name": "Zeta"},
        "a": {"name": "Alfa", "competencies": {"k": {"name": "Kappa", "skills": {"1": "Uno"}}}}}}'
      where id = %d]]):format(id))
    expect.equal(opsh(database, "--apply").exit, 0)
    local made = database:query("select name from capabilities where name in ('Alfa', 'Zeta') order by id")
    expect.equal({ made[1].name, made[2].name }, { "Alfa", "Zeta" })
    expect.equal(database:value("select count(*) from skills where name = 'Uno'"), 1)
  end)
end)
