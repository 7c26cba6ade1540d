local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

-- Row 2 is skipped and row 3 rejected; the others get a column.
local fields = {
  plan = "[[select id, part from item where not done and id <= :limit]]",
  classify = [[function(row)
    if row.id == 2 then return "no" end
    if row.id == 3 then return "bad", nil, "it is three" end
    return "make", { upper = row.part:upper() }
  end]],
  skip = '{ "no" }',
  reject = '{ "bad" }',
  verify = [[function(check, ctx)
    check:none("none left", "select id from item where not done and id <= :limit")
    check:equal("items", ctx.planned.items, 2)
  end]],
}

local top = {
  params = [[{
    limit = { type = "integer", default = 4 },
    mode = { type = "choice", choices = { "strict", "lenient" }, default = "strict" },
    tag = { type = "string", list = true },
    token = { type = "string", secret = true },
  }]],
  preconditions = 'function(check) check:count("items", "select count(*) from item", 9) end',
}

local function write(name, more) return test.write(name or "sample.lua", sample.runbook(more or fields, top)) end

--- What chunks give, on nine items; `options.arguments` before them.
local function feed(lines, options)
  options = options or {}
  return test.opsh(options.arguments or {}, {
    db = options.db or test.database({ sql = sample.items(options.items or 9) }),
    input = table.concat(lines, "\n") .. "\n",
    environment = options.environment,
  })
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  return lines
end

describe("rb.plan()", function()
  it("has the items of the plan in the order of its key, with what classify says of each", function()
    write()
    feed({ "\\load sample.lua limit=5", "\\o plan.csv", "rb.plan()" })
    local file = test.shell("cat plan.csv").output:gsub("\r", "")
    expect.equal(lines_of(file), {
      "id,part,label,upper,outcome,reason",
      "1,green,make,GREEN,planned,",
      "2,blue,no,,skipped,",
      "3,red,bad,,rejected,it is three",
      "4,green,make,GREEN,planned,",
      "5,blue,make,BLUE,planned,",
    })
  end)

  it("is a live value whose methods see all items, of which it keeps the first 1000", function()
    write()
    local result = feed({
      "\\load sample.lua limit=1200",
      "all = rb.plan('work')",
      "=#all",
      '=#all:where{ outcome = "planned" }, all:group("outcome")[1].count',
      "=#rb:plan()",
      "all",
      "\\more",
    }, { items = 1500 })
    expect.contains(result.output, "1000\n1198\n1198\n1000\n")
    expect.contains(result.output, "(the first 1,000 of 1,200 rows)")
    expect.contains(result.output, "(rows 1,001 to 1,200 of 1,200 rows)")
  end)

  it("classifies by a column, and hides what the runbook redacts", function()
    test.write(
      "sample.lua",
      sample.runbook({
        plan = "[[select id, part, amount from item where id <= 3]]",
        classify = '"part"',
        skip = '{ "red" }',
      }, { redact = '{ "amount" }' })
    )
    local result = feed({ "\\load sample.lua", "rb.plan()" })
    expect.contains(result.output, " 2  blue      ***  planned\n 3  red       ***  skipped\n")
  end)

  it("shows where in the file a plan is wrong, and the session goes on", function()
    write("sample.lua", { plan = "[[\nselect id, prt\nfrom item]]" })
    local result = feed({ "\\load sample.lua", "=pcall(rb.plan)", "=#query('select 1')", "rb.plan()" })
    expect.contains(result.output, "1\n")
    expect.contains(result.errors, "select id, prt\n")
    expect.matches(result.errors, "\n%s+%^\n  at sample.lua:%d+\n  SQLSTATE 42703\n")
  end)

  it("names the step that was meant", function()
    write()
    local result = feed({ "\\load sample.lua", 'rb.plan("wrk")' })
    expect.contains(result.errors, "the runbook has no step wrk")
    expect.contains(result.errors, "did you mean work?")
  end)
end)

