local opsh = require("opsh")
local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local function run(fields, database, arguments, top)
  return test.opsh(
    { test.write("sample.lua", sample.runbook(fields, top)), unpack(arguments or {}) },
    { db = database }
  )
end

local function items(count) return test.database({ sql = sample.items(count or 5) }) end

local function checking(lua) return "function(check, ctx)\n" .. lua .. "\nend" end

--- The results of verify after an apply, by name.
local function results(lua)
  local document = run({ verify = checking(lua) }, items(), { "--apply", "--json" }).json()
  local found = {}
  for _, result in ipairs(document.steps[1].checks) do
    found[result.name] = result
  end
  return found, document
end

describe("a check", function()
  it("compares numbers, numeric texts and decimals by value", function()
    local found = results([[
      check:equal("numbers", 1, 1)
      check:equal("text and number", "5", 5)
      check:equal("decimals", "1.50", "1.5")
      check:equal("digits", ctx:value("select 12345678901234567890.1::numeric"), "12345678901234567890.10")
      check:equal("other digits", "12345678901234567890.1", "12345678901234567890.2")
      check:equal("texts", "a", "b")]])
    for _, name in ipairs({ "numbers", "text and number", "decimals", "digits" }) do
      expect.equal(found[name].outcome, "pass", name)
    end
    for _, name in ipairs({ "other digits", "texts" }) do
      expect.equal(found[name].outcome, "fail", name)
    end
  end)

  it("that counts takes NULL and false as they are, not as one row", function()
    local found = results([[
      check:count("null", "select max(id) from item where false", 1)
      check:count("false", "select false", 1)
      check:count("nothing", "select max(id) from item where false", nil)]])
    expect.equal({ found["null"].outcome, found["null"].found }, { "fail", "nothing" })
    expect.equal({ found["false"].outcome, found["false"].found }, { "fail", "false" })
    expect.equal(found.nothing.outcome, "pass")
  end)

  it("shows a number that is beyond all integers as it is", function()
    local found = results('check:equal("endless", 1 / 0, 1) check:equal("large", 1e300, 1)')
    expect.equal({ found.endless.found, found.large.found }, { "inf", "1e+300" })
  end)

  it("shows rows with NaN, infinities and bytes, as text and in JSON", function()
    local verify = checking([==[check:none("odd", [[select 'NaN'::float8 as f, '{NaN,-Infinity}'::float8[] as list,
      '\\x00ff'::bytea as b]])]==])
    local shown = run({ verify = verify }, items(), { "--apply" })
    expect.equal(shown.exit, 6)
    expect.contains(shown.errors, "-Infinity")
    local document = run({ verify = verify }, items(), { "--apply", "--json" }).json()
    local row = document.steps[1].checks[1].rows[1]
    expect.equal({ row.f, row.list[1], row.list[2] }, { "NaN", "NaN", "-Infinity" })
  end)

  it("says where its function failed, and escapes what a terminal would obey", function()
    local broken = run({ verify = checking("local nothing = ctx.done.nothing.here") }, items(), { "--apply" })
    expect.matches(broken.errors, "ERROR.*attempt to index.*at %S*sample%.lua:%d+")
    local colored = run({ verify = checking('check:equal("red", "\\27[31m", "\\27[31m")') }, items(), { "--apply" })
    expect.equal(colored.exit, 0)
    expect.contains(colored.output, "\\x1b[31m")
  end)

  it("that no rows are there shows those that are", function()
    local found = results('check:none("left", "select id, part from item where id > $1 order by id", 3)')
    expect.equal(found.left.outcome, "fail")
    expect.equal({ found.left.found, #found.left.rows, found.left.rows[1].id }, { "2", 2, 4 })
  end)

  it("that counts takes the count or the rows", function()
    local found = results([[
      check:count("a count", "select count(*) from item", 5)
      check:count("rows", "select id, part from item", 5)
      check:count("wrong", "select count(*) from item", 4)]])
    expect.equal({ found["a count"].outcome, found.rows.outcome, found.wrong.outcome }, { "pass", "pass", "fail" })
  end)

  it("of a condition says why", function()
    local found = results('check:that("ready", false, "nobody is")')
    expect.equal({ found.ready.outcome, found.ready.message }, { "fail", "nobody is" })
  end)

  it("whose query fails is an error, neither pass nor fail, and the others are still made", function()
    local found = results([[
      check:none("broken", "select nowhere from item")
      check:count("after it", "select count(*) from item", 5)]])
    expect.equal({ found.broken.outcome, found["after it"].outcome }, { "error", "pass" })
  end)

  it("function that raises is an error too", function()
    local found, document = results('check:that("first", true) error("lost")')
    expect.equal(found.first.outcome, "pass")
    expect.equal(document.steps[1].checks[2].outcome, "error")
    expect.equal(document.exit, 6)
  end)

  it("knows what was planned and done, and unknown counts are 0", function()
    local found = results([[
      check:equal("planned", ctx.planned.items, 5)
      check:equal("done", ctx.done.counts.worked, 5)
      check:equal("unknown", ctx.done.counts.nothing, 0)]])
    for _, name in ipairs({ "planned", "done", "unknown" }) do
      expect.equal(found[name].outcome, "pass", name)
    end
  end)

  it("that does not pass makes the run exit 6; what was committed stays", function()
    local database = items()
    local result = run({ verify = checking('check:equal("impossible", 1, 2)') }, database, { "--apply" })
    expect.equal(result.exit, 6)
    expect.contains(result.errors, "impossible")
    expect.equal(database:value("select count(*) from item where done"), 5)
    expect.equal(database:value("select state from opsh.run"), "check_failed")
  end)

  it("that shows bytes which are no text keeps the document valid", function()
    local found = results([==[check:none("raw", [[select '\xff4100fe'::bytea as raw]])]==])
    expect.equal(found.raw.outcome, "fail")
    expect.equal(found.raw.rows[1].raw, "\239\191\189A\0\239\191\189")
  end)

  it("never fails a plan", function()
    local result = run({ verify = checking('check:equal("impossible", 1, 2)') }, items())
    expect.equal(result.exit, 0)
    expect.contains(result.output, "impossible")
  end)

  it("cannot write", function()
    local database = items()
    local before = database:checksum()
    local result = run({ verify = checking('check:none("sly", "delete from item returning id")') }, database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "ERROR")
    expect.equal(database:checksum(), before)
  end)

  it("that fails when there is nothing to do makes the exit 6", function()
    local result = run(
      { plan = '"select id from item where id < 0"', verify = checking('check:equal("impossible", 1, 2)') },
      items(),
      { "--apply" }
    )
    expect.equal(result.exit, 6)
  end)
end)

describe("preconditions", function()
  local function top(condition)
    return { preconditions = checking(('check:that("open", %s, "come back later")'):format(condition)) }
  end

  it("that are not met refuse the apply with exit 5; nothing is written", function()
    local database = items()
    local before = database:checksum()
    local result = run(nil, database, { "--apply" }, top("false"))
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "precondition not met: open: come back later")
    expect.equal(run(nil, database, { "--apply", "--json" }, top("false")).json().run, opsh.null)
    expect.equal(database:checksum(), before)
    expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
  end)

  it("that are not met are shown by the plan, which exits 0", function()
    local result = run(nil, items(), {}, top("false"))
    expect.equal(result.exit, 0)
    expect.contains(result.output, "FAIL")
    expect.contains(result.output, "The preconditions are not met")
    expect.lacks(result.output, "--apply")
  end)

  it(
    "that are met let the apply go on",
    function()
      expect.equal(run(nil, items(), { "--apply" }, top("ctx:value('select count(*) from item') == 5")).exit, 0)
    end
  )

  it("whose own query fails are an error, and the plan goes on", function()
    local database = items()
    local function fails(before) return ("function(check, ctx) %s ctx:value('select 1 / 0') end"):format(before) end
    local guarded = fails("check:none('none', 'select from nowhere')")
    local result = run({ verify = guarded }, database, {}, { preconditions = fails("") })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "ERROR  (the checks themselves)  division by zero")
    expect.contains(result.output, "items    5")
    result = run({}, database, { "--apply" }, { preconditions = guarded })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "precondition not met: none: relation")
  end)

  it("that fail with an error refuse as well", function()
    local result = run(
      nil,
      items(),
      { "--apply" },
      { preconditions = checking('check:none("broken", "select nowhere from item")') }
    )
    expect.equal(result.exit, 5)
  end)
