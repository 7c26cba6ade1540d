local application = require("application")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local scripts = "../../"

--- A runbook's fixture.
local function fixture(name, variables)
  local folder = ("%s%s/fixture/"):format(scripts, name)
  return test.database({ files = { folder .. "schema.sql", folder .. "data.sql" }, variables = variables })
end

--- Runs a runbook, or a command, beside the application.
local function runner(database, app)
  return function(words)
    if words[1]:find("^backfill_") then words[1] = test.beside(scripts .. words[1] .. ".lua") end
    return test.opsh(words, { db = database, environment = app.environment(), timeout = 100 })
  end
end

local function last_run(database) return database:value("select id from opsh.run order by started_at desc limit 1") end

describe("the runbooks of the application", function()
  it("001: let the queue rest, ask the API and tell the team", function()
    local database = fixture("backfill_versions", { n = 100, seed = 1 })
    local app = application.start(database)
    local opsh = runner(database, app)
    local words = { "backfill_versions", "--app-dir=" .. app.folder, "--app-tests", "--url=" .. app.url .. "/",
      "--queue=worker:*", "--competency=1", "--window=00:00-24:00", "--apply" }
    expect.equal(opsh(words).exit, 0)
    expect.equal(app.calls(), {
      "php artisan test --filter BackfillCompetencyVersionsTest sqlite",
      "supervisorctl stop worker:*",
      "supervisorctl start worker:*",
    })
    expect.equal(app.asked(), { "GET /up", "GET /api/competencies/1/versions", "POST /webhook" })
    local notice = app.notices()[1]
    expect.contains(notice, "Backfill competency_versions: done")
    for _, fact in ipairs({ "backup", "commit", "rows changed", "incidents" }) do
      expect.contains(notice, ('"title":"%s"'):format(fact))
    end
  end)

  it("002: ask a person, then switch imports on, which undo takes back", function()
    local database = fixture("backfill_import_audit", { n = 100, seed = 1 })
    local app = application.start(database)
    local opsh, env, before = runner(database, app), app.env(), database:checksum()
    local answers = test.write("answers.lua", 'return { ["scenarios in the application"] = "yes" }')
    local words = { "backfill_import_audit", "--app-dir=" .. app.folder, "--app-tests", "--smoke-tests",
      "--enable-import", "--answers=" .. answers, "--apply" }
    expect.equal(opsh(words).exit, 0)
    expect.equal(app.calls(), {
      "php artisan test --filter ScenarioGeneration|LlmResponseValidator sqlite",
      "php artisan config:clear",
      "php artisan cache:clear",
    })
    expect.contains(app.env(), "IMPORT_GENERATION=true # on when it is proved")
    expect.equal(opsh({ "undo", last_run(database), "--apply" }).exit, 0)
    expect.equal(app.env(), env)
    local after = database:checksum()
    -- A rollback leaves sequences where they are.
    before.migrations_id_seq, after.migrations_id_seq = nil, nil
    expect.equal(after, before)
  end)

  it("002: have opsh watch fail when the importer logs an error after the run began", function()
    local database = fixture("backfill_import_audit", { n = 100, seed = 1 })
    local app = application.start(database)
    local opsh = runner(database, app)
    test.write("application/storage/logs/laravel.log", "[2026-01-01 00:00:00] staging.ERROR: importer: long ago\n")
    expect.equal(opsh({ "backfill_import_audit", "--app-dir=" .. app.folder, "--apply" }).exit, 0)
    expect.equal(opsh({ "watch", last_run(database), "--once" }).exit, 0)
    test.write(
      "application/storage/logs/laravel.log",
      os.date("![%Y-%m-%d %H:%M:%S]", os.time() + 1) .. " staging.ERROR: ScenarioGenerationImporter: no name\n"
    )
    local watched = opsh({ "watch", last_run(database), "--once" })
    expect.equal(watched.exit, 6)
    expect.contains(watched.output, "errors in the application's log")
  end)

  it("002: name prompts with secrets without showing them, and stop, with --refuse-secrets", function()
    local database = fixture("backfill_import_audit", { n = 100, seed = 1 })
    database:execute("update scenarios set accepted_prompt = 'ghp_' || repeat('a1B2', 9) where id = 7")
    local opsh = runner(database, application.start(database))
    local result = opsh({ "backfill_import_audit", "--refuse-secrets", "--apply" })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "scenario_id 7: GitHub token in accepted_prompt")
    expect.lacks(result.output .. result.errors, "a1B2a1B2")
    expect.equal(database:value("select to_regnamespace('opsh') is null"), true)
  end)

  it("003: take the application down for the backfill only, and imports on for the acceptance only", function()
    local database = fixture("backfill_accepted_prompts", { n = 60, seed = 1, imp = 20 })
    local app = application.start(database)
    local opsh = runner(database, app)
    local free = database:query([[
      select generation.id from scenario_generations as generation
      where not exists (select from scenarios where source_generation_id = generation.id) order by id limit 2]])
    local first, second = free[1].id, free[2].id
    local answers = test.write("answers.lua", 'return { ["incubated entities"] = "yes", promotion = "yes" }')
    local words = { "backfill_accepted_prompts", "--app-dir=" .. app.folder, "--url=" .. app.url, "--accept=" .. first,
      "--accept=" .. second, "--smoke-tests", "--answers=" .. answers, "--apply" }

    -- It fails while the application is down: it goes up again.
    database:execute([[
      create function fails() returns trigger language plpgsql as $$ begin raise 'not today'; end $$;
      create trigger fails before update on scenarios for each statement execute function fails()]])
    expect.equal(opsh(words).exit, 1)
    local calls = app.calls()
    expect.equal(calls, { "php artisan down", "php artisan up" })
    expect.contains(app.notices()[1], ": failed")

    -- The API accepts one and not the other: the flags are put back in reverse.
    database:execute("drop function fails cascade")
    application.accepts(second)
    local id, env, clear = last_run(database), app.env(), { "php artisan config:clear", "php artisan cache:clear" }
    local result = opsh({ "resume", id, "--answers=" .. answers })
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "taking back: imports on\ntaking back: answers are validated")
    expect.equal(app.env(), env)
    calls = app.calls()
    expect.equal({ unpack(calls, 3, 6) }, { "php artisan down", "php artisan up", unpack(clear) })
    expect.equal(#calls, 4 + 4 * #clear)

    application.accepts()
    expect.equal(opsh({ "resume", id, "--answers=" .. answers }).exit, 0)
    expect.contains(app.env(), "IMPORT_GENERATION=false # on when it is proved\nVALIDATE_LLM_RESPONSE=true\n")
    local path = "POST /api/strategic-planning/scenario-generations/%d/accept"
    local again = path:format(second)
    expect.equal(app.asked(), { "POST /webhook", path:format(first), again, "POST /webhook", again, "GET /up",
      "POST /webhook" })
    local recorded = "select string_agg(left(migration, 17) || ' ' || batch, ', ' order by migration) from migrations"
    expect.equal(database:value(recorded), "2026_02_07_120000 1, 2026_02_07_130000 1")
    expect.equal(opsh({ "undo", id, "--apply" }).exit, 0)
    expect.equal(app.env(), env)
    expect.equal(database:value(recorded), nil)
  end)

  it("003: refuse to begin outside the window, on another database, while imports may be on", function()
    local database = fixture("backfill_accepted_prompts", { n = 60, seed = 1, imp = 20 })
    local app = application.start(database, "")
    test.write("application/.env", "APP_ENV=staging\nDB_DATABASE=other\n")
    local now = os.time()
    local window = os.date("!%H:%M-", now + 7200) .. os.date("!%H:%M", now + 10800)
    local opsh = runner(database, app)
    local words = { "backfill_accepted_prompts", "--app-dir=" .. app.folder, "--window=" .. window }
    local failed = {}
    for _, check in ipairs(opsh({ words[1], words[2], words[3], "--json" }).json().preconditions) do
      if check.outcome ~= "pass" then failed[#failed + 1] = check.name end
    end
    expect.equal(#failed, 3)
    expect.contains(failed[1], "within the window")
    expect.equal({ failed[2], failed[3] }, { "database of the application", "IMPORT_GENERATION in .env" })
    words[#words + 1] = "--apply"
    expect.equal(opsh(words).exit, 5)
    expect.equal(app.calls(), {})

    local alone = opsh({ "backfill_accepted_prompts", "--accept=1" })
    expect.equal(alone.exit, 2)
    expect.contains(alone.errors, "--app-dir is wanted too")
  end)
end)
