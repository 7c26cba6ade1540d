local json = require("opsh.json")
local opsh = require("opsh")
local reporting = require("reporting")
local sample = require("sample")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

--- A step whose apply adds a row for each item, with what the database says of it.
local fields = {
  batch = "4",
  report = [[{ tables = { marked = { "id", "part", "amount", "note" } } }]],
  apply = [[function(tx, items, ctx)
    local rows = tx:query("update item set done = true from :items as i where item.id = i.id "
      .. "returning item.id, item.part, item.amount")
    local marked = ctx.report:table("marked")
    for _, row in ipairs(rows) do
      marked:add({ id = row.id, part = row.part, amount = row.amount, note = row.id == 1 and "" or nil })
    end
    return { worked = #rows }
  end]],
}

local function with(more)
  local made = {}
  for name, source in pairs(fields) do
    made[name] = source
  end
  for name, source in pairs(more) do
    made[name] = source
  end
  return made
end

local function run(database, own, ...) return reporting.run(database, own or fields, { ... }) end

--- The only file of a run's table, as text.
local function text(extension, folder)
  local found = test.shell(("cat %s/marked_*.%s"):format(folder or "state/opsh/runs/*", extension))
  expect.equal(found.exit, 0, found.errors)
  return found.output
end

--- The ids in a table's file that the database does not say are done, and those that are missing.
local function lies(database)
  local said, list = {}, {}
  for _, row in ipairs(json.decode(text("json")).rows) do
    if said[row.id] then list[#list + 1] = ("%d twice"):format(row.id) end
    said[row.id] = true
  end
  for _, row in ipairs(database:query("select id, done from item order by id")) do
    if row.done ~= (said[row.id] == true) then list[#list + 1] = ("%d"):format(row.id) end
  end
  return list
end

describe("a result table", function()
  it("has the rows of committed batches alone, however often a batch was tried and a run gone on with", function()
    local database = test.database({
      sql = sample.items(10) .. "alter table item add constraint stubborn check (not (done and id in (2, 9)));",
    })
    -- Item 2 is left out by a second attempt at its batch; item 9 stops the run.
    local result = run(database, with({ max_failures = "1" }), "--apply")
    expect.equal(result.exit, 4, result.errors)
    local id = result.errors:match("opsh resume (%S+)")
    database:execute("alter table item drop constraint stubborn")
    expect.equal(test.opsh({ "resume", id }, { db = database }).exit, 8)
    expect.none(lies(database))
    expect.equal(text("csv"):match("^[^\n]*"), "id,part,amount,note\r")
    local csv = test.shell([[python3 -c "import csv,glob;print(len(list(csv.reader(open(glob.glob(']]
      .. [[state/opsh/runs/*/marked_*.csv')[0], newline='')))))"]])
    expect.equal(csv.output, "10\n")
    -- Made again, elsewhere: the very same.
    test.shell("mkdir there")
    local again = test.opsh({ "report", id, "--format=csv", "--output=there" }, { db = database })
    expect.equal(again.exit, 0, again.errors)
    expect.equal(text("csv", "there"), text("csv"))
    local report = json.decode(test.opsh({ "report", id, "--format=json" }, { db = database }).output)
    expect.equal({ report.tables[1].name, report.tables[1].rows }, { "marked", 9 })
    local timeline = report.steps[1].timeline
    expect.equal({ timeline[1].attempts, timeline[1].failed, timeline[2].attempts }, { 2, 1, 1 })
    -- The control: a row that was rolled back would be seen.
    test.shell([[sed -i 's/^{"id":1,/{"id":2,/' state/opsh/runs/*/marked_*.json]])
    expect.equal(lies(database), { "1", "2" })
  end)

  it("has values as they are in both formats, and a spreadsheet runs none of them", function()
    local database = test.database({ sql = sample.items(3) })
    local result = run(database, with({
      apply = [[function(tx, items, ctx)
        local marked = ctx.report:table("marked")
        marked:add({ id = -1, part = "=1+1", amount = "-0.10", note = 'two\nlines, "quoted"' })
        marked:add({ id = 1.5, part = "", amount = "-1+2", note = opsh.null })
        marked:add({ part = "señal ☃", amount = true, note = { "x", 1 } })
      end]],
    }), "--apply")
    expect.equal(result.exit, 0, result.errors)
    expect.equal(
      text("csv"),
      "id,part,amount,note\r\n"
        .. '-1,\'=1+1,-0.10,"two\nlines, ""quoted"""\r\n'
        .. '1.5,"",\'-1+2,\r\n'
        .. ',señal ☃,true,"[""x"",1]"\r\n'
    )
    expect.equal(json.decode(text("json")).rows, {
      { id = -1, part = "=1+1", amount = "-0.10", note = 'two\nlines, "quoted"' },
      { id = 1.5, part = "", amount = "-1+2", note = opsh.null },
      { id = opsh.null, part = "señal ☃", amount = true, note = { "x", 1 } },
    })
  end)

  it("hides redacted columns, and is refused what it cannot hold", function()
    local database = test.database({ sql = sample.items(3) })
    local hidden = reporting.run(database, fields, { "--apply" }, { redact = '{ "part" }' })
    expect.equal(hidden.exit, 0, hidden.errors)
    expect.contains(text("csv"), "1,***,")
    expect.equal(database:value("select count(*) from opsh.batch where figures::text ~ 'red|green|blue'"), 0)
    database:execute("update item set done = false")
    for source, said in pairs({
      ['ctx.report:table("marked"):add({ prat = 1 })'] = "report table marked has no column prat",
      ['ctx.report:table("maked")'] = "the step declares no report table maked",
      ['ctx.report:table("marked"):add({ note = "a\\0b" })'] = "has a zero byte",
    }) do
      local result = run(database, with({ apply = ("function(tx, items, ctx) %s end"):format(source) }), "--apply")
      expect.equal(result.exit, 1)
      expect.contains(result.errors, said)
    end
    local late = run(
      database,
      with({ verify = 'function(check, ctx) ctx.report:table("marked"):add({ id = 1 }) end' }),
      "--apply"
    )
    expect.equal(late.exit, 6)
    expect.contains(late.errors, "rows are added to report tables in apply alone")
    expect.contains(run(database, { report = '{ tables = { ["../x"] = "id" } }' }).errors, "cannot be a table's name")
    expect.contains(run(database, { report = "{ columns = { 'id' } }" }).errors, "report has no file")
  end)
end)
