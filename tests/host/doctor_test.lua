local doctoring = require("doctoring")
local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect
local configure, finding, look = doctoring.configure, doctoring.finding, doctoring.look

describe("opsh doctor", function()
  it("finds no problem in a sandbox, and exits 0", function()
    local result = test.opsh({ "--sandbox", "doctor" })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "no problem, no warning\n")
    for _, piece in ipairs({ "libpqxx", "LuaJIT", "track_counts", "pg_dump", "primary" }) do
      expect.contains(result.output, piece)
    end
  end)

  it("prints one document, whose figures are those of its checks", function()
    local document, result = look(test.database())
    expect.equal(result.exit, 0)
    local counts = { problem = 0, warning = 0 }
    for _, check in ipairs(document.checks) do
      counts[check.state] = (counts[check.state] or 0) + 1
      expect.is_true(check.state == "ok" or type(check.advice) == "string", check.name .. " says what to do")
    end
    expect.equal({ document.problems, document.warnings }, { counts.problem, counts.warning })
    expect.equal(result.errors, "")
  end)

  it("says with --quiet only what is not right", function()
    local document = look(test.database(), { "--quiet" })
    expect.is_true(#document.checks > 0)
    for _, check in ipairs(document.checks) do
      expect.is_true(check.state ~= "ok", check.name)
    end
  end)

  it("writes nothing, also with a runbook", function()
    local database = test.database({ sql = sample.items(3) })
    local before = database:checksum()
    look(database, { test.write("sample.lua", sample.runbook()) })
    expect.equal(database:checksum(), before)
    expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
  end)

  it("breaks its lines at the width of a terminal", function()
    local result = test.shell('COLUMNS=80 script -qec "stty cols 80; \\"$OPSH\\" --sandbox doctor" /dev/null', {
      environment = { TERM = "xterm" },
    })
    for line in result.output:gsub("\27%[[%d;]*m", ""):gmatch("[^\r\n]+") do
      expect.is_true(#line <= 80, line)
    end
    expect.contains(result.output, "\27[32m")
  end)
end)

describe("the command line of doctor", function()
  it("that is wrong exits 2", function()
    configure("service=shop")
    for _, arguments in ipairs({
      { "--older-than=x" },
      { "--db=x", "--target=shop" },
      { "--target=shpo" },
      { "a", "b" },
    }) do
      expect.equal(test.opsh({ "doctor", unpack(arguments) }).exit, 2, arguments[1])
    end
  end)
end)

describe("without a server", function()
  it("a target that is named is told with what was tried, and exits 3", function()
    local document, result = look("host=/nowhere dbname=shop")
    expect.equal(result.exit, 3)
    expect.equal(finding(document, "server", "reachable").state, "problem")
    expect.contains(finding(document, "server", "reachable").advice, "/nowhere")
    expect.equal(finding(document, "opsh", "libraries").state, "ok")
  end)

  it("the ways to name a target are told when none is", function()
    configure("service=shop")
    local document, result = look(nil, {})
    expect.equal(result.exit, 3)
    local reachable = finding(document, "server", "reachable")
    expect.contains(reachable.found, "no target is named")
    for _, piece in ipairs({ "--target NAME (shop)", "--db", "--sandbox", "PGHOST" }) do
      expect.contains(reachable.advice, piece)
    end
  end)

  it("a runbook is loaded all the same, and the rest cannot be told", function()
    local document, result = look("host=/nowhere", { test.write("sample.lua", sample.runbook()) })
    expect.equal(result.exit, 3)
    expect.equal(finding(document, "runbook", "loads").state, "ok")
    expect.equal(finding(document, "runbook", "tables and plans").state, "unknown")
  end)

  it("a password is in no finding", function()
    configure("host=/nowhere password=hunter2")
    local document, result = look("host=/nowhere", {})
    expect.equal(finding(document, "opsh", "target shop").state, "problem")
    expect.lacks(result.output .. result.errors, "hunter2")
  end)
end)

describe("this machine", function()
  it("with an opsh.config.lua that is not valid has a problem there", function()
    test.write("opsh.config.lua", "return { targts = {} }")
    local document, result = look(nil, {})
    expect.equal(result.exit, 3)
    local config = finding(document, "opsh", "opsh.config.lua")
    expect.equal(config.state, "problem")
    expect.contains(config.advice, "did you mean targets?")
    expect.contains(finding(document, "server", "target").found, "opsh.config.lua is not valid")
  end)

  it("with a state directory that others can read is told the mode to give it", function()
    local folder = test.folder() .. "/state/opsh"
    test.shell(("mkdir -p %s && chmod 755 %s"):format(folder, folder))
    local state = finding(look(test.database()), "opsh", "state directory")
    expect.equal(state.state, "warning")
    expect.equal(state.advice, "chmod 700 " .. folder)
  end)

  it("without a UTF-8 locale is told how to have one", function()
    local document = look(test.database(), {}, { LC_ALL = "POSIX" })
    expect.equal(finding(document, "opsh", "locale").state, "note")
  end)

  it("with a pg_dump older than the server cannot back it up", function()
    test.write("bin/pg_dump", "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    test.shell([[
      chmod +x bin/pg_dump
      for p in postgres initdb; do ln -s "$(ls -d /usr/lib/postgresql/*/bin | tail -1)/$p" bin/$p; done]])
    local document = look(test.database(), {}, { OPSH_PG_BIN = test.folder() .. "/bin" })
    local dump = finding(document, "programs", "pg_dump for this server")
    expect.equal(dump.state, "warning")
    expect.contains(dump.found, "9.6.1 is older than the server")
  end)
end)
