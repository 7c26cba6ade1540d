local test = require("opsh.test")
local stepping = require("schema_stepping")

local describe, it, expect = test.describe, test.it, test.expect
local column, database, applied = stepping.column, stepping.database, stepping.applied
local undo, sleeps, schema_of = stepping.undo, stepping.sleeps, stepping.schema_of

describe("the undo of a schema step", function()
  it("needs the script of the run, unchanged, and its undo; else nothing is undone", function()
    local on = database()
    local run = applied(on, column())
    local after = schema_of(on)
    local function is_refused(words)
      for _, option in ipairs({ "--json", "--apply" }) do
        local result = undo(on, run, option)
        expect.equal(result.exit, 5)
        expect.contains(result.output .. result.errors, words)
      end
      expect.equal(schema_of(on), after)
    end
    test.write("sample.lua", column() .. "-- another\n")
    is_refused("has changed since run " .. run)
    test.shell("rm sample.lua")
    is_refused("its undo cannot be had: there is no script")
    test.write("sample.lua", column())
    expect.equal(undo(on, run, "--apply").exit, 0)
  end)

  it("is refused where the step has none", function()
    local on = database()
    local run = applied(on, column({ undo = false }))
    local result = undo(on, run, "--apply")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "is a schema step without undo")
  end)

  it("works without the files of the run, on another machine", function()
    local on = database()
    local before = schema_of(on)
    local run = applied(on, column())
    test.shell("rm -r state")
    expect.equal(undo(on, run, "--apply").exit, 0)
    expect.equal(schema_of(on), before)
  end)

  it("is not undone again: the plan finds what is missing", function()
    local on = database()
    local run = applied(on, column())
    expect.equal(undo(on, run, "--apply").exit, 0)
    local result = undo(on, on:value("select undone_by from opsh.run where id = $1", run), "--apply")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "apply the runbook again")
    applied(on, column())
  end)

  it("gets the items as they were, whatever is in them, as a list and as a relation", function()
    local on = database()
    local run = applied(on, column({
      plan = [=[[[select * from (values (1, 'a "quoted", {name}', null, 12345678901234567890.10),
                                        (2, E'back\\slash\nline', true, null)) as v (name, text, flag, number)]]]=],
      apply = [[function(tx, items) tx:ddl("alter table item add column c" .. items[1].name .. " int") end]],
      undo = [[function(tx, items)
        local item = items[1]
        local same = tx:value("select bool_and(i.text is not distinct from $1 and "
          .. "i.number::text is not distinct from $2) from :items as i", item.text, item.number)
        if item.name == 1 then
          assert(item.text == 'a "quoted", {name}' and item.flag == nil and item.number == "12345678901234567890.10")
        else
          assert(item.text == "back\\slash\nline" and item.flag == true and item.number == nil)
        end
        assert(same and #items == 1 and items.keys[1] == item.name)
        tx:ddl("alter table item drop column c" .. item.name)
      end]],
    }))
    local result = undo(on, run, "--apply")
    expect.equal(result.exit, 0, result.output .. result.errors)
  end)

  it("goes on after it was killed", function()
    local on = database()
    local before = schema_of(on)
    local run = applied(on, column({
      undo = [[function(tx)
        tx:ddl("alter table item drop column note")
        tx:value("select pg_sleep(2)::text")
      end]],
    }))
    local process = test.spawn({ "undo", run, "--apply" }, { db = on })
    test.wait_until(
      "the undo is under way",
      function() return sleeps(on) end
    )
    process:signal("KILL")
    process:wait()
    local resumed = test.opsh({ "resume", on:value("select undone_by from opsh.run where id = $1", run) }, { db = on })
    expect.equal(resumed.exit, 0, resumed.errors)
    expect.equal(schema_of(on), before)
  end)
end)
