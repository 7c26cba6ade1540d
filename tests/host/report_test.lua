local documents = require("documents")
local opsh = require("opsh")
local reporting = require("reporting")
local sample = require("sample")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local function only(found, names)
  local rows = {}
  for at, part in ipairs(found.parts) do
    rows[at] = {}
    for place, name in ipairs(names) do
      rows[at][place] = part[name]
    end
  end
  return rows
end

describe("report files", function()
  it("hold what was committed, not what was planned", function()
    local database = test.database({ sql = reporting.stubborn })
    local planned = reporting.run(database, reporting.fields())
    expect.equal(planned.exit, 0, planned.errors)
    local before = reporting.document()
    test.shell("rm -r output")
    local result = reporting.run(database, reporting.fields(), { "--apply", "--json" })
    expect.equal(result.exit, 8, result.errors)
    local after = reporting.document()
    expect.none(reporting.lies(after, database))
    -- The control: a report that was made of the plan.
    expect.is_true(#reporting.lies(before, database) > 3, "the plan's figures are seen to be the plan's")

    expect.equal({ before.mode, before.dry_run, before.run, before.outcomes.planned }, { "plan", true, opsh.null, 10 })
    expect.equal({ after.mode, after.dry_run, after.plan, after.run }, { "apply", false, opsh.null, result.json().run })
    expect.equal(after.stats, { processed = 8, errors = 1, inspected = 10, worked = 8 })
    expect.equal(only(after, { "id", "part", "amount" }), only(before, { "id", "part", "amount" }))
    expect.contains(after.parts[5].error, "violates check constraint")
    expect.equal({ after.parts[5].outcome, after.parts[7].outcome }, { "failed", "changed" })
    expect.equal(after.parts[7].error, "changed since the plan")
    documents.fit(result.json(), "run")
  end)

  it("are announced with what they hash to: on the screen, in the document and in the audit log", function()
    local database = test.database({ sql = sample.items(3) })
    local result = reporting.run(database, reporting.fields(), { "--apply", "--json" })
    local reports = result.json().reports
    expect.equal({ #reports, reports[1].rows, reports[2].step }, { 2, 3, 1 })
    for _, report in ipairs(reports) do
      expect.contains(test.shell(("sha256sum '%s'"):format(report.path)).output, report.sha256)
      expect.contains(test.opsh({ "audit", "show", result.json().run }).output, report.sha256)
    end
    expect.equal(test.shell("stat -c %a output output/*").output, "700\n600\n600\n")
    local plan = reporting.run(database, reporting.fields({ plan = '"select * from item"' }))
    expect.matches(plan.output, "report files\n  output/items_%d+_%d+[_%x]*%.json  3 rows\n")
  end)

  it("have the same rows in both formats, whatever is in them", function()
    local database = test.database({ sql = sample.items(2) })
    local plan = [=[
      select i.id, v.* from item as i join (values
        (1, '=1+1', E'two\nlines, "quoted"', '', 9007199254740993, 1.50, true, 'NaN'::float8,
         '{"a": [1.10, null]}'::jsonb, array['x', null, 'y,"z"'], '\x00ff'::bytea),
        (2, null, 'señal ☃', ' ', -5, -0.1, null, 1e300, '"=x"', '{}', null))
        as v (item, formula, odd, blank, big, exact, flag, real, document, list, bytes) on v.item = i.id]=]
    local result = reporting.run(
      database,
      reporting.fields({
        plan = ("[==[%s]==]"):format(plan),
        report = [[{ file = "output/items", columns = { "id", "formula", "odd", "blank", "big", "exact", "flag", "real",
          "document", "list", "bytes" } }]],
      })
    )
    expect.equal(result.exit, 0, result.errors)
    local items, rows = reporting.document().items, reporting.csv()
    expect.equal({ items[1].formula, items[2].formula, items[1].odd }, { "=1+1", opsh.null, 'two\nlines, "quoted"' })
    -- No digit is lost: what a double does not hold is text.
    expect.equal({ items[1].big, items[2].big, items[1].exact }, { "9007199254740993", -5, "1.50" })
    expect.equal({ items[1].flag, items[1].real, items[2].real }, { true, "NaN", 1e300 })
    expect.equal({ items[1].list, items[2].list }, { { "x", opsh.null, 'y,"z"' }, {} })
    expect.equal(items[1].bytes, "\\x00ff")
    expect.contains(reporting.text("json"), '"document":{"a": [1.10, null]}')

    expect.equal(rows[2], {
      "1",
      "'=1+1",
      'two\nlines, "quoted"',
      "",
      "9007199254740993",
      "1.50",
      "true",
      "NaN",
      '{"a": [1.10, null]}',
      '["x",null,"y,\\"z\\""]',
      "\\x00ff",
      "planned",
      "",
    })
    expect.equal({ rows[3][3], rows[3][5], rows[3][6], rows[3][9] }, { "señal ☃", "-5", "-0.1", '"=x"' })
    -- NULL is nothing, an empty text is "".
    expect.matches(reporting.text("csv"), '\n2,,señal ☃, ,%-5,%-0%.1,,1e%+300,"""=x""",%[%],,planned,\r\n')
    expect.contains(reporting.text("csv"), '"two\nlines, ""quoted""","",9007199254740993')
  end)

  it("name the columns that classify adds, the label, and what it rejected", function()
    local database = test.database({ sql = sample.items(4) })
    local fields = reporting.fields({
      classify = [[function(row)
        if row.id == 2 then return "bad", nil, "two is no item" end
        return row.id == 3 and "odd one" or "usual", { twice = row.id * 2 }
      end]],
      reject = '{ "bad" }',
      summary = "function(n) return { rejected = n.rejected, bad = n.labels.bad, usual = n.labels.usual } end",
      report = [[{ file = "output/items", rows = "parts", columns = { "id", "label", "twice", "error" } }]],
    })
    expect.equal(reporting.run(database, fields, { "--apply" }).exit, 8)
    local found = reporting.document()
    expect.equal(only(found, { "id", "label", "twice", "outcome", "error" }), {
      { 1, "usual", "2", "done", opsh.null },
      { 3, "odd one", "6", "done", opsh.null },
      { 4, "usual", "8", "done", opsh.null },
      { 2, "bad", opsh.null, "rejected", "two is no item" },
    })
    expect.equal(found.stats, { rejected = 1, bad = 1, usual = 2, worked = 3 })
  end)

  it("hide redacted columns, also where the server quotes them", function()
    local database = test.database({ sql = sample.items(2) .. "update item set part = 's3cr3t' where id = 1" })
    local fields = reporting.fields({
      apply = [[function(tx)
        tx:exec("update item set amount = (case when item.id = 1 then item.part else '1' end)::numeric"
          .. " from :items as i where item.id = i.id")
      end]],
    })
    expect.equal(reporting.run(database, fields, { "--apply" }, { redact = '{ "part" }' }).exit, 8)
    local found = reporting.document()
    expect.equal({ found.parts[1].part, found.parts[1].outcome, found.parts[2].part }, { "***", "failed", "***" })
    expect.contains(found.parts[1].error, 'numeric: "***"')
    expect.lacks(reporting.text("json") .. reporting.text("csv"), "s3cr3t")
  end)

  it("are written when there is nothing to do: empty, with the names of the columns", function()
    local database = test.database({ sql = sample.items(1) .. "update item set done = true" })
    local result = reporting.run(database, reporting.fields(), { "--apply", "--json" })
    expect.equal({ result.exit, result.json().outcome, #result.json().reports }, { 0, "nothing to do", 2 })
    local found = reporting.document()
    expect.equal({ found.mode, found.run, #found.parts }, { "apply", opsh.null, 0 })
    expect.equal(reporting.csv(), { { "id", "part", "amount", "error", "outcome" } })
  end)

  it("say of a simulation what would have become of the items, and which it did not come to", function()
    local database = test.database({ sql = reporting.stubborn })
    local result = reporting.run(database, reporting.fields(), { "--simulate=8" })
    expect.equal(result.exit, 8, result.errors)
    local found = reporting.document()
    expect.equal({ found.mode, found.dry_run }, { "simulate", true })
    expect.equal(found.outcomes, { done = 6, failed = 1, changed = 1, planned = 2, rejected = 0 })
    expect.equal({ found.parts[5].outcome, found.parts[9].outcome }, { "failed", "planned" })
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)
end)
