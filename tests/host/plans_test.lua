local test = require("opsh.test")
local again = require("planning_again")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function plans(arguments) return test.opsh({ "plans", unpack(arguments or {}) }) end

local function folders() return test.shell("ls state/opsh/plans").output end

describe("a plan", function()
  it("has an id and an identity, which it prints", function()
    local database = again.items()
    again.runbook()
    local result = test.opsh({ "sample.lua" }, { db = database })
    expect.matches(result.output, "plan     p%-%d+%-%d+%-%x%x%x%x, identity %x+")
    local id, document = again.plan(database)
    expect.matches(id, "^p%-%d%d%d%d%d%d%d%d%-%d%d%d%d%d%d%-%x%x%x%x$")
    expect.equal(#document.plan.identity, 64)
  end)

  it("has the identity of what it was made of, not of its items", function()
    local database = again.items()
    again.runbook({}, { params = '{ part = { type = "string" } }' })
    local function identity(arguments)
      local _, document = again.plan(database, arguments)
      return document.plan.identity
    end
    local first = identity()
    database:execute("delete from item where id = 1")
    expect.equal(identity(), first)
    expect.is_true(identity({ "--part=red" }) ~= first, "a param")
    database:execute("alter table item add note text")
    expect.is_true(identity() ~= first, "a column")
  end)

  it("is kept in files that only its owner can read", function()
    again.runbook()
    again.plan(again.items())
    expect.equal(test.shell("find state -type f ! -perm 0600; find state/opsh -type d ! -perm 0700").output, "")
    expect.contains(test.shell("find state -type f").output, "plan.json")
  end)

  it("holds no secret param", function()
    local database = again.items()
    again.runbook({}, { params = '{ token = { type = "string", secret = true } }' })
    local environment = { OPSH_PARAM_TOKEN = "planted-secret" }
    local result = test.opsh({ "sample.lua" }, { db = database, environment = environment })
    expect.equal(result.exit, 0)
    expect.equal(test.shell("grep -rl planted-secret state").output, "")
  end)

  it("that fails leaves nothing, and has no id", function()
    again.runbook({ plan = "[[select id, 1 / (id - 5) from item]]" })
    local result = test.opsh({ "sample.lua", "--json" }, { db = again.items() })
    expect.equal(result.exit, 1)
    expect.equal(folders(), "")
    expect.contains(result.output, '"plan": null')
  end)

  it("that cannot be kept fails, and has no id", function()
    again.runbook()
    local database = again.items()
    test.shell("mkdir -p state/opsh && touch state/opsh/plans")
    local result = test.opsh({ "sample.lua" }, { db = database })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "state/opsh/plans")
    expect.lacks(result.output, "p-20")
  end)

  it("that does not fit on the disk fails, and leaves nothing", function()
    again.runbook()
    local database = again.items(100000)
    local line = ("ulimit -f 1000; trap '' XFSZ; \"$OPSH\" --db='%s' sample.lua"):format(database.conninfo)
    local result = test.shell(line)
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "free some space")
    expect.lacks(result.output, "p-20")
    expect.equal(folders(), "")
  end)

  it("of a sandbox that ends with the command is not kept", function()
    again.runbook()
    test.write("items.sql", sample.items(3))
    local result = test.opsh({ "--sandbox=items.sql", "sample.lua", "--json" })
    expect.equal(result.exit, 0)
    expect.contains(result.output, '"plan": null')
    expect.equal(folders(), "")
  end)

  it("of an apply is not kept among the plans", function()
    again.runbook()
    expect.equal(again.apply(again.items()).exit, 0)
    expect.equal(folders(), "")
  end)

  it("removes those that have expired", function()
    local database = again.items()
    again.runbook()
    local old = again.plan(database)
    again.age(old, 25 * 3600)
    local new = again.plan(database)
    expect.equal(folders(), new .. "\n")
  end)

  it("removes what a killed opsh has left, and leaves what another one may still be filling", function()
    again.runbook()
    local filling = os.date("!p-%Y%m%d-%H%M%S-abcd")
    test.shell("mkdir -p state/opsh/plans/p-20200101-000000-abcd state/opsh/plans/" .. filling)
    local id = again.plan(again.items())
    expect.equal({ folders():find("p-2020", 1, true) }, {})
    expect.contains(folders(), filling)
    expect.contains(folders(), id)
  end)

  it("that another opsh makes at the same time is another plan", function()
    local database = again.items()
    again.runbook()
    local processes, ids = {}, {}
    for at = 1, 4 do
      processes[at] = test.spawn({ "sample.lua", "--json" }, { db = database })
    end
    for _, process in ipairs(processes) do
      local id = process:wait().json().plan.id
      expect.is_true(not ids[id], "the same id twice")
      ids[id] = true
    end
    expect.equal(#plans({ "--json" }).json(), 4)
  end)

  it("leaves the newest 20 of its runbook and database", function()
    local database, other = again.items(), again.items()
    again.runbook()
    local elsewhere = again.plan(other)
    for _ = 1, 22 do
      again.plan(database)
    end
    local ids = {}
    for id in folders():gmatch("[^\n]+") do
      ids[#ids + 1] = id
    end
    expect.equal(#ids, 21)
    expect.contains(ids, elsewhere)
  end)
end)

describe("--detailed-exitcode", function()
  it("makes 10 of a plan that has something to do", function()
    again.runbook()
    local database = again.items()
    expect.equal(test.opsh({ "sample.lua" }, { db = database }).exit, 0)
    local result = test.opsh({ "sample.lua", "--detailed-exitcode", "--json" }, { db = database })
    expect.equal(result.exit, 10)
    expect.equal(result.json().exit, 10)
    expect.lacks(test.opsh({ "sample.lua", "--detailed-exitcode" }, { db = database }).output, "--detailed-exitcode")
  end)

  it("leaves 0 to a plan that has not", function()
    again.runbook({ plan = "[[select id from item where id < 0]]" })
    expect.equal(test.opsh({ "sample.lua", "--detailed-exitcode" }, { db = again.items() }).exit, 0)
  end)

  it("is refused with --apply", function()
    again.runbook()
    expect.equal(test.opsh({ "sample.lua", "--apply", "--detailed-exitcode" }, { db = again.items() }).exit, 2)
  end)
end)

describe("opsh plans", function()
  it("says that there are none", function() expect.equal(plans().output, "no plans here\n") end)

  it("lists them, the newest first, with what became of them", function()
    local database = again.items()
    again.runbook()
    local first = again.plan(database)
    again.age(first, 25 * 3600)
    again.apply(database)
    expect.contains(plans().output, "expired")
    database:execute("update item set done = false")
    local second = again.plan(database)
    local run = again.apply(database, { "--json" }).json().run
    database:execute("update item set done = false where id < 3")
    local third = again.plan(database)
    local list = plans({ "--json" }).json()
    expect.equal(#list, 2)
    expect.equal({ list[1].id, list[1].state, list[1].items }, { third, "fresh", 2 })
    expect.equal({ list[2].id, list[2].state, list[2].applied_by }, { second, "applied", run })
    expect.contains(plans().output, "applied by " .. run)
  end)

  it("lists one that is damaged as that", function()
    local database = again.items()
    again.runbook()
    local id = again.plan(database)
    test.shell(("printf '{' > state/opsh/plans/%s/plan.json"):format(id))
    expect.equal(plans({ "--json" }).json()[1].state, "damaged")
    expect.contains(plans().output, "damaged")
  end)

  it("does not list one that is not finished", function()
    test.shell("mkdir -p state/opsh/plans/p-20260101-000000-abcd")
    expect.equal(plans().output, "no plans here\n")
  end)

  it("shows one again as it was shown", function()
    local database = again.items()
    again.runbook()
    local result = test.opsh({ "sample.lua" }, { db = database })
    local id = result.output:match("p%-[%x-]+")
    database:execute("drop table item")
    expect.contains(plans({ "show", id }).output, result.output)
    expect.contains(plans({ "show", id }).output, "fresh")
    expect.equal(plans({ "show", id, "--json" }).json().steps[1].planned.items, 5)
  end)

  it("says which plan was meant", function()
    again.runbook()
    local id = again.plan(again.items())
    local result = plans({ "show", id:sub(1, -2) .. "x" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean " .. id)
  end)

  it("knows no other word than show", function()
    local result = plans({ "shw", "p-1" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean opsh plans show?")
  end)
end)

describe("a target", function()
  local function configured(database, fields)
    test.write(
      "opsh.config.lua",
      ("return { targets = { prod = { connect = %q, %s } } }\n"):format(database.conninfo, fields)
    )
  end

  local function opsh(arguments) return test.opsh({ "--target=prod", "sample.lua", unpack(arguments) }) end

  it("says with plan_max_age how long a plan is good for", function()
    local database = again.items()
    configured(database, 'plan_max_age = "1s"')
    again.runbook()
    local id = opsh({ "--json" }).json().plan.id
    test.wait_until("the plan expires", function()
      return plans({ "--json" }).json()[1].state == "expired"
    end)
    local result = opsh({ "--apply", "--plan", id })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "expired after 1")
  end)

  it("is compared with its own plan, also when another target of the database was planned since", function()
    local database = again.items()
    database:execute("create schema other; create table other.item (like item including all)")
    test.write(
      "opsh.config.lua",
      ("return { targets = { first = { connect = %q }, second = { connect = %q } } }\n"):format(
        database.conninfo,
        database.conninfo .. " options='-c search_path=other'"
      )
    )
    again.runbook()
    local id = test.opsh({ "--target=first", "sample.lua", "--json" }).json().plan.id
    expect.equal(test.opsh({ "--target=second", "sample.lua" }).exit, 0)
    local result = test.opsh({ "--target=first", "sample.lua", "--apply", "--json" })
    expect.equal(result.exit, 0)
    expect.equal(result.json().drift.plan, id)
  end)

  it("with a login that only reads has plans like any other", function()
    local database = again.items()
    configured(database, ("reader = %q"):format(database.conninfo))
    again.runbook({ plan = "[[select id from item where not done]]" })
    expect.equal(opsh({}).exit, 0)
    database:execute("alter table item drop amount")
    local result = opsh({ "--apply" })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "the column amount of public.item is gone")
  end)

  describe("that is protected", function()
    local function refused(database)
      local before = database:checksum()
      local result = opsh({ "--apply", "--confirm=" .. database.name })
      expect.equal(result.exit, 5)
      expect.equal(database:checksum(), before)
      return result.errors
    end

    it("needs a fresh plan, and prints the command that makes one", function()
      local database = again.items()
      configured(database, "protected = true")
      again.runbook()
      local errors = refused(database)
      expect.contains(errors, "needs a fresh plan: no earlier plan to compare with")
      local words = errors:match("plan again, and look at it: opsh (.-)\n")
      expect.equal(test.shell('"$OPSH" ' .. words).exit, 0)
      local result = opsh({ "--apply", "--confirm=" .. database.name })
      expect.equal(result.exit, 0)
      expect.equal(again.done(database), 5)
    end)

    it("needs another one when the script has changed", function()
      local database = again.items()
      configured(database, "protected = true")
      again.runbook()
      expect.equal(opsh({}).exit, 0)
      again.runbook({ batch = "2" })
      expect.contains(refused(database), "sample.lua has changed since plan")
    end)
  end)
end)
