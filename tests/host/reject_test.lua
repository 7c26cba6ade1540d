local sample = require("sample")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

-- Items 2 and 4 have documents that nobody can read.
local fields = {
  classify = [[function(row)
    if row.id % 2 == 0 then return "unreadable", nil, "part " .. row.part end
    return "mark", { doubled = row.id * 2 }
  end]],
  reject = '{ "unreadable" }',
  totals = '{ "doubled" }',
}

local function run(database, arguments, changed)
  local made = {}
  for name, source in pairs(fields) do
    made[name] = source
  end
  for name, source in pairs(changed or {}) do
    made[name] = source
  end
  return test.opsh({ test.write("sample.lua", sample.runbook(made)), unpack(arguments or {}) }, { db = database })
end

local function items(count) return test.database({ sql = sample.items(count or 5) }) end

describe("rows that the classifier rejects", function()
  it("are listed by the plan with key, label and reason, and are no items", function()
    local database = items()
    local result = run(database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "2 items rejected, not worked on")
    expect.matches(result.output, "2 +unreadable +part blue\n")
    local step = run(database, { "--json" }).json().steps[1]
    expect.equal({ step.planned.seen, step.planned.items, step.planned.rejected }, { 5, 3, 2 })
    expect.equal(step.rejected[2], { key = { "4" }, label = "unreadable", reason = "part green" })
    expect.equal(step.planned.totals.doubled, 18)
  end)

  it("are left alone by an apply, which keeps them in the ledger and exits 8", function()
    local database = items()
    local result = run(database, { "--apply" })
    expect.equal(result.exit, 8)
    expect.contains(result.output, "2 items were left out")
    expect.equal(database:value("select string_agg(id::text, ' ' order by id) from item where done"), "1 3 5")
    expect.equal(
      database:query("select step, batch, key[1] as key, outcome, label, message from opsh.left_out order by key"),
      {
        { step = 1, key = "2", outcome = "rejected", label = "unreadable", message = "part blue" },
        { step = 1, key = "4", outcome = "rejected", label = "unreadable", message = "part green" },
      }
    )
    local id = database:value("select id from opsh.run")
    expect.matches(test.opsh({ "show", id }, { db = database }).output, "2 +rejected: unreadable +part blue\n")
    expect.equal(test.opsh({ "runs", "--json" }, { db = database }).json()[1].left_out, 2)
    local left_out = test.opsh({ "show", id, "--json" }, { db = database }).json().left_out
    expect.equal({ left_out[1].key, left_out[1].outcome, left_out[1].label }, { "2", "rejected", "unreadable" })
  end)

  it("are listed, and exit 8, also where nothing else is left to be done", function()
    local database = items()
    run(database, { "--apply" })
    local result = run(database, { "--apply" })
    expect.equal(result.exit, 8)
    expect.matches(result.output, "2 +unreadable")
    expect.contains(result.output, "Nothing to do; nothing was written.\nRejected: 2 items.\n")
    expect.equal(database:value("select count(*) from opsh.run"), 1)
    local document = run(database, { "--apply", "--json" }).json()
    expect.equal({ document.outcome, document.exit, #document.steps[1].rejected }, { "nothing to do", 8, 2 })
  end)

  it("are all in the ledger, however many they are, and their keys as they are", function()
    local database = items(2500)
    local result = run(database, { "--apply" }, {
      plan = [["select id, part, repeat('{\"', 2) || id as \"odd key\" from item where not done"]],
      key = [['odd key']],
      classify = [[function(row) return row.id > 1 and "unreadable" or "mark" end]],
      totals = false,
    })
    expect.equal(result.exit, 8)
    expect.contains(result.output, "and 2,479 more items")
    expect.equal(
      database:value("select count(*) from opsh.left_out where key[1] ~ '^\\{\"\\{\"[0-9]+$' and message is null"),
      2499
    )
  end)

  it("are recorded when their step is planned at its turn, and once when the run is resumed", function()
    local database = items()
    local steps = "{ "
      .. sample.step({ name = '"first"', plan = "[[select id from item where id < 3]]", verify = [[function(check, ctx)
          check:none("nobody stopped it", "select where to_regclass('stop') is not null")
        end]] })
      .. ", "
      .. sample.step({
        name = '"second"',
        after = '"first"',
        classify = fields.classify,
        reject = fields.reject,
        plan = "[[select id, part from item where id > 2]]",
        verify = [[function(check, ctx)
          check:equal("rejected", ctx.done.rejected, ctx.planned.rejected)
          check:that("nobody stopped it here", not ctx:value("select to_regclass('stop_here') is not null"))
        end]],
      })
      .. " }"
    database:execute("create table stop_here ()")
    local script = test.write("sample.lua", sample.runbook({}, { steps = steps }))
    expect.equal(test.opsh({ script, "--apply" }, { db = database }).exit, 6)
    database:execute("drop table stop_here")
    local id = database:value("select id from opsh.run")
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 8)
    expect.equal(database:query("select step, key[1] as key from opsh.left_out"), { { step = 2, key = "4" } })
  end)

  it("may be the first ones, without the columns of the others", function()
    local database = items()
    local first = { classify = fields.classify:gsub("row.id %% 2 == 0", "row.id < 3") }
    expect.equal(run(database, { "--apply" }, first).exit, 8)
    expect.equal(database:value("select count(*) from item where done"), 3)
  end)

  it("may be all of them, or none of no rows", function()
    local all = { classify = 'function() return "unreadable" end' }
    expect.equal(run(items(), { "--json" }, all).json().steps[1].planned.rejected, 5)
    expect.equal(run(items(0), {}).exit, 0)
  end)

  it("end a simulation with 8 as well", function()
    expect.equal(run(items(), { "--simulate" }).exit, 8)
  end)

  it("show no secret in their reason", function()
    local reason = 'function(_, ctx) return "unreadable", nil, "said " .. ctx.params.api_token end'
    local source = sample.runbook(
      { classify = reason, reject = fields.reject },
      { params = '{ api_token = { type = "string", secret = true } }' }
    )
    local result = test.opsh(
      { test.write("sample.lua", source), "--apply" },
      { db = items(1), environment = { OPSH_PARAM_API_TOKEN = "s3cr3t-value" } }
    )
    expect.equal(result.exit, 8)
    expect.contains(result.output, "said ***")
    expect.equal((result.output .. result.errors):find("s3cr3t", 1, true), nil)
  end)
end)

describe("a row with JSON that cannot be read", function()
  local documents = [[
    create table item (id int primary key, body json, done boolean not null default false);
    insert into item values (1, '{"a": 1, "a": 2}'), (2, '{"a": "\ud800"}'), (3, '{"a": "\u0000"}'),
                            (4, (repeat('[', 600) || repeat(']', 600))::json), (5, null);
  ]]
  local marking = 'tx:exec("update item set done = true where id = any(:keys)")'
  local function apply(database, changed)
    changed.plan = changed.plan or '"select id, body from item where not done"'
    changed.reject, changed.totals = false, false
    changed.classify = changed.classify or false
    return run(database, { "--apply" }, changed)
  end
  local function left(database)
    return database:value("select string_agg(id::text, ' ' order by id) from item where not done")
  end

  it("is rejected where Lua would see it: in classify", function()
    local database = test.database({ sql = documents })
    local result = apply(database, { classify = 'function(row) return "any" end' })
    expect.equal(result.exit, 8)
    expect.matches(result.output, "2 +undecodable +body: not valid JSON at line 1, column 8: the surrogate pair")
    expect.matches(result.output, "4 +undecodable +body: the JSON at line 1, column 513 nests deeper than 512 levels")
    expect.equal(left(database), "2 4")
  end)

  it("and in apply, which goes on with the others", function()
    local database = test.database({ sql = documents })
    local result = apply(database, { apply = "function(tx, items) " .. marking .. " end" })
    expect.equal(result.exit, 8)
    expect.equal(left(database), "2 4")
    expect.equal(
      database:value("select string_agg(key[1] || ' ' || label, ', ' order by key) from opsh.left_out"),
      "2 undecodable, 4 undecodable"
    )
    -- With SQL alone they are items like any other.
    expect.equal(apply(database, { apply = "function(tx) " .. marking .. " end" }).exit, 0)
    expect.equal(left(database), nil)
  end)

  it("is an item that fails where apply reads it by itself", function()
    local database = test.database({ sql = documents })
    local result = apply(database, {
      plan = '"select id from item where not done"',
      max_failures = "2",
      batch = "2",
      apply = [[function(tx, items)
        for _, item in ipairs(items) do
          local body = tx:value("select body::text from item where id = $1", item.id)
          if body then require("opsh.json").decode(body) end
        end
        ]] .. marking .. " end",
    })
    expect.equal(result.exit, 8, result.errors)
    expect.equal(left(database), "2 4")
    expect.equal(
      database:value("select string_agg(key[1] || ' ' || outcome, ', ' order by key) from opsh.left_out"),
      "2 failed, 4 failed"
    )
  end)
end)

describe("a declaration with reject", function()
  it("is refused where it fits nothing", function()
    for wrong, message in pairs({
      ["reject = { 'a' },"] = "reject needs classify",
      ["classify = 'part', skip = { 'a' }, reject = { 'a' },"] = "skip and reject both name a",
      ["classify = 'part', reject = { 5 },"] = "reject",
    }) do
      local source = sample.runbook():gsub("name = ", wrong .. " name = ", 1)
      local result = test.opsh({ test.write("sample.lua", source) }, { db = items(0) })
      expect.equal(result.exit, 1, wrong)
      expect.contains(result.errors, message)
    end
  end)

  it("is told of a reason that is no text", function()
    local result = run(items(), {}, { classify = 'function() return "unreadable", nil, 5 end' })
    expect.contains(result.errors, "classify returned a number as reason")
  end)
end)
