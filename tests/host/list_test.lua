local sample = require("sample")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

describe("opsh list", function()
  it("lists runbooks with params and last runs, and those that do not load, and exits 1 for these", function()
    local database = test.database({ sql = sample.items(3) })
    local params = '{ limit = { type = "integer" }, before = { type = "date", required = true, help = "Until." } }'
    local path = test.write("scripts/one.lua", sample.runbook({}, { params = params }))
    test.write("scripts/shared.lua", "return { 1 }")
    local whole = test.opsh({ "list" })
    expect.equal(whole.exit, 0)
    expect.contains(whole.output, "--before* --limit")
    expect.contains(whole.output, "never")
    expect.lacks(whole.output, "shared")

    expect.equal(test.opsh({ path, "--apply", "--before=2026-01-01" }, { db = database }).exit, 0)
    test.write("scripts/two.lua", 'return require("opsh.runbook") { titel = "x" }')
    local result = test.opsh({ "list", "--json" })
    expect.equal(result.exit, 1)
    local one, two = unpack(result.json())
    expect.equal({ one.path, one.title, one.steps[1].writes[1] }, { "scripts/one.lua", "sample", "item" })
    expect.equal({ one.params[1].option, one.params[1].required, one.params[1].help }, { "--before", true, "Until." })
    expect.equal(one.last_run.state, "done")
    expect.equal({ two.error.kind, two.error.hint }, { "script.declaration", "did you mean title?" })
    local shown = test.opsh({ "list" })
    expect.matches(shown.output, "UTC%).*%d%d:%d%d, done")
    expect.contains(shown.output, "scripts/two.lua does not load")

    -- The ledger of a target knows a run that another machine did; this one's state folder does not.
    test.shell("rm -r state/opsh/runs")
    expect.contains(test.opsh({ "list", path }).output, "never")
    expect.contains(test.opsh({ "list", path }, { db = database }).output, "done")
    local undo = test.opsh({ "undo", one.last_run.id, "--apply" }, { db = database })
    expect.equal(undo.exit, 0)
    expect.contains(test.opsh({ "list", path }, { db = database }).output, "undone")
  end)

  it("gives each runbook lines of its own where a table has no room", function()
    test.write("scripts/one.lua", sample.runbook({}, { title = '"' .. ("word "):rep(12) .. '"' }))
    local result = test.shell([[script -qc 'stty cols 50; "$OPSH" list --no-color' /dev/null]])
    expect.contains(result.output, "scripts/one.lua\r\n  word word")
  end)

  it("refuses a path that is not there, and says when there is nothing", function()
    expect.equal(test.opsh({ "list", "nowhere" }).exit, 2)
    test.write("opsh.config.lua", 'return { runbooks = { "scrips" } }')
    for _, command in ipairs({ "list", "lint" }) do
      local errors = test.opsh({ command }).errors
      expect.matches(errors, "opsh%.config%.lua names .*scrips in runbooks, and it is not there")
    end
    test.shell("rm opsh.config.lua")
    expect.contains(test.opsh({ "list" }).output, "no runbooks here")
    test.write("scripts/inner/x.sql", "")
    expect.contains(test.opsh({ "list" }).output, "no runbooks here")
  end)
end)
