local test = require("opsh.test")
local again = require("planning_again")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

describe("a column of a table that is written", function()
  local function altered(statement)
    local database = again.items()
    again.runbook({ plan = "[[select id from item where not done]]" })
    again.plan(database)
    database:execute(statement)
    return (again.refused(database))
  end

  it(
    "that came is drift",
    function()
      expect.contains(altered("alter table item add note text"), "the column note (text) of public.item was not there")
    end
  )

  it(
    "that went is drift",
    function() expect.contains(altered("alter table item drop amount"), "the column amount of public.item is gone") end
  )

  it(
    "that has another type is drift",
    function()
      expect.contains(
        altered("alter table item alter part type varchar(20)"),
        "the column part of public.item is character varying(20), and was text"
      )
    end
  )
end)

describe("a column of the plan that is not what it was", function()
  it("is drift, whatever is tolerated", function()
    local database = test.database({
      sql = sample.items(5) .. "create table source as select id, 1 as wanted from item;",
    })
    again.runbook({ plan = "[[select * from source]]" }, { tolerance = '"100%"' })
    again.plan(database)
    database:execute("alter table source alter wanted type text; alter table source add note text")
    local errors = again.refused(database)
    expect.contains(errors, "the column wanted of the plan of step work is text, and was integer")
  end)
end)

describe("a script that has changed", function()
  local function edited()
    local database = again.items()
    again.runbook()
    local id = again.plan(database)
    again.runbook({ batch = "2" })
    return database, id
  end

  it("is said, and the apply is not compared", function()
    local result = again.apply((edited()))
    expect.equal(result.exit, 0)
    expect.matches(result.output, "sample.lua has changed since plan p%-[%x-]+ was made: not compared with it")
  end)

  it("is refused with --plan, and named", function()
    local database, id = edited()
    expect.contains(again.refused(database, { "--plan", id }), "sample.lua has changed since plan " .. id)
  end)

  it("may be one of its modules", function()
    local database = again.items()
    test.write("parts.lua", "return 1")
    test.write("sample.lua", 'require("parts")\n' .. sample.runbook())
    local id = again.plan(database)
    test.write("parts.lua", "return 2")
    expect.contains(again.refused(database, { "--plan=" .. id }), "parts.lua has changed since plan " .. id)
  end)
end)

describe("without a plan to compare with, an apply", function()
  it("says so, and goes on", function()
    local database = again.items()
    again.runbook()
    local result = again.apply(database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "no earlier plan to compare with")
  end)

  it("with other params says so", function()
    local database = again.items()
    again.runbook({}, { params = '{ part = { type = "string" } }' })
    again.plan(database, { "--part=red" })
    expect.contains(again.apply(database, { "--part=blue" }).output, "no earlier plan to compare with")
  end)

  it("in another database says so", function()
    again.runbook()
    again.plan(again.items())
    expect.contains(again.apply(again.items()).output, "no earlier plan to compare with")
  end)

  it("is not compared with a plan that was applied", function()
    local database = again.items()
    again.runbook()
    local id = again.plan(database)
    expect.equal(again.apply(database).exit, 0)
    database:execute("update item set done = false where id = 1")
    local result = again.apply(database)
    expect.equal(result.exit, 0)
    expect.matches(result.output, "plan " .. id:gsub("%p", "%%%0") .. " was applied by run [%x-]+: not compared")
  end)

  it("is not compared with a plan that has expired", function()
    local database = again.items()
    again.runbook()
    local id = again.plan(database)
    again.age(id, 25 * 3600)
    database:execute("delete from item where id = 1")
    local result = again.apply(database)
    expect.equal(result.exit, 0)
    expect.matches(result.output, "plan " .. id:gsub("%p", "%%%0") .. " was made .- ago, and expired after")
  end)
end)