end)

describe("an atomic step", function()
  it("whose checks pass is kept, in one batch", function()
    local database = items(25000)
    local result = run({
      atomic = "true",
      verify = checking([[
      check:equal("all", ctx:value("select count(*) from item where done"), ctx.planned.items)
      check:equal("counted", ctx.done.counts.worked, 25000)]]),
    }, database, { "--apply" })
    expect.equal(result.exit, 0)
    expect.equal(database:value("select count(*) from item where done"), 25000)
    expect.equal(database:value("select count(*) from opsh.batch"), 1)
  end)

  it("whose checks do not pass keeps nothing and exits 6", function()
    local database = items(100)
    local before = database:checksum()
    local result = run({
      atomic = "true",
      verify = checking('check:equal("none is done", ctx:value("select count(*) from item where done"), 0)'),
    }, database, { "--apply" })
    expect.equal(result.exit, 6)
    expect.contains(result.errors, "none is done")
    expect.contains(result.errors, "100")
    expect.equal(database:checksum(), before)
    expect.equal(database:value("select count(*) from opsh.batch"), 0)
  end)

  it("whose check fails with an error keeps nothing", function()
    local database = items(100)
    local before = database:checksum()
    local result = run(
      { atomic = "true", verify = checking('check:none("broken", "select nowhere from item")') },
      database,
      { "--apply" }
    )
    expect.equal(result.exit, 6)
    expect.equal(database:checksum(), before)
  end)

  it("whose check tries to write keeps nothing", function()
    local database = test.database({
      sql = sample.items(5) .. "create function wipe() returns bigint language sql as 'delete from item returning id';",
    })
    local before = database:checksum()
    local result = run(
      { atomic = "true", verify = checking('check:none("sly", "select wipe() where false or wipe() is null")') },
      database,
      { "--apply" }
    )
    expect.equal(result.exit, 6)
    expect.equal(database:checksum(), before)
  end)
end)

