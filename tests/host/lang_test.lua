local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

local spanish = { LC_ALL = "es_CL.UTF-8" }

-- A step whose check holds, and one with a name that has accents.
local verify = [[function(check)
  check:none("rows left over", "select id from item where not done and part = 'none'")
  check:count("parts", "select count(distinct part) from item", 3)
end]]

local texts = [[return {
  ["sample rows"] = "filas de muestra",
  ["work"] = "trabajo",
  ["rows left over"] = "filas sin atención",
}]]

local function runbook()
  return test.write("sample.lua", sample.runbook({ verify = verify }, { title = '"sample rows"' }))
end

--- A document without what differs from run to run: ids, times, sizes.
local function settled(output)
  local found = output
  for _, varying in ipairs({
    { "p%-%d+%-%d+%-%x+", "PLAN" },
    { "%d%d%d%d%d%d%d%d%-%d%d%d%d%d%d%-%x%x%x%x", "RUN" },
    { '("[%w_]*seconds": )[%d.e+-]+', "%1N" },
    { '("wal_bytes": )%d+', "%1N" },
    { '("transaction": )[^,]+', "%1N" },
    { '("database_oid": )"%d+"', "%1N" },
    { '("identity": )"%x+"', "%1N" },
  }) do
    found = found:gsub(varying[1], varying[2])
  end
  return found
end

