local test = require("opsh.test")
local documents = require("documents")
local effecting = require("effecting")

local describe, it, expect = test.describe, test.it, test.expect
local items, lines, script = effecting.items, effecting.lines, effecting.script
local work, applying = effecting.work, effecting.applying
local paired, broken, apply = effecting.paired, effecting.broken, effecting.apply

describe("an effect", function()
  it("is foretold by a plan, and done by an apply", function()
    local database, path = items(), script(paired .. work)
    local result = test.opsh({ path }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "would run sh -c 'echo on >> lines'")
    expect.contains(result.output, "taken back by: run sh -c 'echo off >> lines'")
    expect.equal(lines(), {})
    expect.equal(apply(path, database).exit, 0)
    expect.equal(lines(), { "on" })
  end)

  it("would be caught if a plan did it", function()
    local environment = broken("hands.lua", "act = foretell(job, not rung.rests)", "act = read(job)")
    test.opsh({ script(paired .. work) }, { db = items(), environment = environment })
    expect.equal(lines()[1], "on")
  end)

  it("is not done by a simulation, which says so", function()
    local database = items()
    local path = script(paired .. applying('say("batch")'))
    local result = test.opsh({ path, "--simulate" }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "on: would run sh -c 'echo on >> lines'")
    expect.contains(result.output, "would do 3 effects")
    expect.equal(lines(), {})
  end)

  it("is not done by a rehearsal", function()
    local database = items()
    local path = script(paired .. applying('say("batch")'))
    local result = test.opsh({ path, "--rehearse", "--backup", "now" }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "on: would run sh -c 'echo on >> lines'")
    expect.equal(lines(), {})
  end)

  it("is recorded in the audit log before and after, and in the document", function()
    local database = items()
    local document = apply(script(paired .. work), database, { "--json" }).json()
    local done = document.steps[1].effects.done[1]
    expect.equal({ document.steps[1].kind, done.what, done.outcome, done.status }, {
      "effect",
      "run sh -c 'echo on >> lines'",
      "done",
      0,
    })
    local events = effecting.events(document.run)
    expect.equal({ unpack(events, 3, 5) }, { "step started on", "effect begun on", "effect finished on done" })
    expect.contains(test.opsh({ "show", document.run }, { db = database }).output, "echo on >> lines")
  end)

  it("happens with items only, unless the runbook has none", function()
    local database = items()
    database:execute("update item set done = true")
    expect.contains(apply(script(paired .. work), database).output, "Nothing to do")
    expect.equal(lines(), {})
    expect.equal(apply(script(paired), database).exit, 0)
    expect.equal(lines(), { "on" })
  end)

  it("that was begun when opsh was killed is done again by a resume, which says so", function()
    local database = items()
    local path = script([[
      { name = "on", effect = function()
        proc.run({ "sh", "-c", "echo on >> lines; test -e once || { touch once; kill -9 $PPID; sleep 5; }" })
      end, compensate = says("off") },]] .. work)
    expect.equal(apply(path, database).signal, 9)
    local id = effecting.last_run(database)
    local result = test.opsh({ "resume", id }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.errors, "step on was begun and not finished: it is done again")
    expect.equal(lines(), { "on", "on" })
    expect.equal(database:value("select count(*) from item where done"), 5)
  end)

  it("would be lost if it were recorded as done before it is", function()
    local first = "record.state, record.ends, record.compensable = "
    local environment = broken("effect_steps.lua", first .. '"begun"', first .. '"done"')
    local database = items()
    local path = script([[
      { name = "on", effect = function() proc.run({ "sh", "-c", "kill -9 $PPID; sleep 5" }) end },]] .. work)
    expect.equal(apply(path, database, {}, { environment = environment }).signal, 9)
    local result = test.opsh({ "resume", effecting.last_run(database) }, { db = database, environment = environment })
    expect.lacks(result.errors, "it is done again")
  end)

  it("that ends another one says on a plan what that one would remember", function()
    local path = script([[
      { name = "on", effect = function(ctx) ctx:remember("was", "off") say("on") end,
        compensate = function(ctx) say(ctx:remember("was")) end },
      { name = "end", ends = "on" },]])
    local planned = test.opsh({ path }, { db = items() }).output
    local words = "run sh -c 'echo off >> lines'"
    expect.contains(planned, "taken back by: " .. words)
    expect.contains(planned, "would " .. words)
  end)

  it("that would fail for what can be known is refused before anything is written", function()
    local database = items()
    for _, case in ipairs({
      { 'proc.run({ "no-such-program-here" })', "there is no program" },
      { 'proc.run({ "true" }, { directory = "nowhere" })', "there is no folder" },
      { 'http.post("https://localhost/x", { bearer = "NO_SUCH_VARIABLE" })', "NO_SUCH_VARIABLE" },
      { 'http.post("ftp://localhost/x")', "not a URL" },
      { 'files.write("out/x", "text")', "there is no folder" },
      { 'flags.set("sample.lua", "A", 1)', "in no folder that the runbook declares" },
    }) do
      local path = script(("{ name = 'beyond', effect = function() %s end },"):format(case[1]) .. work)
      expect.contains(test.opsh({ path }, { db = database }).output, "an apply would be refused")
      local result = apply(path, database)
      expect.equal({ result.exit, case[1] }, { 5, case[1] })
      expect.contains(result.errors, case[2])
    end
    expect.equal(database:value("select to_regnamespace('opsh') is null"), true)
  end)

  it("is refused where nothing may be done: at load, in plan, in a check", function()
    local database = items()
    local loaded = test.write("loads.lua", 'require("opsh.http").get("http://localhost/")')
    expect.contains(test.opsh({ loaded }).errors, "nothing can be asked for while a script is read")
    local plan = 'plan = function() say("x") return "select id from item" end, key'
    local planned = script((work:gsub('plan = ".-", key', plan)))
    expect.contains(test.opsh({ planned }, { db = database }).errors, "cannot run sh")
    local checked = script((work:gsub(" }$", ', verify = function(check) say("x") end }')))
    local result = apply(checked, database)
    expect.equal(result.exit, 6)
    expect.contains(result.errors, "cannot run sh")
    expect.equal(lines(), {})
  end)

  it("is reached through opsh's modules alone", function()
    local result = test.opsh({ test.write("x.lua", 'require("opsh.effects").ask({ kind = "process" })') })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "no module opsh.effects")
  end)

  it("may use its request's answer on a plan without deciding by it", function()
    local web = effecting.web()
    local path = script(([[
      { name = "two", effect = function()
        local made = http.post("%s/jobs", { json = { a = 1 } })
        http.post("%s/jobs/" .. made.json.id .. "/start")
        if made.json.count > 5 then http.post("%s/other") end
      end },]]):format(web.url, web.url, web.url))
    local result = test.opsh({ path }, { db = items() })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "/jobs/.../start")
    expect.contains(result.output, "what the answer then decides")
    expect.equal(web.seen(), {})
  end)

  it("fails a plan by a mistake of the script's own", function()
    local result = test.opsh({ script('{ name = "x", effect = function() nonsense() end },') }, { db = items() })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "undefined global nonsense")
  end)
