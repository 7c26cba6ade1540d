local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local runbook = "../../remediate_achievements.lua"

local function database()
  local files = { "../fixture/schema.sql", "../fixture/data.sql" }
  return test.database({ files = files, variables = { n = 100, seed = 1 } })
end

local function apply(on, ...) return test.opsh({ test.beside(runbook), "--apply", ... }, { db = on }) end

local answers = [[return {
  ["create an achievement"] = { answer = "yes", evidence = "bank.png" },
  ["import an achievement"] = { answer = "yes", evidence = "bank.png" },
  ["texts of the AI"] = { answer = "%s", evidence = "bank.png" },
}]]

describe("the smoke tests of achievements", function()
  it("wait for a person with a file that shows it, and a no is a failed check", function()
    local on = database()
    local waiting = apply(on, "--smoke-tests", "--json")
    expect.equal(waiting.exit, 4, waiting.errors)
    local run = waiting.json().run
    expect.equal(waiting.json().steps[1].done.counts.relinked, waiting.json().steps[1].summary.planned_relink)

    test.write("bank.png", "picture")
    local no = test.write("no.lua", answers:format("no"))
    expect.equal(test.opsh({ "resume", run, "--answers=" .. no }, { db = on }).exit, 6)
    local yes = test.write("yes.lua", answers:format("yes"))
    local resumed = test.opsh({ "resume", run, "--answers=" .. yes, "--json" }, { db = on })
    expect.equal(resumed.exit, 0, resumed.errors)
    expect.equal(test.shell(("cat state/opsh/runs/%s/evidence/*"):format(run)).output, ("picture"):rep(3))
  end)

  it("are not asked for without --smoke-tests, and nothing is done outside the window", function()
    local on = database()
    local hour = on:value("select extract(hour from now() at time zone 'UTC')::int")
    local window = ("--window=%02d:00-%02d:00"):format((hour + 2) % 24, (hour + 23) % 24)
    local result = apply(on, window)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "it is within the window")
    expect.equal(on:value("select to_regnamespace('opsh') is null"), true)
    expect.contains(test.opsh({ test.beside(runbook) }, { db = on }).output, "left out without --smoke-tests")
  end)
end)