describe("the language", function()
  it("is that of --lang, else of opsh.config.lua, else of the environment", function()
    local function said(arguments, environment)
      return test.opsh(arguments, { environment = environment }).errors:match("^(%a+: %a+)")
    end
    local english, other = "error: there", "error: no"
    expect.equal(said({ "rums" }), english)
    expect.equal(said({ "rums" }, spanish), other)
    expect.equal(said({ "rums" }, { LC_ALL = "", LC_MESSAGES = "", LANG = "es" }), other)
    expect.equal(said({ "rums" }, { LC_ALL = "C", LANG = "es_ES.UTF-8" }), english)
    expect.equal(said({ "rums" }, { LC_ALL = "est" }), english)
    test.write("opsh.config.lua", 'return { lang = "es" }')
    expect.equal(said({ "rums" }), other)
    expect.equal(said({ "--lang", "en", "rums" }, spanish), english)
    expect.equal(said({ "--lang=es", "rums" }), other)
  end)

  it("is refused when there is none of this name", function()
    local result = test.opsh({ "runs", "--lang=fr" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, '--lang wants en or es, not "fr"')
    test.write("opsh.config.lua", 'return { lang = "fr" }')
    expect.contains(test.opsh({ "runs" }).errors, "lang must be en or es")
  end)

  it("is kept by the commands that are printed to be run next", function()
    local database = test.database({ sql = sample.items(3) })
    local result = test.opsh({ "--lang=es", runbook() }, { db = database })
    expect.matches(result.output, "Para aplicar: opsh [^\n]*%-%-lang=es [^\n]*%-%-apply")
  end)

  it("is no part of --json: plan, simulation, apply and failure are the same documents", function()
    local function documents(environment)
      local database, all = test.database({ sql = sample.items(3) }), {}
      local path = runbook()
      test.write("sample/es.lua", texts)
      for _, arguments in ipairs({ {}, { "--simulate" }, { "--apply" }, { "--limit=x" } }) do
        local result = test.opsh({ path, "--json", unpack(arguments) }, { db = database, environment = environment })
        all[#all + 1] = settled(result.output:gsub(database:value("select current_database()"), "DATABASE"))
      end
      return all
    end
    expect.equal(documents(spanish), documents())
  end)

  it("would be seen in them: the same comparison tells the text of two languages apart", function()
    local database = test.database({ sql = sample.items(3) })
    local function shown(environment)
      return settled(test.opsh({ runbook() }, { db = database, environment = environment }).output)
    end
    expect.equal(shown(), shown())
    expect.is_true(shown(spanish) ~= shown(), "two languages read alike")
  end)
end)

describe("what comes from the database", function()
  it("is shown as it is, also when it is a word that opsh has", function()
    local database = test.database({ sql = sample.items(1) .. "alter table item rename part to step;" })
    local plan = "[[select id, step, 'done' as state from item]]"
    local path = test.write("sample.lua", sample.runbook({ plan = plan }))
    local output = test.opsh({ path }, { db = database, environment = spanish }).output
    expect.matches(output, "\n  id  step   state\n")
    expect.matches(output, "\n +1  %a+ +done\n")
    local queried = test.opsh({ "-e", "select 'done' as step;" }, { db = database, environment = spanish }).output
    expect.matches(queried, "^step\n[^\n]*\ndone")
  end)
end)

describe("a runbook's own texts", function()
  it("lie beside it, and what has none stays English", function()
    local database = test.database({ sql = sample.items(3) })
    local path = runbook()
    test.write("sample/es.lua", texts)
    local output = test.opsh({ path }, { db = database, environment = spanish }).output
    expect.contains(output, "plan  filas de muestra\n")
    expect.contains(output, "\npaso trabajo\n")
    expect.contains(output, "parts")
    -- Columns hold with accents: both values begin at the same column.
    local function column(pattern)
      local before = output:match("\n( *" .. pattern .. " +)%d")
      return #before:gsub("[\128-\191]", "")
    end
    expect.equal(column("filas sin atención"), column("parts"))
  end)

  it("are no part of the script: a plan, a resume and an undo hold when they change", function()
    local database = test.database({ sql = sample.items(3) })
    local path = runbook()
    local plan = test.opsh({ path, "--json" }, { db = database, environment = spanish }).json().plan.id
    test.write("sample/es.lua", texts)
    local applied = test.opsh({ path, "--apply", "--plan=" .. plan }, { db = database, environment = spanish })
    expect.equal(applied.exit, 0)
    expect.contains(applied.output, "\nHecho.\n")
    local run = database:value("select id from opsh.run")
    expect.contains(test.opsh({ "show", run }, { db = database, environment = spanish }).output, "  filas de muestra\n")
    test.write("sample/es.lua", texts:gsub("filas de muestra", "otras filas"))
    local undone = test.opsh({ "undo", run, "--apply" }, { db = database, environment = spanish })
    expect.equal(undone.exit, 0)
    expect.contains(undone.output, "deshacer otras filas\n")
    expect.equal(database:value("select title from opsh.run where id = $1", run), "sample rows")
  end)

  it("that cannot be read cost the translation, not the work", function()
    local database = test.database({ sql = sample.items(3) })
    local path = runbook()
    for _, broken in ipairs({ "return {", "return { 1 }", "return os.getenv('HOME')", "return { a = {} }" }) do
      test.write("sample/es.lua", broken)
      local result = test.opsh({ path }, { db = database, environment = spanish })
      expect.equal(result.exit, 0, broken)
      expect.contains(result.output, "paso work", broken)
      expect.contains(result.errors, "sample/es.lua", broken)
    end
  end)
end)

describe("an error", function()
  it("is said in Spanish, with what it is about, and recorded in English", function()
    local database = test.database({ sql = sample.items(3) })
    local failing = sample.runbook({ verify = verify:gsub(", 3%)", ", 4)") })
    local path = test.write("sample.lua", failing)
    test.write("sample/es.lua", texts)
    local result = test.opsh({ path, "--apply" }, { db = database, environment = spanish })
    expect.equal(result.exit, 6)
    expect.contains(result.errors, "error: el paso work está hecho, y sus comprobaciones no pasaron")
    expect.matches(result.errors, "FALLA  parts +3, se esperaba 4")
    expect.contains(result.errors, "siguiente: las comprobaciones muestran qué está mal; después de corregirlo")
    expect.contains(
      database:value("select message from opsh.run"),
      "step work is done, and its checks did not pass"
    )
  end)
end)
