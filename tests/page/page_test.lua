--- The page of a run and that of all runs, as a browser shows them. Without a browser these tests fail, and say what to
--- install.
local json = require("opsh.json")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local many = [[
  create table item (id bigint primary key, part text not null, amount numeric, done boolean not null default false);
  create table old_item (id bigint primary key, note text);
  insert into item (id, part, amount)
  select i, (array['red', 'green', 'blue'])[1 + i % 3], i + 0.10 from generate_series(1, 99000) as i;
  insert into old_item select i, 'old' from generate_series(1, 1000) as i;
  analyze;
]]

local working = [=[
local runbook = require("opsh.runbook")
return runbook {
  title = "many changes",
  steps = {
    {
      name = "work",
      plan = "select id from item where not done",
      key = "id",
      writes = { "item" },
      apply = function(tx)
        tx:exec("update item set done = true, part = part || '!' from :items as i where item.id = i.id")
      end,
    },
    {
      name = "clear",
      plan = "select id from old_item",
      key = "id",
      writes = { "old_item" },
      apply = function(tx) tx:exec("delete from old_item where id = any(:keys)") end,
    },
  },
}
]=]

-- What values must not do: each would set `window.hacked`, or make the page look like something else.
local hostile = [[
  create table item (name text primary key, note text, was text);
  insert into item (name, was) values
    ('1 script', '</script><script>window.hacked = 1</script>'),
    ('2 image', '<img src=x onerror="window.hacked = 2">'),
    ('3 comment', '<!--<script>'),
    ('4 control', E'tab\there, line\nthere, \x1b[31mred'),
    ('5 direction', U&'\202Etxt.exe\202C'),
    ('6 Hebrew', U&'\05E9\05DC\05D5\05DD, 1'),
    ('7 long', repeat('x', 1048576));
]]

local spoiling = [=[
local runbook = require("opsh.runbook")
return runbook {
  title = "<img src=x onerror='window.hacked = 3'>",
  steps = {
    {
      name = "hostile <b>step</b>",
      plan = "select name, was from item where note is null",
      key = "name",
      tally = "was",
      writes = { "item" },
      apply = function(tx)
        tx:exec("update item set note = item.was from :items as i where item.name = i.name")
      end,
      verify = function(check) check:none("<i>nothing</i>", "select name, note from item where name < '7'") end,
    },
  },
}
]=]

--- Looks at a file with a browser; what it saw.
local function look(how, file)
  local found = test.shell(("python3 -B '%s' %s '%s'"):format(test.beside("look.py"), how, file), { timeout = 120 })
  expect.equal(found.exit, 0, found.errors)
  return found.json()
end

local function opsh(exit, database, arguments)
  local made = test.opsh(arguments, { db = database, timeout = 120 })
  expect.equal(made.exit, exit, made.errors)
end

