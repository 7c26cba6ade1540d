local test = require("opsh.test")
local again = require("planning_again")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local lenient = { tolerance = "10" }

describe("an apply after a plan", function()
  it("says that nothing came, went or changed, and goes on", function()
    local database = again.items()
    again.runbook()
    local id = again.plan(database)
    local result = again.apply(database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "since plan " .. id)
    expect.contains(result.output, "work: nothing came, went or changed of 5 items")
    expect.equal(again.done(database), 5)
  end)

  it("is refused when an item came, and names it", function()
    local database = again.items()
    again.runbook()
    again.plan(database)
    database:execute("insert into item (id, part) values (17, 'red')")
    local errors, output = again.refused(database)
    expect.contains(errors, "1 came, 0 went, 0 changed of 5 planned, and 0 tolerated")
    expect.contains(errors, "plan again")
    expect.matches(output, "came +17\n")
    expect.equal(test.shell("ls state/opsh/runs").output, "")
  end)

  it("is refused when an item went, and names it", function()
    local database = again.items()
    again.runbook()
    again.plan(database)
    database:execute("delete from item where id = 3")
    local errors, output = again.refused(database)
    expect.contains(errors, "0 came, 1 went, 0 changed")
    expect.matches(output, "went +3\n")
  end)

  it("is refused when an item changed, and shows the column with both values", function()
    local database = again.items()
    again.runbook()
    again.plan(database)
    database:execute("update item set part = 'pink', amount = null where id = 2")
    local errors, output = again.refused(database)
    expect.contains(errors, "0 came, 0 went, 1 changed")
    expect.contains(output, "2 (part: blue -> pink; amount: 2.10 -> NULL)")
  end)

  it("does not show the values of a redacted column", function()
    local database = again.items()
    again.runbook({}, { redact = '{ "part" }' })
    again.plan(database)
    database:execute("update item set part = 'pink' where id = 2")
    local _, output = again.refused(database)
    expect.contains(output, "2 (part: *** -> ***)")
  end)

  it("is refused when one item took another one's place, which the counts do not show", function()
    local database = again.items()
    again.runbook()
    local _, planned = again.plan(database)
    database:execute("delete from item where id = 3; insert into item (id, part) values (6, 'red')")
    -- The control: a plan made now counts the same.
    local result = test.opsh({ "sample.lua", "--json" }, { db = database })
    expect.equal(result.json().steps[1].planned.items, planned.steps[1].planned.items)
    test.shell("rm -r state/opsh/plans/" .. result.json().plan.id)
    local errors = again.refused(database)
    expect.contains(errors, "1 came, 1 went, 0 changed")
  end)

  it("does not take a column that the plan does not ask for", function()
    local database = again.items()
    again.runbook({ plan = "[[select id from item where not done]]" })
    again.plan(database)
    database:execute("update item set part = 'pink'")
    expect.equal(again.apply(database).exit, 0)
  end)

  it("does not look at where a plan's rows come from in the order of a collation", function()
    local schema = [[
      create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create table word (word text collate folded primary key, done boolean not null default false);
      insert into word (word) values ('b'), ('A'), ('ä'), ('Z'), ('a1'), ('B1'), ('ñ'), ('n');]]
    local database = test.database({ sql = schema })
    again.runbook({
      plan = "[[select word from word where not done]]",
      key = '"word"',
      writes = '{ "word" }',
      apply = [[function(tx)
        tx:exec("update word set done = true from :items as i where word.word = i.word")
      end]],
    }, lenient)
    again.plan(database)
    database:execute("update word set word = 'a' where word = 'A'; insert into word values ('É')")
    local result = again.apply(database)
    expect.equal(result.exit, 0)
    -- The collation holds A and a equal; their texts are not, and what is in doubt counts.
    expect.contains(result.output, "2 came, 1 went, 0 changed of 8 items; 10 tolerated")
    expect.equal(database:value("select count(*) from word where done"), 9)
  end)

  it("compares keys of several columns whole", function()
    local database = again.items(6)
    again.runbook({ key = '{ "part", "id" }' })
    again.plan(database)
    database:execute("update item set part = 'green' where id = 6")
    local errors, output = again.refused(database)
    expect.contains(errors, "1 came, 1 went, 0 changed")
    expect.contains(output, "(green, 6)")
    expect.contains(output, "(red, 6)")
  end)

  it("says what drifted in the document, with keys and values", function()
    local database = again.items(200)
    again.runbook()
    local id = again.plan(database)
    database:execute("delete from item where id = 7; update item set part = 'pink' where id = 8")
    local drift = again.apply(database, { "--json" }).json().drift
    expect.equal(drift.plan, id)
    expect.equal(drift.steps, {
      {
        step = 1,
        before = 200,
        now = 199,
        came = 0,
        went = 1,
        changed = 1,
        tolerated = 2,
        keys = {
          came = {},
          went = { { "7" } },
          changed = { { key = { "8" }, values = { { column = "part", before = "blue", now = "pink" } } } },
        },
        columns = {},
      },
    })
  end)

  it("says in the audit log which plan it is, and what was counted, but no key", function()
    local database = again.items(200)
    again.runbook()
    local id, planned = again.plan(database)
    database:execute("delete from item where id = 7")
    local run = again.apply(database, { "--json" }).json().run
    for _, entry in ipairs(test.opsh({ "audit", "show", run, "--json" }).json()) do
      if entry.event == "planned" then
        expect.equal(entry.details.plan, {
          id = id,
          identity = planned.plan.identity,
          since = { { step = 1, items = 200, came = 0, went = 1, changed = 0, tolerated = 2 } },
        })
        return
      end
    end
    expect.is_true(false, "there is no entry of the plan")
  end)

  it("does not count a step that is planned after another", function()
    local database = again.items()
    local after = { name = '"then"', after = '"work"', plan = "[[select id from item where done]]" }
    test.write(
      "sample.lua",
      sample.runbook({}, { steps = ("{ %s, %s }"):format(sample.step(), sample.step(after)) })
    )
    again.plan(database)
    local result = again.apply(database)
    expect.equal(result.exit, 0)
    expect.lacks(result.output:match("since plan.-\n\n") or result.output:match("since plan.*"), "then:")
  end)

  it("says once that a step waits for its turn now and did not, or the other way round", function()
    local database = again.items()
    local waiting = sample.step({ after = '"table kept"', writes = '{ "item", "kept" }' })
    local steps = '{ require("opsh.schema").table { table = "kept", definition = "id bigint primary key" }, %s }'
    test.write("sample.lua", sample.runbook({}, { steps = steps:format(waiting) }))
    again.plan(database)
    database:execute("create table kept (id bigint primary key)")
    local id = again.plan(database)
    -- Then what the schema step makes is undone.
    database:execute("drop table kept")
    local errors, output = again.refused(database)
    expect.contains(errors, "step work is planned when its turn comes this time, and cannot be compared")
    expect.contains(errors, "plan again")
    expect.lacks(output, "not among those to be written")
    test.shell("rm -r state/opsh/plans/" .. id)
    database:execute("create table kept (id bigint primary key)")
    expect.contains(again.refused(database), "step work is planned at once this time, and cannot be compared")
  end)

  it("takes a plan without items for a plan", function()
    local database = again.items()
    again.runbook({ plan = "[[select id from item where id > 5 and not done]]" })
    again.plan(database)
    database:execute("insert into item (id, part) values (6, 'red')")
    expect.contains(again.refused(database), "1 came, 0 went, 0 changed of 0 planned")
  end)

  it("compares what a classifying function adds by its values, whatever type the first row gives them", function()
    local database = again.items()
    again.runbook({
      classify = [[function(row)
        if row.id == 1 then return "work", { extra = row.part == "green" and "text" or opsh.null } end
        return "work", { extra = "text" }
      end]],
    }, lenient)
    again.plan(database)
    database:execute("update item set part = 'blue' where id = 1")
    local result = again.apply(database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "1 (part: green -> blue; extra: text -> NULL)")
  end)

  it("with nothing left to do is no drift to refuse", function()
    local database = again.items()
    again.runbook()
    again.plan(database)
    database:execute("update item set done = true")
    local result = again.apply(database)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "0 came, 5 went")
    expect.contains(result.output, "Nothing to do")
  end)
