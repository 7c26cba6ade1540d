local test = require("opsh.test")
local breaking = require("breaking")
local documents = require("documents")
local effecting = require("effecting")

local describe, it, expect = test.describe, test.it, test.expect
local items, lines, script, work = effecting.items, effecting.lines, effecting.script, effecting.work
local applying = effecting.applying

local paired = '{ name = "on", effect = says("on"), compensate = says("off") },'
local failing = '{ name = "fails", effect = function() proc.run({ "sh", "-c", "exit 77" }) end },'

local function broken(name, from, to) return breaking.environment({ { "lua/effects/" .. name, from, to } }) end

local function apply(path, database, arguments, options)
  options = options or {}
  options.db = database
  return test.opsh({ path, "--apply", unpack(arguments or {}) }, options)
end

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

describe("compensations", function()
  local three = [[
    { name = "one", effect = says("one"), compensate = says("-one") },
    { name = "two", effect = says("two") },
    { name = "three", effect = says("three"), compensate = says("-three") },]]

  it("run in reverse when the run fails, once", function()
    local database = items()
    local result = apply(script(three .. work .. "," .. failing), database)
    expect.equal(result.exit, 4)
    expect.equal(lines(), { "one", "two", "three", "-three", "-one" })
    expect.contains(result.errors, "exit status 77")
    expect.contains(result.errors, "taken back: three\n  taken back: one")
    local events = effecting.events(effecting.last_run(database))
    expect.contains(
      table.concat(events, "; "),
      "compensated three done; effect begun one; effect finished one done; compensated one done"
    )
  end)

  it("would be caught in the order of the steps", function()
    local environment =
      broken("effect_steps.lua", "then table.insert(found, 1, step) end", "then found[#found + 1] = step end")
    apply(script(three .. work .. "," .. failing), items(), {}, { environment = environment })
    expect.equal(lines(), { "one", "two", "three", "-one", "-three" })
  end)

  it("are in the document of --json", function()
    local document = apply(script(three .. failing), items(), { "--json" }).json()
    expect.equal(document.compensations, {
      { step = "three", outcome = "done", message = require("opsh").null },
      { step = "one", outcome = "done", message = require("opsh").null },
    })
    expect.equal(document.steps[1].effects.state, "compensated")
  end)

  it("are followed by the effects again when the run is resumed", function()
    local database = items()
    database:execute("alter table item add constraint blocked check (not (done and id = 5))")
    local path = script(paired .. work .. ', { name = "end", ends = "on" },')
    expect.equal(apply(path, database).exit, 4)
    expect.equal(lines(), { "on", "off" })
    database:execute("alter table item drop constraint blocked")
    expect.equal(test.opsh({ "resume", effecting.last_run(database) }, { db = database }).exit, 0)
    expect.equal(lines(), { "on", "off", "on", "off" })
    expect.equal(database:value("select count(*) from item where done"), 5)
  end)

  it("do not take back what a later step has ended", function()
    apply(script(paired .. '{ name = "end", ends = "on" },' .. work .. "," .. failing), items())
    expect.equal(lines(), { "on", "off" })
  end)

  it("do not run for an effect of which nothing was done", function()
    local path = script([[
      { name = "x", effect = function(ctx) if ctx.run then error("before it") end end, compensate = says("back") },]]
      .. work)
    expect.equal(apply(path, items()).exit, 1)
    expect.equal(lines(), {})
  end)

  -- Interrupts a run in its second effect; what it said.
  local function interrupted(environment)
    local path = script([[
      { name = "on", effect = says("on"),
        compensate = function() proc.run({ "sh", "-c", "sleep 0.5; echo off >> lines" }) end },
      { name = "long", effect = function() proc.run({ "sh", "-c", "echo long >> lines; sleep 60" }) end },]] .. work)
    local process = test.spawn({ path, "--apply" }, { db = items(), environment = environment })
    test.wait_until("the long one runs", function() return lines()[2] == "long" end)
    process:signal("INT")
    return process:wait(20)
  end

  it("run when the run is interrupted", function()
    local result = interrupted()
    expect.equal(result.exit, 4)
    expect.equal(lines(), { "on", "long", "off" })
    expect.contains(result.errors, "taken back: on")
  end)

  it("would be cut short by that interrupt without a shield", function()
    local environment = broken(
      "compensation.lua",
      "host.shielded(effect_steps.compensate",
      "host.protect(effect_steps.compensate"
    )
    expect.equal(interrupted(environment).exit, 7)
  end)

  it("that fail are loud: exit 7, what is still on, what to do by hand; and the others run", function()
    local database = items()
    local path = script([[
      { name = "one", effect = says("one"), compensate = says("-one") },
      { name = "two", effect = says("two"), compensate = function() proc.run({ "sh", "-c", "exit 9" }) end },]]
      .. work .. "," .. failing)
    local result = apply(path, database)
    expect.equal(result.exit, 7)
    expect.contains(result.errors, "exit status 77; and it could not be taken back: two")
    expect.contains(result.errors, "still on: two. By hand: cd " .. test.folder() .. " && sh -c 'exit 9'")
    expect.contains(result.errors, "NOT taken back: two")
    expect.equal(lines(), { "one", "two", "-one" })
    expect.equal(database:value("select state from opsh.run"), "stopped")
  end)

  it("run also when the database is gone, and a resume knows", function()
    local database = items()
    local path = script([[{ name = "on", effect = says("on"), compensate = says("off") },
      { name = "work", plan = "select id from item where not done", key = "id", writes = { "item" },
        apply = function(tx)
          if tx:value("select count(*) from item") == 5 then tx:query("select pg_sleep(30)") end
          tx:exec("update item set done = true")
        end },]])
    local elsewhere = database.conninfo:gsub("dbname='[^']*'", "dbname='postgres'")
    local function allow(connections)
      local sql = ("update pg_database set datallowconn = %s where datname = '%s'"):format(connections, database.name)
      local all = "select pg_terminate_backend(pid) from pg_stat_activity where datname = '%s'"
      local ended = all:format(database.name)
      expect.equal(test.shell(('psql -X -q -d "%s" -c "%s; %s"'):format(elsewhere, sql, ended)).exit, 0)
    end
    local process = test.spawn({ path, "--apply" }, { db = database })
    test.wait_until("it sleeps", function()
      return #database:query([[select from pg_stat_activity
        where datname = current_database() and query like '%pg_sleep(30)%' and pid <> pg_backend_pid()]]) > 0
    end)
    allow("false")
    local result = process:wait(60)
    expect.equal(result.exit, 4)
    expect.equal(lines(), { "on", "off" })
    allow("true")
    database:execute("delete from item where id = 5")
    local id = effecting.last_run(database)
    expect.equal(database:value("select effects ->> 'state' from opsh.step where number = 1"), "done")
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 0)
    expect.equal(lines(), { "on", "off", "on" })
  end)
end)

describe("an opsh whose run is taken over in the middle of an effect", function()
  local slow = [[{ name = "on", effect = function() proc.run({ "sh", "-c", "echo on >> lines; sleep 3" }) end,
    compensate = says("off") },]]

  local function taken_over(environment)
    local database, path = items(), script(slow .. work)
    local process = test.spawn({ path, "--apply" }, { db = database, environment = environment })
    test.wait_until("its effect is begun", function() return lines()[1] == "on" end)
    expect.equal(test.opsh({ "resume", effecting.last_run(database) }, { db = database }).exit, 0)
    return process:wait(20)
  end

  it("leaves the effects to the one that goes on", function()
    expect.contains(taken_over().errors, "another opsh has taken over run")
    expect.equal(lines(), { "on", "on" })
  end)

  it("would take back what the other needs, if it did not ask first", function()
    taken_over(breaking.environment({
      { "lua/runbook/ladder.lua", "    can_reach(job, err)\n    err = comp", "    err = comp" },
    }))
    expect.equal(lines(), { "on", "on", "off" })
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
