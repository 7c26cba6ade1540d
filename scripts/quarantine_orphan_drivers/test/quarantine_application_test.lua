local json = require("opsh.json")
local quarantining = require("quarantining")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

--- The application's programs, which write down that they were called: "alembic current", ...
local function application()
  local folder = test.folder()
  for name, does in pairs({
    alembic = 'echo "014_driver_orphan_quarantine $(cat head)"',
    npm = ":",
    pytest = "test ! -e fails",
    python3 = ":",
  }) do
    test.write("bin/" .. name, ("#!/bin/sh\necho %s $1 >> '%s/calls'\n%s\n"):format(name, folder, does))
  end
  test.write("app/backend/head", "(head)")
  for _, page in ipairs({ "app/orphans/page.tsx", "components/Sidebar.tsx" }) do
    test.write("app/frontend/" .. page, "")
  end
  test.shell("chmod +x bin/*")
  return folder .. "/app"
end

local function calls() return test.shell("cat calls; rm -f calls").output:gsub("\n", ", ") end

local function web_server()
  local server, log = test.beside("../../../tests/host/programs/web_server.py"), test.folder() .. "/seen"
  test.shell(("python3 '%s' '%s' > port 2>&1 &"):format(server, log))
  return "http://127.0.0.1:" .. test.wait_until("the web server runs", function()
    return test.shell("cat port").output:match("^%d+")
  end)
end

local function requests()
  local list = {}
  for line in test.shell("cat seen").output:gmatch("[^\n]+") do
    list[#list + 1] = json.decode(line)
  end
  return list
end

local function opsh(database, environment, ...)
  local path = test.folder() .. "/bin:" .. test.shell('printf %s "$PATH"').output
  environment.PATH = path
  return test.opsh({ ... }, { db = database, environment = environment })
end

local function apply(database, environment, ...)
  return opsh(database, environment, test.beside(quarantining.runbook), "--apply", ...)
end

local answers = [[return {
  ["look at the dashboard"] = { answer = "yes", note = "ticket 812" },
  ["look at the page"] = "yes",
}]]

describe("the application that the drivers belong to", function()
  it("is looked at before, built and tested after, asked and tried, and the team is told", function()
    local database, app, web = quarantining.prepared(quarantining.few), application(), web_server()
    local counted = database:value("select value from expected.acceptance where name = 'quarantined_total'")
    local url = ("%s/json/%%7B%%22quarantined%%22:%d%%7D"):format(web, counted)
    local result = apply(
      database,
      { OPSH_PARAM_WEBHOOK = web .. "/hook", OPSH_PARAM_API_TOKEN = "letmein" },
      "--app-dir=" .. app,
      "--url=" .. url,
      "--smoke-tests",
      "--answers=" .. test.write("answers.lua", answers),
      "--json"
    )
    expect.equal(result.exit, 0, result.errors)
    local document = result.json()
    expect.equal(calls(), "alembic current, python3 -c, npm ci, npm run, pytest tests/test_orphans_integrity.py, ")
    expect.equal(quarantining.check(document, "the API counts the same drivers in quarantine").outcome, "pass")
    expect.equal(quarantining.step(document, "look at the dashboard").manual.note, "ticket 812")
    local asked, told = unpack(requests())
    expect.equal({ asked.method, asked.authorization }, { "GET", "Bearer letmein" })
    expect.contains(asked.path, "/api/v1/identity/orphans/metrics")
    expect.equal(told.path, "/hook")
    expect.equal(json.decode(told.body).text, "Relink or quarantine drivers without leads: done")
  end)

  it("stops the run when its tests fail, and the resume goes on with them", function()
    local database, app = quarantining.database(quarantining.few), application()
    test.write("app/backend/fails", "")
    local result = apply(database, {}, "--app-dir=" .. app, "--json")
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "pytest tests/test_orphans_integrity.py -v: exit status 1")
    test.shell("rm app/backend/fails calls")
    local links = database:value("select count(*) from canon.identity_links")
    expect.equal(opsh(database, {}, "resume", result.json().run).exit, 0)
    expect.equal(calls(), "pytest tests/test_orphans_integrity.py, ")
    expect.equal(database:value("select count(*) from canon.identity_links"), links)
  end)

  it("is refused with another count in its metrics, and with a migration that is pending", function()
    local database, app, web = quarantining.database(quarantining.few), application(), web_server()
    test.write("app/backend/head", "")
    local pending = apply(database, {}, "--app-dir=" .. app)
    expect.equal(pending.exit, 5)
    expect.contains(pending.errors, "the application has no pending migration")
    expect.equal(database:value("select to_regnamespace('opsh') is null"), true)

    local counted = apply(database, {}, "--url=" .. web .. "/json/%7B%22quarantined%22:0%7D")
    expect.equal(counted.exit, 6)
    expect.contains(counted.errors, "the API counts the same drivers in quarantine")
  end)
end)
