local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

--- Runs a script that cannot even be loaded: nothing is connected to.
local function refused(source, exit)
  local result = test.opsh({ test.write("sample.lua", source) }, { db = "host=/nowhere connect_timeout=1" })
  expect.equal(result.exit, exit or 1)
  expect.equal(result.output, "")
  return result.errors
end

describe("a script", function()
  it("that does not exist is named, with the one that was meant", function()
    test.write("backfill.lua", sample.runbook())
    local result = test.opsh({ "backfil.lua" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "there is no script backfil.lua")
    expect.contains(result.errors, "did you mean backfill.lua?")
  end)

  it("that is a folder is no script", function()
    local result = test.opsh({ "./home" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "no script ./home")
  end)

  it("with a syntax error is shown with its line", function()
    local errors = refused("local a = 1\nlocal b = = 2\nreturn a\n")
    expect.contains(errors, "sample.lua:2")
    expect.contains(errors, "local b = = 2")
  end)

  it("that raises is shown with its line", function()
    local errors = refused("local a\nlocal b = a.c\n")
    expect.contains(errors, "sample.lua:2")
    expect.contains(errors, "attempt to index")
    expect.lacks(errors, "traceback")
  end)

  it("that is bytecode is refused", function() expect.contains(refused("\27LJ\2\2"), "error: ") end)

  it("that returns nothing is refused", function()
    local errors = refused("local a = 1\n")
    expect.contains(errors, "the script returns nothing")
    expect.contains(errors, "return runbook {")
  end)

  it("that returns a plain table is told how to wrap it", function()
    local errors = refused('return { title = "x" }\n')
    expect.contains(errors, "the script returns no runbook")
    expect.contains(errors, 'require("opsh.runbook")')
  end)
end)

describe("a declaration", function()
  it("with an unknown key names the key, its line and what was meant", function()
    local errors =
      refused('local runbook = require("opsh.runbook")\nreturn runbook {\n  titel = "x",\n  steps = {},\n}\n')
    expect.contains(errors, "unknown key titel")
    expect.contains(errors, "did you mean title?")
    expect.contains(errors, "sample.lua:3")
  end)

  it("with an unknown key in a step names the step", function()
    local errors = refused(sample.runbook({ recheckk = '"x"' }))
    expect.contains(errors, "step 1 (work) has an unknown key recheckk")
    expect.contains(errors, "did you mean recheck?")
  end)

  it("that requires a newer opsh says so before what this one does not know", function()
    local newer = { requires = '"opsh >= 99.0"', not_yet_known = "true" }
    expect.contains(refused(sample.runbook({}, newer), 2), "this runbook requires opsh >= 99.0, and this is opsh ")
    for _, fine in ipairs({ "opsh >= 0.1", "opsh>=0.1.0" }) do
      local errors = refused(sample.runbook({}, { requires = ("%q"):format(fine) }), 3)
      expect.lacks(errors, "requires", fine)
    end
    for _, wrong in ipairs({ '"0.1"', '"opsh > 1"', "1" }) do
      expect.contains(refused(sample.runbook({}, { requires = wrong })), 'requires = "opsh >= 0.3"', wrong)
    end
  end)

  it("with a value of a wrong type says what is wanted", function()
    expect.contains(refused(sample.runbook({ batch = '"many"' })), "step 1 (work): batch must be a number, not text")
    expect.contains(refused(sample.runbook({ plan = "{}" })), "plan must be text or a function, not a table")
    expect.contains(refused(sample.runbook(nil, { title = "1" })), "title must be text, not a number")
  end)

  it("without what must be there says why it is needed", function()
    expect.contains(refused(sample.runbook(nil, { title = false })), "the runbook has no title")
    expect.contains(refused(sample.runbook({ key = false })), "step 1 (work) has no key")
    local errors = refused(sample.runbook({ writes = false }))
    expect.contains(errors, "step 1 (work) has no writes")
    expect.contains(errors, "list every table that changes")
    expect.contains(refused(sample.runbook({ plan = false })), "has no plan")
    expect.contains(refused(sample.runbook({ apply = false })), "has no apply")
    expect.contains(refused(sample.runbook(nil, { steps = "{}" })), "the runbook has no steps")
  end)

  it("with two steps of one name is refused", function()
    local errors = refused(sample.runbook(nil, { steps = "{ " .. sample.step() .. ", " .. sample.step() .. " }" }))
    expect.contains(errors, "two steps are named work")
  end)

  it("with after must name an earlier step", function()
    local second = sample.step({ name = '"second"', after = '"wrok"' })
    local errors = refused(sample.runbook(nil, { steps = "{ " .. sample.step() .. ", " .. second .. " }" }))
    expect.contains(errors, "there is no earlier step wrok")
    expect.contains(errors, "did you mean work?")
  end)

  it("with fields that exclude each other is refused", function()
    expect.contains(refused(sample.runbook({ atomic = "true", batch = "10" })), "an atomic step is one batch")
    expect.contains(refused(sample.runbook({ skip = '{ "a" }' })), "skip needs classify")
    expect.contains(refused(sample.runbook({ on_failure = "function() end" })), "on_failure needs max_failures")
  end)

  it("with a name twice in a list is refused", function()
    expect.contains(refused(sample.runbook({ key = '{ "id", "id" }' })), "key names id twice")
    expect.contains(refused(sample.runbook({ totals = '{ "amount", "amount" }' })), "totals names amount twice")
  end)

  it("with a batch size out of range is refused", function()
    for _, size in ipairs({ "0", "10001", "1.5", "-1" }) do
      expect.contains(refused(sample.runbook({ batch = size })), "batch is a whole number from 1 to 10000", size)
    end
  end)

  it("with max_failures that is no number and no percentage is refused", function()
    for _, value in ipairs({ '"some"', '"101%"', "-1", "1.5" }) do
      expect.contains(
        refused(sample.runbook({ max_failures = value })),
        "max_failures is a whole number or a percentage",
        value
      )
    end
  end)

  it("with a recheck that locks nothing is refused", function()
    local errors = refused(sample.runbook({ recheck = '"select id from item where id = any(:keys)"' }))
    expect.contains(errors, "recheck locks no rows")
  end)

  it("with SQL that cannot be parsed shows the place", function()
    local errors = refused(sample.runbook({ plan = "[[\n  select id from where\n]]" }))
    expect.contains(errors, "step 1 (work): plan")
    expect.contains(errors, "select id from where")
    expect.contains(errors, "^")
  end)
end)

describe("a plan that would write is refused before anything connects:", function()
  local plans = {
    ["an INSERT"] = "insert into item values (1) returning id",
    ["an UPDATE"] = "update item set done = true returning id",
    ["a DELETE"] = "delete from item returning id",
    ["a CTE that changes rows"] = "with gone as (delete from item returning id) select id from gone",
    ["a row lock"] = "select id from item for update",
    ["SELECT INTO"] = "select id into copy from item",
    ["two statements"] = "select id from item; delete from item",
    ["COMMIT"] = "commit",
    ["COPY"] = "copy item to stdout",
    ["CREATE TABLE AS"] = "create table copy as select id from item",
    ["DO"] = "do $$ begin end $$",
  }
  for name, sql in pairs(plans) do
    it(name, function()
      local errors = refused(sample.runbook({ plan = "[[" .. sql .. "]]" }), 5)
      expect.contains(errors, "step 1 (work): plan")
    end)
  end
end)