end)

describe("a program that runs too long", function()
  it("is ended, and its step taken back", function()
    local path = script([[
      { name = "slow",
        effect = function() proc.run({ "sh", "-c", "echo slow >> lines; sleep 30" }, { timeout = 0.3 }) end,
        compensate = says("back") },]] .. work)
    local database = items()
    local result = apply(path, database)
    expect.contains(result.errors, "stopped after 0.3 s")
    expect.contains(result.errors, "taken back: slow")
    expect.equal(lines(), { "slow", "back" })
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)
end)

describe("what a program wrote", function()
  it("is kept beside the run, and shown in no log", function()
    test.write("values", "row-value-17\n")
    local path = script([[{ name = "talks", effect = function() proc.run({ "sh", "-c", "cat values; exit 3" }) end },]])
    local result = apply(path, items())
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "exit status 3")
    expect.lacks(result.errors, "row-value-17")
    expect.contains(test.shell("cat state/opsh/runs/*/output/*").output, "row-value-17")
  end)
end)

describe("a step that comes after an effect", function()
  local path
  local function migrating()
    path = script([[{ name = "migrate", effect = says("migrate") },
      { name = "later", after = "migrate", plan = "select id, fresh from item", key = "id", writes = { "item" },
        apply = function(tx) tx:exec("update item set fresh = 1") end,
        verify = function(check) check:that("x", false) end },
      ]] .. work)
    return items()
  end

  it("is left out of a simulation and a rehearsal, which say so", function()
    local database = migrating()
    local plan = test.opsh({ path }, { db = database }).output
    expect.contains(plan, "its rows are known when its turn comes\n")
    local result = test.opsh({ path, "--simulate" }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "step later, which is planned after migrate")
    result = test.opsh({ path, "--rehearse", "--backup", "now" }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "step later, which comes after migrate, beyond the database")
  end)
end)

