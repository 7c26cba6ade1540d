local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

--- What may stand in the place of the last of these words.
local function at(...)
  local result = test.opsh({ "completion", "at", "--", ... })
  expect.equal(result.exit, 0, result.errors)
  expect.equal(result.errors, "")
  local words = {}
  for word in result.output:gmatch("([^\t\n]+)[^\n]*") do
    words[#words + 1] = word
  end
  return table.concat(words, " ")
end

local runbook = [[
local runbook = require("opsh.runbook")
return runbook {
  title = "sample",
  params = { scope = { type = "choice", choices = { "all", "active" }, default = "all" }, dry = { type = "boolean" } },
  steps = { { name = "a", key = "id", plan = "select 1 as id", writes = { "t" }, apply = function() end } },
}
]]

--- A house with a target, a runbook, a plan and a run.
local function house()
  test.write("opsh.config.lua", [[return {
    targets = { prod = { connect = "dbname=x", protected = true }, proof = { connect = "dbname=y" } },
    runbooks = { "jobs" },
  }]])
  test.write("jobs/tidy.lua", runbook)
  test.write(".opsh/runs/20260101-000000-abcd/audit.jsonl", "")
end

describe("completion", function()
  it("knows commands, runbooks of the house, options, and words that a command takes", function()
    house()
    expect.equal(at("re"), "repl report restore resume :files")
    expect.equal(at("ti"), "tidy :files")
    expect.equal(at("--sand"), "--sandbox")
    expect.equal(at("-q", "sandbox", "st"), "start status stop")
    expect.equal(at("backup", "prune", "--ap"), "--apply")
    expect.equal(at("backup", "--ap"), "")
    expect.equal(at("backup", ""), "list prune")
    expect.equal(at("undo", ""), "20260101-000000-abcd")
    expect.equal(at("undo", "20260101-000000-abcd", ""), "")
    expect.equal(at("audit", "verify", "2026"), "20260101-000000-abcd")
    expect.equal(at("test", ""), ":files")
  end)

  it("knows values: targets, choices and those of a runbook's params, however they are written", function()
    house()
    expect.equal(at("--target", "pro"), "prod proof")
    expect.equal(at("--target=pro"), "--target=prod --target=proof")
    expect.equal(at("--target", "=", "prod"), "prod")
    expect.equal(at("--lang", ""), "en es")
    expect.equal(at("tidy", "--sco"), "--scope")
    expect.equal(at("--target=prod", "jobs/tidy.lua", "--apply", "--scope", "a"), "active all")
    expect.equal(at("tidy", "--scope=al"), "--scope=all")
    expect.equal(at("tidy", "--no-d"), "--no-dry")
    expect.equal(at("tidy", "--scope=all", "--sco"), "")
  end)

  it("is silent about what is wrong: no such file, a broken runbook, a broken configuration", function()
    test.write("broken.lua", "return {")
    expect.equal(at("broken.lua", "--"), "")
    expect.equal(at("missing.lua", "--"), "")
    test.write("opsh.config.lua", "return nil, 1 +")
    expect.equal(at("undo", ""), "")
  end)

  it("works in bash", function()
    house()
    local script = [[
      PATH=$(dirname "$OPSH"):$PATH
      eval "$(opsh completion bash)"
      ask() { COMP_WORDS=(opsh "$@"); COMP_CWORD=$#; _opsh 2>/dev/null; printf '%s ' "${COMPREPLY[@]}"; echo; }
      ask undo ""
      ask --target = pro
      ask jobs/ti
    ]]
    test.write("ask.sh", script)
    local result = test.shell("bash ask.sh")
    expect.equal(result.output, "20260101-000000-abcd \nprod proof \njobs/tidy.lua \n")
  end)

  it("is refused for a shell that it does not know", function()
    local result = test.opsh({ "completion", "fish" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "opsh completion knows no shell fish")
  end)
end)

describe("the manual", function()
  it("has a page of opsh and of each command, which man reads without a complaint", function()
    local overview = test.opsh({ "--help" }).output
    local page = test.opsh({ "manual" }).output
    test.opsh({ "manual", "--output=pages" })
    for command in overview:match("commands:\n(.-)\n\n"):gmatch("  (%l+)  %u") do
      expect.contains(page, "\\fBopsh " .. command .. "\\fR")
      expect.contains(test.shell(("cat pages/opsh-%s.1"):format(command)).output, ".SH NAME\nopsh\\-" .. command)
    end
    for option in overview:gmatch("%-%-([%w-]+)") do
      expect.contains(page, (option:gsub("%-", "\\-")))
    end
    expect.contains(test.opsh({ "manual", "backup" }).output, ".SH OPSH BACKUP PRUNE")
    local complaints = test.shell("for page in pages/*; do groff -man -Tutf8 -ww -z $page; done")
    expect.equal(complaints.exit, 0)
    expect.equal(complaints.errors, "")
  end)

  it("says which page was meant", function()
    local result = test.opsh({ "manual", "bakcup" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean backup?")
  end)
end)
