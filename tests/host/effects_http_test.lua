local test = require("opsh.test")
local breaking = require("breaking")
local effecting = require("effecting")
local json = require("opsh.json")

local describe, it, expect = test.describe, test.it, test.expect
local items, script, work = effecting.items, effecting.script, effecting.work

local function apply(path, database, arguments, environment)
  return test.opsh({ path, "--apply", unpack(arguments or {}) }, { db = database, environment = environment })
end

local token = "t0ken-v4lue"
local tokened = 'params = { token = { type = "string", secret = true } },'

local function posting(web, path, options, more)
  return script(effecting.doing(('http.post("%s%s", %s)'):format(web.url, path, options)) .. (more or ""))
end

describe("a request", function()
  it("goes out with the token that it names", function()
    local web = effecting.web()
    local path = posting(web, "/a?key=1", '{ bearer = "API_TOKEN", json = { a = 1 } }')
    expect.equal(apply(path, items(), {}, { API_TOKEN = token }).exit, 0)
    local asked = web.seen()[1]
    expect.equal({ asked.method, asked.path, asked.body }, { "POST", "/a?key=1", '{"a":1}' })
    expect.equal(asked.authorization, "Bearer " .. token)
  end)

  it("that is answered with another status than expected stops the run", function()
    local web = effecting.web()
    local database = items()
    local path = posting(web, "/status/503?key=secretkey", "{}", work)
    local result = apply(path, database)
    expect.equal(result.exit, 4)
    expect.contains(result.errors, "/status/503?... answered 503")
    expect.lacks(result.errors, "secretkey")
    expect.equal(database:value("select count(*) from item where done"), 0)
    path = posting(web, "/status/503", "{ expect = 503 }")
    expect.equal(apply(path, database).exit, 0)
  end)

  it("to nobody is not taken for one that may have happened", function()
    local path = script([[{ name = "x", effect = function() http.post("http://127.0.0.1:9/") end,
      compensate = says("back") },]])
    local document = apply(path, items(), { "--json" }).json()
    expect.equal(document.error.kind, "http.connect")
    expect.equal({ #document.compensations, document.steps[1].effects.done[1].outcome }, { 0, "not done" })
  end)
end)

describe("a smoke test", function()
  local function checking(web, wanted)
    local verify = (', verify = function(check) check:http("health", "%s/health", %s) end }'):format(web.url, wanted)
    return script((work:gsub(" }$", function() return verify end)))
  end

  it("passes when the address answers as it should", function()
    local web = effecting.web()
    local path = checking(web, '{ json = { status = "ok" }, bearer = "API_TOKEN" }')
    local result = apply(path, items(), {}, { API_TOKEN = token })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "pass   health  200")
    expect.equal(web.seen()[1].authorization, "Bearer " .. token)
  end)

  it("fails on another answer: exit 6", function()
    local web = effecting.web()
    local result = apply(checking(web, '{ json = { status = "down" } }'), items())
    expect.equal(result.exit, 6)
    expect.contains(result.errors, "FAIL   health  200, other JSON at /status, expected 200")
    expect.equal(apply(checking(web, "{ status = 204 }"), items()).exit, 6)
  end)

  it("fails when nobody answers", function()
    local result = apply(checking({ url = "http://127.0.0.1:9" }, "{}"), items())
    expect.equal(result.exit, 6)
    expect.contains(result.errors, "http.connect")
  end)

  it("is made on a plan, and left out of a simulation, which says so", function()
    local web = effecting.web()
    local path, database = checking(web, '{ json = { status = "down" } }'), items()
    expect.contains(test.opsh({ path }, { db = database }).output, "other JSON at /status")
    expect.equal(#web.seen(), 1)
    local result = test.opsh({ path, "--simulate", "--json" }, { db = database })
    expect.equal(result.exit, 0)
    expect.equal(result.json().steps[1].checks[1].outcome, "skip")
    expect.equal(#web.seen(), 1)
  end)

  it("would fail a simulation for what nobody else can see yet, if it were made", function()
    local web = effecting.web()
    local environment = breaking.environment({ { "lua/effects/hands.lua", "judge = not_judged", "judge = read(job)" } })
    local path = checking(web, '{ json = { status = "down" } }')
    expect.equal(test.opsh({ path, "--simulate" }, { db = items(), environment = environment }).exit, 6)
  end)
end)

describe("a notice", function()
  local noticing = 'finally = function(ctx) notify.slack({ webhook = "HOOK", text = "it is " .. ctx.so_far.outcome,'
    .. " fields = notify.facts(ctx), timeout = 0.4 }) end,"

  it("tells what the run did, however it ended", function()
    local web = effecting.web()
    local database = items()
    expect.equal(apply(script(work, noticing), database, {}, { HOOK = web.url .. "/hook/s3cret" }).exit, 0)
    local said = json.decode(web.seen()[1].body)
    local fields = {}
    for _, field in ipairs(said.attachments[1].fields) do
      fields[field.title] = field.value
    end
    expect.equal({ said.text, fields.run, fields.database, fields["rows changed"], fields.incidents },
      { "it is done", effecting.last_run(database), database.name, "5", "none" })
    apply(script(effecting.applying('error("no")'), noticing), items(), {}, { HOOK = web.url .. "/hook/s3cret" })
    expect.equal(json.decode(web.seen()[2].body).text, "it is failed")
  end)

  it("that does not arrive in time is an incident, and the apply stays", function()
    local web = effecting.web()
    local database = items()
    local result = apply(script(work, noticing), database, { "--json" }, { HOOK = web.url .. "/slow/5/s3cret" })
    expect.equal(result.exit, 0)
    local document = result.json()
    local incident = document.incidents[1]
    expect.equal({ document.outcome, incident.kind, incident.what }, { "done", "http.timeout", "POST $HOOK" })
    expect.equal(database:value("select count(*) from item where done"), 5)
    expect.equal(database:value("select state from opsh.run"), "done")
    expect.contains(table.concat(effecting.events(document.run), "; "), "effect finished finally failed; incident")
    result = apply(script(work, noticing), items(), {}, { HOOK = web.url .. "/slow/5/s3cret" })
    expect.contains(result.output, "1 incident\n  POST $HOOK")
  end)

  it("that does not arrive is in the ledger, for a resume, an undo and another machine", function()
    local database = items()
    local noticed = "notify.slack({ webhook = 'HOOK', text = 'x' })"
    local path = script(([[
      { name = "notice", effect = function() %s end, compensate = function() %s end },
      { name = "look", manual = "is it there?" },]]):format(noticed, noticed))
    local nobody = { HOOK = "http://127.0.0.1:9/s3cret" }
    expect.equal(apply(path, database, {}, nobody).exit, 4)
    local id = effecting.last_run(database)
    test.write("answers.lua", 'return { look = "yes" }')
    local resumed = test.opsh({ "resume", id, "--answers=answers.lua", "--json" }, { db = database }).json()
    expect.equal({ resumed.outcome, #resumed.incidents, resumed.incidents[1].what }, { "done", 1, "POST $HOOK" })
    local shown = test.opsh({ "show", id, "--json" }, { db = database }).json().run.incidents
    expect.equal({ #shown, shown[1].step, shown[1].kind }, { 1, "notice", "http.connect" })
    expect.contains(test.opsh({ "show", id }, { db = database }).output, "1 incident\n  POST $HOOK: ")
    local undo = test.opsh({ "undo", id, "--apply", "--json" }, { db = database, environment = nobody }).json()
    expect.equal({ undo.outcome, undo.incidents[1].kind }, { "done", "http.connect" })
    expect.contains(test.opsh({ "show", undo.run }, { db = database }).output, "1 incident\n  POST $HOOK: ")
    expect.lacks(database:value("select string_agg(to_jsonb(r)::text, '') from opsh.run as r"), "s3cret")
  end)

  it("would stop the run if it were not best effort", function()
    local web = effecting.web()
    local environment = breaking.environment({ { "stdlib/notify.lua", "best_effort = true", "best_effort = false" } })
    environment.HOOK = web.url .. "/status/500/s3cret"
    local path = script('{ name = "tell", effect = function() notify.slack({ webhook = "HOOK", text = "x" }) end },')
    expect.equal(apply(path, items(), {}, environment).exit, 4)
  end)
end)

describe("a secret that an effect uses", function()
  -- Everything that opsh wrote: output, state folder with logs, and the ledger.
  local function everything(database, result)
    local parts = { result.output, result.errors, test.shell("cat $(find state home -type f)").output }
    for _, name in ipairs({ "run", "step", "batch", "left_out", "audit" }) do
      for _, row in ipairs(database:query(("select (t.*)::text as line from opsh.%s as t"):format(name))) do
        parts[#parts + 1] = row.line
      end
    end
    return table.concat(parts, "\n")
  end

  local hook = "S3CRETHOOKPATH"

  local function run(fails)
    local web = effecting.web()
    local database = items()
    local path = script(([[
      { name = "x", effect = function(ctx)
        http.post("%s/visible-path?key=QUERYSECRET", { bearer = "token" })
        proc.run({ "sh", "-c", "echo visible-output $TOKEN $DATABASE_PASSWORD; echo $TOKEN >&2; exit %d" },
          { secrets = { "DATABASE_PASSWORD" }, environment = { TOKEN = ctx.params.token } })
      end, compensate = function() http.post("%s/status/500", { bearer = "token", expect = 200 }) end },]]):format(
      web.url,
      fails,
      web.url
    ) .. work, 'params = { token = { type = "string", secret = true } },'
      .. ' finally = function() notify.slack({ webhook = "HOOK", text = "x" }) end,')
    local result = apply(path, database, { "--error-detail" }, {
      OPSH_PARAM_TOKEN = token,
      DATABASE_PASSWORD = "p4ssw0rd-of-it",
      HOOK = web.url .. "/status/404/" .. hook,
    })
    return web, everything(database, result), result
  end

  it("is nowhere: not in output, logs, ledger or kept output", function()
    for _, fails in ipairs({ 0, 1 }) do
      local web, all, result = run(fails)
      expect.equal(result.exit, fails == 0 and 0 or 7)
      expect.contains(web.paths()[1], "QUERYSECRET")
      -- What is looked at is what there is: these are in it.
      expect.contains(all, "visible-path")
      expect.contains(all, "visible-output *** ***")
      expect.contains(all, "POST $HOOK")
      for _, secret in ipairs({ token, "p4ssw0rd-of-it", hook, "QUERYSECRET" }) do
        expect.lacks(all, secret)
      end
    end
  end)

  it("is hidden where a script puts it into what is recorded", function()
    local database = items()
    local path = script([[{ name = "x", effect = function(ctx)
      proc.run({ "true", ctx.params.token, "visible-argument" })
    end },]], tokened)
    local result = apply(path, database, {}, { OPSH_PARAM_TOKEN = token })
    local all = everything(database, result)
    expect.contains(all, "visible-argument")
    expect.lacks(all, token)
    path = script(effecting.doing('ctx:remember("t", ctx.params.token)'), tokened)
    expect.contains(apply(path, database, {}, { OPSH_PARAM_TOKEN = token }).errors, "has a secret in it")
  end)

  it("may not wait in the database for a commit", function()
    local path = script(effecting.applying('http.post("http://127.0.0.1:9/" .. ctx.params.token)'), tokened)
    local database = items()
    local result = apply(path, database, {}, { OPSH_PARAM_TOKEN = token })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "has a secret in it")
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)
end)