--- Applies a runbook; its page and its id.
local function apply(exit, database, arguments)
  arguments[#arguments + 1] = "--apply"
  opsh(exit, database, arguments)
  local page = test.shell("ls -t state/opsh/runs/*/report.html | head -1").output:match("%S+")
  return page, page:match("runs/(.-)/")
end

local function look_at_all()
  local seen = {}
  local database = test.database({ sql = many })
  local _, id = apply(0, database, { test.write("many.lua", working) })
  opsh(0, database, { "report", id, "--format", "html", "--output", "many.html" })
  seen.size, seen.mode = test.shell("stat -c '%s %a' many.html").output:match("(%d+) (%d+)")
  seen.run, seen.plain = look("run", "many.html"), look("plain", "many.html")
  local spoiled = test.write("spoiled.lua", spoiling)
  database = test.database({ sql = hostile })
  opsh(0, database, { spoiled })
  opsh(6, database, { spoiled, "--simulate" })
  local page
  page, id = apply(6, database, { spoiled, "--reason=<script>window.hacked = 4</script>" })
  opsh(0, database, { "report", id, "--format", "html", "--output", "es.html", "--lang", "es" })
  seen.spanish = test.shell("sed 's/<script.*//' es.html").output
  seen.values, seen.alarms = look("values", page), look("alarms", page)
  opsh(0, database, { "undo", id, "--apply" })
  test.shell("mkdir -p state/opsh/runs/20261122-000000-0000 && cd state/opsh/runs/*-0000 && echo '{}' >report.json")
  opsh(0, nil, { "runs", "--html", "history.html" })
  seen.history = look("history", "history.html")
  return seen
end

-- A browser and 100 000 rows are dear: what they show is looked at once, and each test says one thing of it.
local seen, began
local function all()
  if began and not seen then error("there was nothing to look at: the first test says why", 0) end
  if not seen then
    began = true
    seen = look_at_all()
  end
  return seen
end

describe("the page of a run", function()
  it("opens with 100 000 changes within a second, without an error, and is no larger than 15 MB", function()
    local run = all().run
    expect.equal(run.problems, {})
    expect.equal(run.all, "100,000 changes")
    expect.is_true(run.seconds <= 1, ("%.2f s"):format(run.seconds))
    expect.is_true(tonumber(seen.size) <= 15 * 2 ^ 20, seen.size .. " bytes")
    expect.equal(seen.mode, "600")
  end)

  it("has every row as the journal has it", function() expect.equal(all().run.read, { wrong = 0, keys = 100000 }) end)

  it("filters 100 000 changes within 100 ms, by text, key, operation and table", function()
    local run = all().run
    expect.is_true(run.milliseconds <= 100, ("%.0f ms"):format(run.milliseconds))
    expect.equal(run.by_text, "33,000 of 100,000 changes")
    expect.equal(run.by_key, "20 of 100,000 changes")
    expect.equal(run.by_operation, "1,000 of 100,000 changes")
    expect.equal(run.by_table, "33,000 of 100,000 changes")
  end)

  it("draws of them what is seen, and on paper the first 100", function()
    local run = all().run
    expect.is_true(run.drawn > 0 and run.drawn < 60, tostring(run.drawn))
    expect.equal(run.printed, 100)
  end)

  it("is worked by the keyboard alone", function()
    local keys = all().run.keys
    expect.equal({ keys.skip, keys.slash, keys.written, keys.escape }, {
      "#main",
      "text",
      "33,000 of 100,000 changes",
      "100,000 changes",
    })
    expect.equal({ keys.grid, keys.third, keys.last }, { "rows", "3", "100000" })
    expect.contains(keys.detail, "public.old_item")
    expect.is_true(keys.light ~= keys.dark, "the switch changes the colours")
  end)

  it("is no wider than a telephone", function() expect.equal(all().run.width, 390) end)

  it("says without JavaScript what was done, counted and checked, and that rows want it", function()
    local plain = all().plain
    for _, words in ipairs({ "many changes", "100,000 items", "Changed rows", "shown with JavaScript", "Audit log" }) do
      expect.contains(plain.text, words)
    end
    expect.equal(plain.filters, 0)
  end)

  it("shows hostile values as text that does nothing", function()
    local values = all().values
    expect.equal({ values.problems, values.elements }, { {}, 0 })
    expect.equal(values.done, json.null)
    expect.equal({ unpack(values.shown, 1, 6) }, {
      "</script><script>window.hacked = 1</script>",
      '<img src=x onerror="window.hacked = 2">',
      "<!--<script>",
      "tab\\there, line\\nthere, \\x1b[31mred",
      "\\u202etxt.exe\\u202c",
      "\215\169\215\156\215\149\215\157, 1",
    })
    expect.equal(values.isolated, 7)
  end)

  it("speaks Spanish", function()
    local spanish = all().spanish
    for _, words in ipairs({ '<html lang="es">', "Registro de auditoría del deploy", "Filas cambiadas" }) do
      expect.contains(spanish, words)
    end
  end)

  it("cuts a cell of 1 MB, and shows it whole on request", function()
    local values = all().values
    expect.is_true(#values.shown[7] < 100)
    expect.equal(values.whole, 1048576)
  end)

  it("would be found out if its values were not escaped, or if its policy let a script in", function()
    local alarms = all().alarms
    expect.equal(alarms.careless.done, 1)
    expect.equal(alarms.policy.done, json.null)
    expect.is_true(alarms.policy.problems > 0)
  end)
end)

describe("the page of all runs", function()
  it("lists them with their trend, filters them, and leads to their pages", function()
    local history = all().history
    expect.equal(history.problems, {})
    expect.equal({ history.all, history.text, history.outcome }, { "5 of 5 runs", "1 of 5 runs", "2 of 5 runs" })
    expect.equal({ history["from"], history["until"] }, { "0 of 5 runs", "5 of 5 runs" })
    expect.equal(history.charts, 8)
    expect.contains(history.text_of_all, "1 run without a report that can be read")
    expect.equal(history.linked, {
      "undo of <img src=x onerror='window.hacked = 3'>",
      "<img src=x onerror='window.hacked = 3'>",
      "<img src=x onerror='window.hacked = 3'>",
      "<img src=x onerror='window.hacked = 3'>",
      "many changes",
    })
    expect.equal(history.of_pages, {})
  end)

  it("asks no database, and says so to who names one", function()
    local made = test.opsh({ "runs", "--html", "history.html", "--target", "prod" })
    expect.equal(made.exit, 2)
    expect.contains(made.errors, "--html and --target exclude each other")
  end)
end)