describe("the document of a run with effects and questions", function()
  it("fits its schema on every rung", function()
    local database = items()
    local path = script(paired .. applying('say("batch")') .. ', { name = "look", manual = "Is it there?" },',
      'finally = function() notify.webhook({ webhook = "HOOK", json = {} }) end,')
    local answers = test.write("answers.lua", 'return { look = { answer = "yes", evidence = "answers.lua" } }')
    for _, arguments in ipairs({ {}, { "--simulate" }, { "--apply" }, { "--apply", "--answers", answers } }) do
      local result = test.opsh({ path, "--json", unpack(arguments) }, {
        db = database,
        environment = { HOOK = "http://127.0.0.1:9/abcd" },
      })
      documents.fit(result.json(), "run")
    end
  end)
end)

describe("effects asked for in apply", function()
  local posting = applying('say("batch" .. list[1].id)')

  it("are done after the COMMIT of their batch, and not for one that is rolled back", function()
    local database = items()
    database:execute("alter table item add constraint blocked check (not (done and id = 3))")
    local result = apply(script(posting), database)
    expect.equal(result.exit, 4)
    expect.equal(lines(), { "batch1" })
    database:execute("alter table item drop constraint blocked")
    expect.equal(test.opsh({ "resume", effecting.last_run(database) }, { db = database }).exit, 0)
    expect.equal(lines(), { "batch1", "batch3", "batch5" })
  end)

  it("would be caught if they were done at once", function()
    local environment = broken("hands.lua", "wait = batch_effects.waiting(job)", "wait = read(job)")
    local database = items()
    database:execute("alter table item add constraint blocked check (not (done and id = 3))")
    apply(script(posting), database, {}, { environment = environment })
    expect.equal(lines(), { "batch1", "batch3" })
  end)

  it("that were begun when opsh was killed are done again by a resume", function()
    local database = items()
    local path = script(applying([[
      proc.run({ "sh", "-c", "echo did >> lines; test -e once || { touch once; kill -9 $PPID; sleep 5; }" })]]))
    expect.equal(apply(path, database).signal, 9)
    expect.equal(database:value("select count(*) from item where done"), 2)
    local result = test.opsh({ "resume", effecting.last_run(database) }, { db = database })
    expect.equal(result.exit, 0)
    expect.contains(result.errors, "doing what waited for the commit of batch 1")
    expect.equal(lines(), { "did", "did", "did", "did" })
    expect.equal(database:value("select count(*) from item where done"), 5)
  end)

  it("stop the run when they fail, and are tried again by a resume", function()
    local database = items(2)
    local path = script(applying([[proc.run({ "sh", "-c", "echo did >> lines; test -e mended" })]]))
    local result = apply(path, database)
    expect.equal(result.exit, 4)
    expect.equal(database:value("select count(*) from item where done"), 2)
    test.write("mended", "")
    expect.equal(test.opsh({ "resume", effecting.last_run(database) }, { db = database }).exit, 0)
    expect.equal(lines(), { "did", "did" })
    expect.equal(database:value("select figures -> 'effects' -> 0 ->> 'outcome' from opsh.batch"), "done")
  end)
end)
