local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function script(top) return test.write("sample.lua", sample.runbook(nil, top)) end

describe("the command line", function()
  it("refuses a misspelt option after the script and says what was meant", function()
    local result = test.opsh({ script(), "--aply" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--aply")
    expect.contains(result.errors, "did you mean --apply?")
    expect.equal(result.output, "")
  end)

  it("refuses a misspelt option before the script, and the script does not run", function()
    local path = test.write("loud.lua", 'print("it ran")\n' .. sample.runbook())
    local result = test.opsh({ "--quite", path })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean --quiet?")
    expect.lacks(result.errors, "it ran")
  end)

  it("says where --apply belongs when it stands before the script", function()
    local result = test.opsh({ "--apply", script() })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--apply")
  end)

  it("refuses an option that the runbook does not declare", function()
    local result = test.opsh({ script({ params = '{ scenario = { type = "integer" } }' }), "--scenaro=1" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean --scenario?")
  end)

  it("refuses a word that nobody asked for", function()
    local result = test.opsh({ script(), "surplus" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "surplus")
  end)

  it("takes a host option on either side of the script", function()
    local database = test.database({ sql = sample.items(3) })
    local path = script()
    expect.equal(test.opsh({ "--db=" .. database.conninfo, path }).exit, 0)
    expect.equal(test.opsh({ path, "--db=" .. database.conninfo }).exit, 0)
  end)

  it("refuses an option that is given on both sides", function()
    local result = test.opsh({ "--db=x", script(), "--db=y" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--db is given twice")
  end)

  it("refuses two ways to say the target", function()
    local result = test.opsh({ "--db=x", "--sandbox", script() })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--db and --sandbox exclude each other")
  end)

  it("refuses a time limit that is no number, or that the server cannot count", function()
    for _, limit in ipairs({ "soon", "-1", "0.0004", "2147484", "nan" }) do
      local result = test.opsh({ script(), "--lock-timeout=" .. limit })
      expect.equal(result.exit, 2, limit)
      expect.contains(result.errors, "--lock-timeout wants a number of seconds", limit)
    end
  end)

  it("shows the usage when it is asked for", function()
    local result = test.opsh({ "--help" })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "usage: opsh")
  end)

  it("says which command was meant", function()
    local result = test.opsh({ "rums" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean opsh runs?")
  end)

  it("says its version, the commit it was built of, and the libraries it runs with", function()
    local result = test.opsh({ "--version" })
    expect.equal(result.exit, 0)
    expect.matches(result.output, "^opsh %d+%.%d+%.%d+ %(%x+[%a-]*%)\n")
    expect.matches(result.output, "libpqxx %d[^,]*, LuaJIT 2%.1")
  end)
end)

describe("--help", function()
  it("shows the parameters of a runbook with type, default, choices and need, and connects to nothing", function()
    local path = script({
      params = [[{
      mode = { type = "choice", choices = { "fast", "safe" }, default = "safe", help = "How to go." },
      scenario = { type = "integer", required = true, help = "Which scenario." },
      tags = { type = "string", list = true, help = "Only these tags." },
    }]],
    })
    local result = test.opsh({ path, "--help" }, { db = "host=/nowhere connect_timeout=1" })
    expect.equal(result.exit, 0)
    for _, piece in ipairs({
      "--mode",
      "fast",
      "safe",
      "default safe",
      "--scenario INTEGER",
      "required",
      "--tags STRING",
      "How to go.",
    }) do
      expect.contains(result.output, piece)
    end
  end)

  it("shows the title and the ladder", function()
    local result = test.opsh({ script(), "--help" })
    expect.contains(result.output, "sample")
    expect.contains(result.output, "--apply")
  end)

  it("shows the help of every command", function()
    for _, command in ipairs({ "runs", "show", "resume", "sandbox", "schema", "test" }) do
      local result = test.opsh({ command, "--help" })
      expect.equal(result.exit, 0, command)
      expect.contains(result.output, "usage: opsh " .. command)
    end
  end)
end)

describe("--json", function()
  it("prints exactly one document for a plan, and nothing else", function()
    local database = test.database({ sql = sample.items(3) })
    local result = test.opsh({ script(), "--json" }, { db = database })
    local document = result.json()
    expect.equal(document.rung, "plan")
    expect.equal(document.steps[1].planned.items, 3)
    expect.equal(result.errors, "")
  end)

  it("prints exactly one document for an apply", function()
    local database = test.database({ sql = sample.items(3) })
    local document = test.opsh({ script(), "--apply", "--json" }, { db = database }).json()
    expect.equal(document.rung, "apply")
    expect.equal(document.outcome, "done")
    expect.equal(document.exit, 0)
    expect.equal(document.steps[1].done.counts.worked, 3)
  end)

  it("prints exactly one document for a failure, with the exit status in it", function()
    local path = test.write("sample.lua", sample.runbook({ plan = '"select id from nowhere"' }))
    local result = test.opsh({ path, "--json" }, { db = test.database({ sql = sample.items(1) }) })
    local document = result.json()
    expect.equal(document.outcome, "failed")
    expect.equal(document.exit, result.exit)
    expect.equal(document.error.sqlstate, "42P01")
  end)

  it("prints a document for a wrong command line", function()
    local result = test.opsh({ "--json", "nowhere.lua" })
    expect.equal(result.json().error.kind, "usage.script")
    expect.equal(result.exit, 2)
  end)
end)

describe("--quiet", function()
  it("prints the result and nothing on the way", function()
    local database = test.database({ sql = sample.items(3) })
    local result = test.opsh({ script(), "--apply", "--quiet" }, { db = database })
    expect.equal(result.errors, "")
    expect.contains(result.output, "Done.")
  end)

  it("prints errors all the same", function()
    local result = test.opsh({ script(), "--quiet" }, { db = test.database() })
    expect.contains(result.errors, "error: ")
  end)
end)