describe("steps", function()
  local function two(second)
    second.name = '"second"'
    return { steps = "{ " .. sample.step() .. ", " .. sample.step(second) .. " }" }
  end

  it("with after are planned at their turn, over what the earlier step made", function()
    local database = items(6)
    local top = two({
      after = '"work"',
      plan = '"select id from item where done and id > 2"',
      apply = [[function(tx)
      return { renamed = tx:exec("update item set part = 'x' from :items as i where item.id = i.id") }
    end]],
    })
    local plan = run(nil, database, {}, top)
    expect.equal(plan.exit, 0)
    expect.contains(plan.output, "planned after work")
    expect.contains(plan.output, "--simulate=all shows them before")
    local document = run(nil, database, { "--apply", "--json" }, top).json()
    expect.equal(document.outcome, "done")
    expect.equal(document.steps[2].planned.items, 4)
    expect.equal(database:value("select count(*) from item where part = 'x'"), 4)
  end)

  it("that need a column of an earlier step are told to say after", function()
    local result = run(nil, items(), {}, two({ plan = '"select new_column as id from item"' }))
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "after = ")
  end)

  it("run in their order, and the second does not start when the first fails its checks", function()
    local database = items()
    local first = sample.step({ verify = checking('check:equal("impossible", 1, 2)') })
    local second =
      sample.step({ name = '"second"', apply = "function(tx) tx:exec(\"update item set part = 'x'\") end" })
    local result = run(nil, database, { "--apply" }, { steps = "{ " .. first .. ", " .. second .. " }" })
    expect.equal(result.exit, 6)
    expect.equal(database:value("select count(*) from item where part = 'x'"), 0)
  end)
end)
