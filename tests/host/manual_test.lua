local test = require("opsh.test")
local effecting = require("effecting")

local describe, it, expect = test.describe, test.it, test.expect
local items, lines, script = effecting.items, effecting.lines, effecting.script

local asking = effecting.work .. [[,
  { name = "look", manual = "Does the page show the entries?" },
  { name = "after", effect = says("after") },]]

local function apply(path, database, ...)
  return test.opsh({ path, "--apply", ... }, { db = database })
end

local function resume(database, ...)
  return test.opsh({ "resume", effecting.last_run(database), ... }, { db = database })
end

describe("a manual step", function()
  it("is shown by a plan", function()
    local result = test.opsh({ script(asking) }, { db = items() })
    expect.contains(result.output, "would ask: Does the page show the entries?")
  end)

  it("that nobody answers stops the run, which a resume with answers finishes", function()
    local database = items()
    local result = apply(script(asking), database)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "step look waits for a person: Does the page show the entries?")
    expect.contains(result.errors, "--answers FILE")
    expect.equal(database:value("select state from opsh.run"), "stopped")
    expect.equal(lines(), {})
    test.write("answers.lua", 'return { look = { answer = "yes", note = "ticket 812" } }')
    result = resume(database, "--answers", "answers.lua", "--json")
    expect.equal(result.exit, 0)
    local manual = result.json().steps[2].manual
    expect.equal({ manual.answer, manual.note }, { "yes", "ticket 812" })
    expect.equal(lines(), { "after" })
    expect.contains(test.opsh({ "show", effecting.last_run(database) }, { db = database }).output, "ticket 812")
  end)

  it("takes answers with the apply, as JSON too", function()
    local answers = test.write("answers.json", '{"look": "yes"}')
    expect.equal(apply(script(asking), items(), "--answers", answers).exit, 0)
    expect.equal(lines(), { "after" })
  end)

  it("keeps the file that shows it, with its hash and size", function()
    local database = items()
    test.write("screen.png", "not really a picture")
    local answers = test.write("answers.lua", 'return { look = { answer = "yes", evidence = "screen.png" } }')
    local evidence = apply(script(asking), database, "--answers", answers, "--json").json().steps[2].manual.evidence
    expect.equal(evidence.bytes, 20)
    expect.contains(test.shell("sha256sum screen.png").output, evidence.sha256)
    test.shell("rm screen.png")
    expect.equal(test.shell("cat '" .. evidence.file .. "'").output, "not really a picture")
    local log = test.opsh({ "audit", "show", effecting.last_run(database) }).output
    expect.contains(log, "evidence  screen.png, 20 bytes, sha256 " .. evidence.sha256)
  end)

  it("may want such a file", function()
    local database = items()
    local path = script('{ name = "look", manual = "Is it there?", evidence = true },')
    local answers = test.write("answers.lua", 'return { look = "yes" }')
    local result = apply(path, database, "--answers", answers)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "wants a file that shows it")
  end)

  it("that is answered with no fails the run, takes effects back, and is asked again", function()
    local database = items()
    local path = script('{ name = "on", effect = says("on"), compensate = says("off") },' .. asking)
    local answers = test.write("answers.lua", 'return { look = { answer = "no", note = "page is empty" } }')
    local result = apply(path, database, "--answers", answers)
    expect.equal(result.exit, 6)
    expect.contains(result.errors, "step look: the answer is no: page is empty")
    expect.equal(lines(), { "on", "off" })
    expect.equal(database:value("select state from opsh.run"), "check_failed")
    expect.equal(resume(database).exit, 4)
    test.write("answers.lua", 'return { look = "yes" }')
    expect.equal(resume(database, "--answers", "answers.lua").exit, 0)
    expect.equal(lines(), { "on", "off", "on", "after" })
  end)

  it("leaves what is on while it waits, and says so", function()
    local database = items()
    local path = script('{ name = "on", effect = says("on"), compensate = says("off") },' .. asking)
    local result = apply(path, database)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "still on: on")
    expect.equal(lines(), { "on" })
  end)

  it("is asked by neither plan, simulation nor rehearsal", function()
    local database, path = items(), script(asking)
    expect.equal(test.opsh({ path, "--simulate" }, { db = database }).exit, 0)
    expect.equal(test.opsh({ path, "--rehearse", "--backup", "now" }, { db = database }).exit, 0)
  end)
end)

describe("answers", function()
  it("that do not fit are refused before anything is written", function()
    local database, path = items(), script(asking)
    for text, words in pairs({
      ['return { lok = "yes" }'] = "did you mean look?",
      ['return { look = "perhaps" }'] = "must be yes or no",
      ['return { look = { answer = "yes", evidence = "gone.png" } }'] = "there is no file",
      ["return 5"] = "a table of answers",
      ['return { look = os.time() }'] = "no functions can be called",
      ["return {"] = "a Lua file that returns a table",
    }) do
      local result = apply(path, database, "--answers", test.write("answers.lua", text))
      expect.equal({ result.exit, text }, { 2, text })
      expect.contains(result.errors, words)
    end
    expect.equal(apply(path, database, "--answers", "missing.lua").exit, 2)
    expect.equal(test.opsh({ path, "--answers", "answers.lua" }, { db = database }).exit, 2)
    expect.equal(database:value("select to_regnamespace('opsh') is null"), true)
  end)
end)
