local test = require("opsh.test")
local auditing = require("auditing")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect
local entries, events, shell, done = auditing.entries, auditing.events, auditing.shell, auditing.done

describe("a secret param", function()
  local top = { params = '{ token = { type = "string", secret = true, help = "Of the service." } }' }
  local fields = { plan = [["select id from item where not done and :token = 'open sesame'"]], batch = "2" }
  local environment = { OPSH_PARAM_TOKEN = "open sesame" }
  local blocked_at_3 = sample.items(4) .. "alter table item add constraint c check (not (done and id = 3))"

  local function stays_secret(database, ...)
    for _, result in ipairs({ ... }) do
      expect.lacks(result.output .. result.errors, "sesame")
    end
    expect.equal(test.shell("grep -r sesame state").exit, 1)
    expect.equal(database:value("select params->>'token' from opsh.run"), '["***"]')
  end

  it("on the command line is refused, and not repeated", function()
    local database = test.database({ sql = sample.items(4) })
    local path = test.write("sample.lua", sample.runbook(fields, top))
    for _, words in ipairs({ { "--token", "open sesame" }, { "--token=open sesame" } }) do
      for _, rung in ipairs({ "--json", "--apply" }) do
        local result = test.opsh({ path, rung, unpack(words) }, { db = database, environment = environment })
        expect.equal(result.exit, 2)
        expect.contains(result.errors, "$OPSH_PARAM_TOKEN_FILE")
        expect.lacks(result.output .. result.errors, "sesame")
      end
    end
    expect.equal(done(database), 0)
  end)

  it("is taken from a file that only its owner can read, and shown and recorded nowhere", function()
    local database = test.database({ sql = sample.items(4) })
    local path = test.write("sample.lua", sample.runbook(fields, top))
    local from = { OPSH_PARAM_TOKEN_FILE = test.write("token", "open sesame\n") }
    shell("chmod 640 token")
    local readable = test.opsh({ path, "--apply" }, { db = database, environment = from })
    expect.equal(readable.exit, 2)
    expect.contains(readable.errors, "chmod 600 " .. from.OPSH_PARAM_TOKEN_FILE)
    shell("chmod 600 token")
    local result = test.opsh({ path, "--apply" }, { db = database, environment = from })
    expect.equal({ result.exit, done(database) }, { 0, 4 })
    local id = database:value("select id from opsh.run")
    local shown = test.opsh({ "show", id }, { db = database })
    stays_secret(database, readable, result, shown, test.opsh({ "audit", "show", id }))
  end)

  it("that is too short to be hidden is refused", function()
    local path = test.write("sample.lua", sample.runbook(fields, top))
    local result = test.opsh({ path }, { db = "host=/nowhere", environment = { OPSH_PARAM_TOKEN = "abc" } })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "four characters or more")
  end)

  it("is taken from the environment, and shown there neither", function()
    local database = test.database({ sql = sample.items(4) })
    local path = test.write("sample.lua", sample.runbook(fields, top))
    local result = test.opsh({ path, "--apply", "--json" }, { db = database, environment = environment })
    expect.equal({ result.exit, done(database) }, { 0, 4 })
    expect.equal(result.json().params.token, { "***" })
    stays_secret(database, result)
  end)

  it("is wanted from the environment by a resume, which says so", function()
    local database = test.database({ sql = blocked_at_3 })
    local path = test.write("sample.lua", sample.runbook(fields, top))
    local result = test.opsh({ path, "--apply" }, { db = database, environment = environment })
    expect.equal({ result.exit, done(database) }, { 4, 2 })
    database:execute("alter table item drop constraint c")
    local id = database:value("select id from opsh.run")
    local without = test.opsh({ "resume", id }, { db = database })
    expect.equal(without.exit, 2)
    expect.contains(without.errors, "set $OPSH_PARAM_TOKEN")
    local with = test.opsh({ "resume", id }, { db = database, environment = environment })
    expect.equal({ with.exit, done(database) }, { 0, 4 })
    stays_secret(database, result, without, with)
  end)

  it("that was not given is not taken from the environment by a resume", function()
    local plan = [["select id from item where not done and (:token::text is null or id > 100)"]]
    local optional = { plan = plan, batch = "2" }
    local database = test.database({ sql = blocked_at_3 })
    local path = test.write("sample.lua", sample.runbook(optional, top))
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 4)
    database:execute("alter table item drop constraint c")
    -- Planned again, behind what is done: with the token it would find nothing.
    shell("rm state/opsh/runs/*/*.plan")
    local id = database:value("select id from opsh.run")
    expect.equal(test.opsh({ "resume", id }, { db = database, environment = environment }).exit, 0)
    expect.equal(done(database), 4)
    expect.contains(events(entries(id)), "planned again")
  end)

  it("says in the help where it may come from, and in an error nothing of its value", function()
    local path = test.write("sample.lua", sample.runbook(fields, top))
    expect.contains(test.opsh({ path, "--help" }).output, "Of the service. Secret: from $OPSH_PARAM_TOKEN")
    local strict = { params = '{ token = { type = "integer", secret = true, required = true } }' }
    local other = test.write("strict.lua", sample.runbook(nil, strict))
    local missing = test.opsh({ other }, { db = "host=/nowhere" })
    expect.equal(missing.exit, 2)
    expect.contains(missing.errors, "set $OPSH_PARAM_TOKEN")
    local wrong = test.opsh({ other }, { db = "host=/nowhere", environment = { OPSH_PARAM_TOKEN = "sesame" } })
    expect.equal(wrong.exit, 2)
    expect.lacks(wrong.errors, "sesame")
  end)

  it("has no default, is no list and no switch", function()
    for _, param in ipairs({
      '{ type = "string", secret = true, default = "x" }',
      '{ type = "string", secret = true, list = true }',
      '{ type = "boolean", secret = true }',
    }) do
      local path = test.write("sample.lua", sample.runbook(nil, { params = "{ token = " .. param .. " }" }))
      local result = test.opsh({ path })
      expect.equal(result.exit, 1, param)
      expect.contains(result.errors, "param token is secret", param)
    end
  end)
end)