describe("rb.check() and rb.steps", function()
  it("give the preconditions, the checks and the steps as rows, and write nothing", function()
    write()
    local database = test.database({ sql = sample.items(9) })
    local before = database:checksum()
    local result = feed({
      "\\load sample.lua",
      "\\o checks.csv",
      "rb.check()",
      "\\o",
      "=#_[2].rows",
      "rb.steps",
      "=rb.steps[1].writes",
    }, { db = database })
    expect.equal(result.exit, 0, result.errors)
    expect.equal(lines_of((test.shell("cat checks.csv").output:gsub("\r", ""))), {
      "step,name,outcome,expected,found,message",
      'preconditions,items,pass,9,9,""',
      'work,none left,fail,0,4,""',
      'work,items,pass,2,2,""',
    })
    expect.contains(result.output, "4\nnumber  name  kind   writes  done\n")
    expect.contains(result.output, "     1  work  items  item\n(1 row)\nitem\n")
    expect.equal(database:checksum(), before)
  end)

  it("look at what comes after a schema step where that has nothing to make, and else say why not", function()
    local made = 'require("opsh.schema").table { table = "log", definition = "id bigint primary key, what text" }'
    local verify = [[function(check) check:count("logged", "select count(*) from log", 0) end]]
    local step = sample.step({ after = made .. ".name", verify = verify })
    test.write("sample.lua", sample.runbook(nil, { steps = ("{ %s, %s }"):format(made, step) }))
    local database = test.database({ sql = sample.items(9) })
    local chunks = { "\\load sample.lua", "=rb.check()[1].outcome, rb.check()[1].message", "=#rb.plan()" }
    local result = feed(chunks, { db = database })
    expect.contains(result.output, "skip\nit is planned after ", result.errors)
    expect.contains(result.output, "\n9\n")
    database:execute("create table log (id bigint primary key, what text)")
    expect.contains(feed(chunks, { db = database }).output, "\npass\n\n9\n")
  end)

  it("name the run that did a step", function()
    test.write("sample.lua", sample.runbook())
    local database = test.database({ sql = sample.items(9) })
    local applied = test.opsh({ "sample.lua", "--apply", "--json" }, { db = database })
    local run = applied.output:match('"run": "(%d+%-%d+%-%x+)"')
    local result = feed({ "\\load sample.lua", "=rb.steps[1].done" }, { db = database })
    expect.equal(lines_of(result.output)[#lines_of(result.output)], run, applied.output)
  end)
end)

describe("rb.params", function()
  it("are read by the next plan and by :name, before a variable of Lua", function()
    write()
    local result = feed({
      "\\load sample.lua limit=1",
      "limit, other = 7, 8",
      "rb.params.limit = 3",
      "=#rb.plan(), rb.params.limit",
      "select :limit::int + :other::int as sum;",
      "=value('select :limit::int * :other::int')",
      "rb.params.limit = nil",
      "=rb.params.limit",
      'rb.params.tag = { "a", "b c" }',
      "=rb.params.tag[2], value('select cardinality(:tag)')",
    })
    expect.equal(result.errors, "")
    expect.contains(result.output, "3\n3\nsum\n───\n 11\n(1 row)\n24\n4\nb c\n2\n")
  end)

  it("are checked as on the command line, and stay when the check fails", function()
    write()
    for chunk, said in pairs({
      ['rb.params.limit = "x"'] = 'wants an integer, not "x"',
      ["rb.params.limit = 1.5"] = 'wants an integer, not "1.5"',
      ["rb.params.limit = { 1 }"] = "rb.params.limit takes one value",
      ['rb.params.mode = "strct"'] = "did you mean strict?",
      ["rb.params.limt = 1"] = "did you mean limit?",
      ["=rb.params.limt"] = "did you mean limit?",
      ['rb.params.token = "abcdef"'] = "--token is secret",
      ["rb.limit = 1"] = "rb.params.NAME = value",
      ["=rb.plann"] = "did you mean rb.plan?",
    }) do
      local result = feed({ "\\load sample.lua", chunk }, { db = "host=/nonexistent" })
      expect.equal({ result.exit == 0, chunk }, { false, chunk })
      expect.contains(result.errors, said)
    end
  end)

  it("show nothing of a secret", function()
    write()
    local result = feed(
      { "\\load sample.lua", "=rb.params.token, #rb.params.token", "=rb.params", "rb", "select reverse(:token);" },
      { environment = { OPSH_PARAM_TOKEN = "open sesame" } }
    )
    expect.contains(result.output, "***\n3\n")
    expect.lacks(result.output .. result.errors, "sesame")
    expect.lacks(result.output .. result.errors, "emases")
    expect.contains(result.errors, "there is no value for :token")
  end)
end)

describe("\\load", function()
  it("takes another runbook's place, with its params and the modules beside it", function()
    write()
    test.write("other/beside.lua", "return 'beside'")
    test.write("other/second.lua", sample.runbook(nil, { title = '"second"' }))
    local result = feed({
      "\\load sample.lua",
      "\\load other/second.lua",
      "=rb.title, require('beside')",
      "print(rb)",
      "\\load",
      "=rb.params.limit",
    }, { db = "host=/nonexistent" })
    expect.contains(result.output, "second\nbeside\nother/second.lua: second\n")
    expect.contains(result.errors, "declares no param limit")
  end)

  it("refuses what is no runbook, with the place in the file, and the one before stays", function()
    write()
    test.write("broken.lua", "local x =\nreturn {")
    test.write("plain.lua", "return { title = 'x' }")
    test.write("required.lua", sample.runbook(nil, { params = '{ day = { type = "date", required = true } }' }))
    for words, said in pairs({
      ["sampl.lua"] = "did you mean sample.lua?",
      ["broken.lua"] = "at broken.lua:2",
      ["plain.lua"] = "the script returns no runbook",
      ["required.lua"] = "\\load required.lua NAME=VALUE",
      ["required.lua day=2025-02-30"] = "wants a date",
      ["sample.lua limt=3"] = "did you mean limit?",
      ["sample.lua limit"] = "NAME=VALUE",
      ["sample.lua limit=1 --limit=2"] = "given twice",
      ["sample.lua token=abcdef"] = "--token is secret",
    }) do
      local result = feed({ "\\load " .. words }, { db = "host=/nonexistent" })
      expect.equal({ result.exit == 0, words }, { false, words })
      expect.contains(result.errors, said)
    end
  end)

  it("makes known to the session what the runbook declares, also when that is connected already", function()
    local database = test.database({ sql = "create function f() returns int language sql as 'select 5'" })
    write()
    test.write("declares.lua", sample.runbook(nil, { functions = '{ "public.f" }' }))
    local result = feed({ "select 1 as one;", "\\load declares.lua", "=value('select f()')" }, { db = database })
    expect.contains(result.output, "5\n")
    local back = { "\\load declares.lua", "select 1 as one;", "\\load sample.lua", "=value('select f()')" }
    result = feed(back, { db = database })
    expect.equal(result.exit, 5, result.errors)
  end)
end)

describe("a runbook whose file changes", function()
  --- A chunk that writes a file: what \o gets is a Lua text.
  local function writes(name, text)
    return { "\\o " .. name, "=" .. ("[==[%s]==]"):format(text), "\\o" }
  end

  local function chunks(...)
    local all = {}
    for _, part in ipairs({ ... }) do
      for _, line in ipairs(type(part) == "table" and part or { part }) do
        all[#all + 1] = line
      end
    end
    return all
  end

  it("is loaded again before it is used, and keeps the params that there still are", function()
    write()
    local params = '{ limit = { type = "integer", default = 9 } }'
    local changed = writes("sample.lua", sample.runbook(nil, { title = '"changed"', params = params }))
    local result = feed(
      chunks("\\load sample.lua limit=3 mode=lenient", changed, "=1", "=rb.title, rb.params.limit"),
      { db = "host=/nonexistent" }
    )
    expect.contains(result.output, "1\nchanged\n3\n")
    expect.equal(result.errors, "sample.lua changed: loaded again\n")
  end)

  it("is loaded again when a module of it changes", function()
    test.write("beside.lua", "return 'before'")
    test.write("sample.lua", sample.runbook(nil, { title = 'require("beside")' }))
    local result = feed(
      chunks("\\load sample.lua", "=rb.title", writes("beside.lua", "return 'after'"), "=rb.title, require('beside')"),
      { db = "host=/nonexistent" }
    )
    expect.contains(result.output, "before\nafter\nafter\n")
    expect.matches(result.errors, "beside.lua changed: sample.lua is loaded again\n")
  end)

  it("stays as it was while the new one has an error, whose place is shown", function()
    write()
    local result = feed(
      chunks(
        "\\load sample.lua limit=3",
        writes("sample.lua", "return {\n  title ="),
        "=rb.title, #rb.plan()",
        "=rb.params.limit",
        writes("sample.lua", sample.runbook(nil, { title = '"mended"' })),
        "=rb.title"
      )
    )
    expect.contains(result.output, "sample\n3\n3\nmended\n")
    expect.equal(select(2, result.errors:gsub("at sample.lua:3\n", "")), 1)
    expect.equal(select(2, result.errors:gsub("the runbook from before stays in use\n", "")), 2)
    expect.contains(result.errors, "sample.lua changed: loaded again\n")
  end)
end)

describe("opsh repl RUNBOOK", function()
  it("is the prompt with the runbook loaded, its params read as those of the command line", function()
    write()
    local database = test.database({ sql = sample.items(9) })
    local arguments = { "repl", "sample.lua", "--limit=5" }
    local result = feed({ "=rb.title, #rb.plan()" }, { db = database, arguments = arguments })
    expect.equal({ result.exit, result.output }, { 0, "sample\n5\n" })
    for _, option in ipairs({ "--limit=x", "--apply" }) do
      expect.equal(feed({ "=1" }, { db = database, arguments = { "repl", "sample.lua", option } }).exit, 2)
    end
  end)
end)

describe("--interactive", function()
  it("is refused without a terminal, before anything connects, with what to use instead", function()
    write()
    local result = test.opsh({ "sample.lua", "--limit=3", "--interactive" }, { db = "host=/nonexistent" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--interactive wants a terminal")
    expect.contains(result.errors, "sample.lua --limit=3 --apply --plan=ID applies that plan")
  end)

  it("excludes what is no stop before an apply", function()
    write()
    for _, option in ipairs({ "--json", "--simulate", "--rehearse", "--plan=p-1", "--detailed-exitcode" }) do
      local result = test.opsh({ "sample.lua", "--interactive", option }, { db = "host=/nonexistent" })
      expect.equal(result.exit, 2)
      expect.contains(result.errors, "exclude each other")
    end
  end)

  it("is what \\apply wants", function()
    write()
    local result = feed({ "\\load sample.lua", "\\apply" }, { db = "host=/nonexistent" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "opsh sample.lua --interactive makes one")
  end)
end)
