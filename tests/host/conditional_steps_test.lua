local test = require("opsh.test")
local documents = require("documents")
local effecting = require("effecting")

local describe, it, expect = test.describe, test.it, test.expect
local items, lines, work = effecting.items, effecting.lines, effecting.work

local params = [[params = { app_dir = { type = "string" }, hushed = { type = "boolean" }, key = { type = "string",
  secret = true } },]]
local around = [[
{ name = "down", when = "app_dir", effect = says("down"), compensate = says("up") },
{ name = "hush", when = "hushed", effect = says("hush"), compensate = says("speak") },
]]
local up = ', { name = "up", when = "app_dir", ends = "down" }'

local function script(steps) return effecting.script(steps, params) end

local function run(path, database, ...) return test.opsh({ path, ... }, { db = database }) end

local function undo(database)
  return test.opsh({ "undo", effecting.last_run(database), "--apply" }, { db = database })
end

describe("a step with `when`", function()
  it("is in the run with its param, and is named where it is left out", function()
    local database, path = items(), script(around .. work .. up)
    local bare = run(path, database)
    expect.contains(bare.output, "left out without --app-dir: down, up\nleft out without --hushed: hush\n")
    expect.contains(bare.output, "step work")
    local document = run(path, database, "--apply", "--hushed", "--app-dir=/srv/app", "--json").json()
    documents.fit(document, "run")
    expect.equal(#document.steps_left_out, 0)
    expect.equal(lines(), { "down", "hush", "up" })
  end)

  it("is left out of an apply, and of its undo", function()
    local database, path = items(), script(around .. work .. up)
    local applied = run(path, database, "--apply", "--json", "--no-hushed")
    documents.fit(applied.json(), "run")
    expect.equal(#applied.json().steps_left_out, 3)
    expect.equal(undo(database).exit, 0)
    expect.equal(lines(), {})
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)

  it("is taken back where it was in the run, whatever is left out before it", function()
    local database, path = items(), script(around .. work)
    expect.equal(run(path, database, "--apply", "--hushed").exit, 0)
    expect.equal(undo(database).exit, 0)
    expect.equal(lines(), { "hush", "speak" })
  end)

  it("makes what comes after it come after none", function()
    local steps = '{ name = "down", when = "app_dir", effect = says("down") },'
      .. work:gsub('key = "id"', 'key = "id", after = "down"', 1)
    local planned = run(script(steps), items())
    expect.contains(planned.output, "items    5")
  end)

  it("leaves no run behind when nothing is left of it", function()
    local result = run(script('{ name = "down", when = "app_dir", effect = says("down") }'), items(), "--apply")
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "no step of the runbook is in this run")
    expect.contains(result.errors, "give --app-dir")
  end)

  it("is refused where its param is none, is secret, or differs from that of the step it ends", function()
    local function refused(steps) return run(script(steps), items()).errors end
    expect.contains(refused('{ name = "x", when = "nope", effect = says("x") }'), "there is no such param")
    expect.contains(refused('{ name = "x", when = "key", effect = says("x") }'), "is secret")
    expect.contains(refused(around .. '{ name = "up", ends = "down" }'), "they differ in `when`")
  end)
end)
