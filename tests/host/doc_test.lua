local sample = require("sample")
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local runbook = sample.runbook({}, {
  title = '"Mark the items"',
  params = [[{
    part = { type = "string", help = "Only this part." },
    before = { type = "date", required = true, help = "Until this day." },
    token = { type = "string", secret = true },
    look = { type = "boolean" },
  }]],
  preconditions = [[function(check, ctx)
    check:that("nobody imports", ctx:value("select count(*) from item") ~= nil)
  end]],
  steps = "{ " .. sample.step({
    reject = '{ "bad" }',
    classify = "function() return \"good\" end",
    summary = "function(planned) return { to_mark = planned.items } end",
    verify = [=[function(check, ctx)
      check:equal("items marked", ctx.done.counts.worked, ctx.planned.items)
      check:none("items left", [[
        select id from item
        where not done
      ]])
    end]=],
  }) .. [[, { name = "look at it", when = "look", manual = "Is it there?" } }]],
})

--- The commands of a document, in their order.
local function commands(document)
  local list = {}
  for block in document:gmatch("```bash\n(.-)```") do
    for line in block:gmatch("[^\n]+") do
      if line:find("^opsh") then list[#list + 1] = line end
    end
  end
  return list
end

local function in_order(text, pieces)
  local at = 1
  for _, piece in ipairs(pieces) do
    local found = text:find(piece, at, true)
    expect.is_true(found ~= nil, "not there, or not in its place: " .. piece)
    at = found or at
  end
end

describe("opsh doc", function()
  it("prints the checklist in the order in which it is worked through, in English and in Spanish", function()
    local path = test.write("mark.lua", runbook)
    local english = test.opsh({ "doc", path })
    expect.equal(english.exit, 0)
    in_order(english.output, {
      "# Runbook: Mark the items", "## 1. Preparation", "BEFORE=", "OPSH_PARAM_TOKEN_FILE", "- [ ] nobody imports",
      "## 2. Backup", "## 3. Plan", '--before="$BEFORE"', "figures: `to_mark`", "`bad`", "not in this run: look at it",
      "## 4. Apply", "(rows: `item`)", "RUN=", "## 5. Checks", "- [ ] items marked", "- [ ] items left",
      "```sql\nselect id from item\nwhere not done\n```", "## Undo", "## Audit record", "| carried out by | ____",
    })
    local spanish = test.opsh({ "doc", path, "--look", "--lang=es", "--output=lista.md" })
    expect.equal({ spanish.exit, spanish.output }, { 0, "" })
    in_order(test.shell("cat lista.md").output, {
      "## 1. Preparación", "## 2. Respaldo de seguridad", "## 3. Plan (dry-run)", "## 4. Aplicar",
      "## 5. Comprobaciones", "## 6. Por personas (smoke test)", "look at it: Is it there?",
      "## Rollback (si algo sale mal)", "## Registro de auditoría",
    })
  end)

  it("has checks that can be pasted: params are filled in, and what only a run knows is named", function()
    local path = test.write("checks.lua", sample.runbook({
      verify = [=[function(check, ctx)
        local run = { run_id = ctx.run or "", part = "red", list = ctx.params.parts }
        check:count("of the run", "select :run_id, id from item where part = :part", ctx.done.counts.worked, run)
        check:count("three", "select count(*) from item where amount > :least and part = $1", 3, "it's")
        check:none("late", [[select ':day' from item where :day::date < now() and id > :last and part = any(:parts)]])
      end]=],
    }, {
      params = [[{
        day = { type = "date" }, least = { type = "integer", default = 5 }, parts = { type = "string", list = true },
        last = { type = "integer", required = true },
      }]],
    }))
    local document = test.opsh({ "doc", path, "--day=2026-03-01", "--parts=a", "--parts=b'c" })
    expect.equal(document.exit, 0, document.errors)
    in_order(document.output, {
      "select :run_id, id from item where part = 'red'\n```\n\nTo be put in, from the params or the run: `:run_id`.",
      "\n\nExpected: what the run itself counted.\n",
      "select count(*) from item where amount > 5 and part = 'it''s'\n```\n\nExpected: 3.",
      "select ':day' from item where '2026-03-01'::date::date < now() and id > :last"
        .. " and part = any('{\"a\",\"b''c\"}'::text[])\n```\n\nTo be put in, from the params or the run: `:last`.",
      "\n\nExpected: no rows.\n",
    })
  end)

  it("has commands that work as they stand, and is filled in by what a run did", function()
    local database = test.database({ sql = sample.items(3) })
    local path = test.write("mark.lua", runbook)
    expect.equal(test.opsh({ path, "--apply", "--before=2026-01-01" }, { db = database }).exit, 0)
    local run = test.opsh({ "runs", "--json" }, { db = database }).json()[1].id
    local document = test.opsh({ "doc", path, "--run=" .. run }, { db = database })
    expect.equal(document.exit, 0)
    in_order(document.output, {
      "| `--before` | date | yes | `2026-01-01` |", "- [x] work: to_mark 3", "- [x] 1. work", "- [x] items left",
      "| carried out by | ",
    })
    expect.lacks(document.output, "RUN=")
    local list = commands(document.output)
    expect.is_true(#list >= 14, "the commands of a checklist")
    -- The command line of every one is right; those that are quick are carried out.
    local judged = 'opsh() { "$OPSH" "$@" >/dev/null 2>&1 || echo "exit $?: $*"; }'
    expect.contains(test.shell(judged .. "\nopsh show --nonsense --help").output, "exit 2: show --nonsense")
    local lines = { judged, "BACKUP=x" }
    for _, line in ipairs(list) do
      lines[#lines + 1] = line .. " --help"
      local is_long = line:find("rehearse") or line:find("backup") or line:find("restore") or line:find("watch")
      -- A run that is done is not resumed, and there is nothing left to apply.
      if not is_long and not line:find("resume") then lines[#lines + 1] = line end
    end
    expect.equal(test.shell(table.concat(lines, "\n"), { timeout = 120 }).output, "")
    expect.equal(database:value("select count(*) from item where done"), 0)
  end)

  it("refuses what is no runbook, and a run that is not the runbook's", function()
    local path = test.write("mark.lua", runbook)
    expect.equal(test.opsh({ "doc", test.write("none.lua", "return 1") }).exit, 1)
    expect.equal(test.opsh({ "doc", "nowhere.lua" }).exit, 2)
    local unknown = test.opsh({ "doc", path, "--run=2026" })
    expect.equal(unknown.exit, 2)
    expect.contains(unknown.errors, "there is no run 2026 in this state folder")
    expect.contains(test.opsh({ "doc", path, "--befor=1" }).errors, "did you mean --before?")
    expect.contains(test.opsh({ "doc", path, "--token=geheim" }).errors, "--token is secret")
  end)
end)