end)

describe("the tolerance", function()
  local function drifting(count, gone, top, fields)
    local database = again.items(count)
    again.runbook(fields, top)
    again.plan(database)
    database:execute(("delete from item where id <= %d"):format(gone))
    return database
  end

  it("is 1 % of the planned items, and exactly that many are tolerated", function()
    local result = again.apply(drifting(200, 2))
    expect.equal(result.exit, 0)
    expect.contains(result.output, "0 came, 2 went, 0 changed of 200 items; 2 tolerated")
  end)

  it("ends at one item more than that", function() again.refused(drifting(200, 3)) end)

  it("rounds down", function() again.refused(drifting(199, 2)) end)

  it("may be a number of items", function()
    expect.equal(again.apply(drifting(5, 2, { tolerance = "2" })).exit, 0)
    again.refused(drifting(5, 3, { tolerance = "2" }))
  end)

  it("of a step counts more than that of the runbook", function()
    again.refused(drifting(5, 1, { tolerance = '"100%"' }, { tolerance = "0" }))
  end)

  it("must be a whole number or a percentage", function()
    again.runbook({}, { tolerance = '"some"' })
    local result = test.opsh({ "sample.lua" })
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "tolerance is a whole number or a percentage")
  end)
end)

describe("many items", function()
  it("are compared, in whatever number they differ", function()
    local database = again.items(200000)
    again.runbook({ apply = "function(tx) error('not reached') end" })
    again.plan(database)
    database:execute("update item set part = 'pink' where id <= 150000; delete from item where id > 199000")
    local errors, output = again.refused(database)
    expect.contains(errors, "0 came, 1,000 went, 150,000 changed of 200,000 planned, and 2,000 tolerated")
    expect.contains(output, "and 149,990 more")
    expect.contains(output, "199001, 199002")
  end)
end)
