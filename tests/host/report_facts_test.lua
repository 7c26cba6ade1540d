local documents = require("documents")
local json = require("opsh.json")
local opsh = require("opsh")
local reporting = require("reporting")
local sample = require("sample")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local verify = [[function(check, ctx)
  check:equal("items worked on", ctx.done.counts.worked, ctx.planned.items)
  check:none("items that are not done", "select id, part from item where not done order by id")
end]]

local fields = { verify = verify, tally = '"part"', batch = "4" }

--- The folder of the newest thing of a kind in the state folder, and its report as it was read.
local function newest(kind)
  local folder = test.shell(("ls -dt state/opsh/%s/*/ | head -1"):format(kind)).output:match("%S+")
  return json.decode(reporting.read(folder .. "report.json")), folder
end

local function run(database, own, arguments, top) return reporting.run(database, own or fields, arguments, top) end

--- A report that is whole: the page and the text for a ticket beside it, each no larger than it may be.
local function fitting(kind, rung, outcome)
  local found, folder = newest(kind)
  documents.fit(found, "report")
  expect.equal({ found.rung, found.outcome }, { rung, outcome })
  expect.equal(test.shell(("stat -c %%a %sreport.*"):format(folder)).output, "600\n600\n600\n")
  expect.is_true(#reporting.read(folder .. "report.md") <= 4000, "report.md fits a message")
  expect.contains(reporting.read(folder .. "report.html"), "</html>")
  return found, folder
end

--- What is said of the run of a report elsewhere and otherwise: in the ledger, in its tables, in the other formats.
local function lies(found, folder, database)
  local list = {}
  local function claim(what, said, is)
    if said ~= is then list[#list + 1] = ("%s: %s, and it is %s"):format(what, tostring(said), tostring(is)) end
  end
  local made = found.summary
  claim("items", made.items, database:value("select sum(items) from opsh.batch where run = $1", found.id))
  claim("batches", made.batches, database:value("select count(*) from opsh.batch where run = $1", found.id))
  claim("rows", made.rows, database:value("select count(*) from opsh.change where run = $1", found.id))
  claim("changes", found.changes.total, made.rows)
  claim("left out", found.left_out.total, database:value("select count(*) from opsh.left_out where run = $1", found.id))
  local rows, batches = 0, 0
  for _, point in ipairs(found.steps[1].timeline) do
    rows, batches = rows + point.rows, batches + point.batches
  end
  claim("rows of the time line", rows, made.rows)
  claim("batches of the time line", batches, made.batches)
  local text = reporting.read(folder .. "report.md")
  local said = text:match("Applied (%d+) items? in (%d+)")
  claim("report.md, items", tonumber(said), made.items)
  claim("report.md, rows", tonumber(text:match("(%d+) rows? changed")), made.rows)
  return list
end

describe("a report", function()
  it("is written by every rung, and is what docs/report.schema.json says", function()
    local database = test.database({ sql = sample.items(10) })
    expect.equal(run(database).exit, 0)
    local planned = fitting("plans", "plan", "planned")
    expect.equal({ planned.summary.planned, planned.summary.rows }, { 10, opsh.null })

    expect.equal(run(database, nil, { "--simulate" }).exit, 0)
    local simulated = fitting("runs", "simulate", "simulated")
    expect.equal({ simulated.summary.items, simulated.summary.updated, simulated.state }, { 10, 10, opsh.null })
    expect.equal(simulated.audit.verdict, "good")

    expect.equal(run(database, nil, { "--rehearse", "--backup=now" }).exit, 0)
    local rehearsed = fitting("rehearsals", "rehearse", "rehearsed")
    expect.equal({ rehearsed.summary.updated, rehearsed.rehearsal.undo.equal }, { 10, true })

    local result = run(database, nil, { "--apply", "--json", "--reason=OPS-1" })
    expect.equal(result.exit, 0, result.errors)
    local applied, folder = fitting("runs", "apply", "done")
    expect.none(lies(applied, folder, database))
    expect.equal({ applied.id, applied.reason, applied.state }, { result.json().run, "OPS-1", "done" })
    expect.equal(applied.rehearsed.id, rehearsed.id)
    expect.equal(applied.drift.plan, planned.plan.id)
    expect.equal({ applied.audit.verdict, applied.audit.recorded.entries }, { "good", applied.audit.entries })
    -- One truth: what --json prints is in it as it stands there.
    for _, name in ipairs({ "params", "drift", "backup", "preconditions", "error", "rehearsed" }) do
      expect.equal(applied[name], result.json()[name], name)
    end
    for _, name in ipairs({ "planned", "summary", "tally", "done", "batches", "checks", "writes" }) do
      expect.equal(applied.steps[1][name], result.json().steps[1][name], name)
    end
    local change = applied.changes.list[1]
    expect.equal({ change.operation, change.key, change.columns.done.new }, { "update", { id = "1" }, "t" })

    expect.equal(test.opsh({ "watch", applied.id, "--once" }, { db = database }).exit, 0)
    local verified = fitting("verifications", "verify", "held")
    expect.equal({ verified.verify.of, verified.verify.total }, { applied.id, 1 })

    database:execute("update item set done = false, amount = 0 where id = 3")
    expect.equal(test.opsh({ "undo", applied.id, "--apply" }, { db = database }).exit, 8)
    local undone = fitting("runs", "undo", "done")
    expect.equal({ undone.undo.of, undone.undo.restored, undone.undo.left }, { applied.id, 9, 1 })
    -- Made again, the report of the run knows what became of it.
    expect.equal(test.opsh({ "report", applied.id, "--format=json", "--output=." }, { db = database }).exit, 0)
    local again = json.decode(reporting.read("report.json"))
    expect.equal(again.undone, { state = "undone", by = undone.id })
    again.made, again.undone, again.state = applied.made, applied.undone, applied.state
    expect.equal(again, applied)
    -- The controls: what is no such document is seen, and so is a number that is not so.
    expect.equal(#documents.misfits(result.json(), "report") > 5, true)
    applied.summary.items, applied.summary.rows = 9, 9
    expect.equal(#lies(applied, folder, database), 6)
  end)

  it("says how far a run came that stopped, and that it was gone on with", function()
    local database = test.database({
      sql = sample.items(10) .. "alter table item add constraint blocked check (not (done and id = 6));",
    })
    local stopped = run(database, nil, { "--apply" })
    expect.equal(stopped.exit, 4)
    local found, folder = fitting("runs", "apply", "failed")
    expect.equal({ found.state, found.exit, found.summary.items }, { "stopped", 4, 4 })
    expect.contains(found.error.message, "blocked")
    expect.contains(reporting.read(folder .. "report.md"), "Stopped part-way: 4 of 10 items are committed")
    database:execute("alter table item drop constraint blocked")
    -- Nothing that a report meets changes how the run ends: it is said, with what makes it.
    test.shell(("rm %sreport.json && mkdir -p %sreport.json/there"):format(folder, folder))
    local resumed = test.opsh({ "resume", found.id }, { db = database })
    expect.equal(resumed.exit, 0, resumed.errors)
    expect.contains(resumed.errors, "the report is not whole: ")
    expect.contains(resumed.errors, "this makes it: opsh report " .. found.id)
    test.shell(("rm -r %sreport.json"):format(folder))
    local again = test.opsh({ "report", found.id }, { db = database })
    expect.equal(again.exit, 0, again.errors)
    found = fitting("runs", "apply", "done")
    expect.equal({ #found.times.sessions, found.summary.items, found.error }, { 2, 10, opsh.null })
    expect.equal(found.times.sessions[1].how, "run stopped")

    -- An opsh that was killed leaves no document; the ledger and the audit log have the figures.
    local before = found
    test.shell(("rm %sshown.json"):format(folder))
    expect.equal(test.opsh({ "report", found.id }, { db = database }).exit, 0)
    found = fitting("runs", "apply", "done")
    expect.equal({ found.summary.items, found.summary.rows }, { before.summary.items, before.summary.rows })
    expect.equal({ found.steps[1].tally, found.steps[1].done }, { before.steps[1].tally, before.steps[1].done })
    expect.equal({ #found.steps[1].checks, found.steps[1].checks[2].outcome }, { 2, "pass" })

    -- As it is when the process is gone and its session is, too.
    database:execute("update opsh.run set state = 'running', finished_at = null")
    expect.equal(test.opsh({ "report", found.id }, { db = database }).exit, 0)
    local killed = fitting("runs", "apply", "interrupted")
    expect.equal({ killed.exit, killed.state, killed.times.finished }, { opsh.null, "interrupted", opsh.null })
    expect.contains(reporting.read(folder .. "report.md"), "Interrupted: 10 of 10 items are committed")
    database:execute("update opsh.run set state = 'done', finished_at = now()")

    -- A log that is not what was written is said to be none.
    expect.equal(found.audit.verdict, "good")
    test.shell(("sed -i '2s/\"planned\"/\"plannd\"/' %saudit.jsonl"):format(folder))
    expect.equal(test.opsh({ "report", found.id }, { db = database }).exit, 0)
    found = fitting("runs", "apply", "done")
    expect.equal({ found.audit.verdict, found.audit.problem.entry }, { "bad", 2 })
    expect.contains(reporting.read(folder .. "report.md"), "[!] audit log: not verified")
  end)

  it("has the checks for CI systems, and is red for a run that fails", function()
    local database = test.database({ sql = reporting.stubborn .. "update item set part = '<b>&''\"\1' where id = 7" })
    local result = run(database, { verify = verify, recheck = reporting.fields().recheck }, { "--apply" })
    expect.equal(result.exit, 1)
    local failed, folder = newest("runs")
    local function junit()
      local made = test.opsh({ "report", failed.id, "--format=junit", "--output=junit.xml" }, { db = database })
      expect.equal(made.exit, 0, made.errors)
      local program = "import sys, json, xml.etree.ElementTree as tree\n"
        .. "root = tree.parse('junit.xml').getroot()\n"
        .. "print(json.dumps({'all': root.attrib, 'cases': [[case.get('name')] + [child.tag for child in case]"
        .. " for case in root.iter('testcase')]}))"
      return json.decode(test.shell(("python3 -c \"%s\""):format(program)).output)
    end
    expect.equal(junit().cases, { { "apply " .. failed.id, "error" } })
    database:execute("alter table item drop constraint stubborn")
    expect.equal(test.opsh({ "resume", failed.id }, { db = database }).exit, 6)
    local found = junit()
    expect.equal(found.all.failures, "2")
    expect.equal(found.cases, {
      { "apply " .. failed.id },
      { "items worked on", "failure" },
      { "items that are not done", "failure" },
    })
    local text = reporting.read(folder .. "report.md")
    expect.contains(text, "2 checks did not pass, 0 did")
    expect.contains(text, [[<b>&'"\x01]])
    expect.contains(text, "[!] items that are not done: 1, expected 0")
  end)

  it("shows values as they are, and none of them does anything", function()
    local database = test.database({ sql = sample.items(3) .. [[
      update item set part = e'```\n\u202e# @all [x](http://x) <img src=x onerror=alert(1)>' where id = 1;
      update item set part = repeat('ñ', 600000) where id = 2]] })
    local result = run(database, {
      verify = 'function(check) check:none("parts", "select id, part from item where id < 3 order by id") end',
      apply = [[function(tx)
        tx:exec("update item set part = item.part || '!' from :items as i where item.id = i.id")
      end]],
    }, { "--apply" })
    expect.equal(result.exit, 6)
    local found, folder = fitting("runs", "apply", "failed")
    expect.matches(found.changes.list[2].columns.part.old, "^ñ.*ñ… %(1%.1 MB%)$")
    expect.is_true(#json.encode(found) < 60000, "a report is no copy of the data")
    local text, fences = reporting.read(folder .. "report.md"), 0
    for line in text:gmatch("[^\n]+") do
      if line:find("`", 1, true) then
        fences = fences + 1
        expect.equal(line, fences % 2 == 1 and "```text" or "```")
      elseif fences % 2 == 0 then
        -- Outside of code blocks there are opsh's own words alone.
        expect.lacks(line, "@all")
      end
    end
    expect.contains(text, [[\x60\x60\x60\n\u202e# @all]])
  end)

  it("hides redacted columns in every format", function()
    local function mentions(top)
      local database = test.database({ sql = sample.items(6) .. [[
        update item set part = 's3cr3t' where id in (1, 6);
        alter table item add constraint stubborn check (not (done and part = 's3cr3t' and id = 6));]] })
      local result = run(database, {
        max_failures = "1",
        apply = [[function(tx)
          tx:exec("update item set done = true, part = item.part || '!' from :items as i where item.id = i.id")
        end]],
        verify = 'function(check) check:none("parts", "select id, part from item order by id") end',
      }, { "--apply" }, top)
      expect.equal(result.exit, 6, result.errors)
      local _, folder = newest("runs")
      local found = test.shell(("grep -l s3cr3t %sreport.* %sshown.json || true"):format(folder, folder))
      return select(2, found.output:gsub("\n", ""))
    end
    expect.equal(mentions({ redact = '{ "part" }' }), 0)
    -- The control.
    expect.equal(mentions(nil), 4)
  end)

  it("is summed up at a terminal with charts where there is room, and nowhere else", function()
    local database = test.database({ sql = sample.items(30) })
    local path = test.write("sample.lua", sample.runbook({ batch = "5", tally = '"part"', classify = '"part"' }))
    local line = [[script -qec 'stty cols %d; "$OPSH" --db="%s" %s %s' /dev/null]]
    local function shown(columns, rung)
      local result = test.shell(line:format(columns, database.conninfo:gsub("'", "'\\''"), path, rung))
      expect.equal(result.exit, 0, result.errors)
      return result.output
    end
    expect.matches(shown(100, ""), "\n  red +10  ████")
    expect.lacks(shown(50, ""), "█")
    local applied = shown(100, "--apply")
    expect.matches(applied, "\n  blue +10  ████")
    expect.matches(applied, "\n  items/s  [▁▂▃▄▅▆▇█]+  [%d,]+\r?\n")
    expect.lacks(run(database, { verify = false }).output, "█")
  end)

  it("is the filled-in record of the checklists, in Spanish", function()
    local database = test.database({ sql = sample.items(3) })
    expect.equal(run(database, fields, { "--apply", "--lang=es", "--reason=despliegue" }).exit, 0)
    local _, folder = newest("runs")
    local text = reporting.read(folder .. "report.md")
    for _, line in ipairs({
      "#### Registro de auditoría del deploy",
      "Fecha/hora del dry%-run +20%d%d%-",
      "Resultado numérico del dry%-run +3 elementos",
      "Fecha/hora del apply +20%d%d%-",
      "Resultado numérico posterior +3 elementos, worked 3",
      "Responsable de ejecución +%S+@%S+",
      "#### Checklist post%-despliegue",
      "%[x%] work: 3 de 3 elementos",
    }) do
      expect.matches(text, line)
    end
  end)
end)

describe("opsh report", function()
  it("writes where it is told, and refuses what it cannot do", function()
    local database = test.database({ sql = sample.items(3) })
    expect.equal(run(database).exit, 0)
    local planned, folder = newest("plans")
    local function report(...) return test.opsh({ "report", ... }, { db = database }) end
    expect.equal(report(planned.id, "--format=md").output, reporting.read(folder .. "report.md"))
    expect.equal(report(planned.id:sub(1, 12), "--format=json", "--output=own.json").exit, 0)
    expect.equal(json.decode(reporting.read("own.json")).id, planned.id)
    expect.contains(reporting.read("own.json"), '"kind": "report"')
    local result = report(planned.id, "--format=pdf")
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "--format wants json, html, md, csv, junit or files")
    expect.contains(report(planned.id, "--format=html", "--output=-").errors, "--output - wants --format")
    expect.contains(report(planned.id, "--format=md", "--open").errors, "--open is for the page")
    expect.contains(report(planned.id, "--format=files").errors, "has no report files that could be made again")
    expect.contains(report("20990101").errors, "there is no run 20990101")
    local full = report(planned.id, "--format=json", "--output=/dev/full")
    expect.equal(full.exit, 1)
    expect.contains(full.errors, "cannot write /dev/full: No space left on device")

    -- A browser is what xdg-open makes of it; where there is none, the page is there all the same.
    local path = test.write("bin/xdg-open", "#!/bin/sh\necho \"$1\" > opened\n")
    test.shell("chmod +x " .. path)
    local shown = test.opsh({ "report", planned.id, "--open" }, { db = database, environment = {
      PATH = path:match("^(.*)/") .. ":/usr/bin:/bin",
    } })
    expect.equal(shown.exit, 0, shown.errors)
    expect.contains(reporting.read("opened"), planned.id .. "/report.html")

    test.shell(("sed -i 's/\"opsh\": \"[0-9.]*\"/\"opsh\": \"99.1.0\"/' %sshown.json"):format(folder))
    local newer = report(planned.id)
    expect.equal(newer.exit, 5)
    expect.contains(newer.errors, planned.id .. " was made by opsh 99.1.0, and this is opsh ")
    expect.contains(newer.errors, "an opsh that is at least as new")
  end)
end)
