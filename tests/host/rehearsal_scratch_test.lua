local opsh = require("opsh")
local test = require("opsh.test")
local applying = require("applying")
local breaking = require("breaking")
local rehearsing = require("rehearsing")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect
local rehearse, document, the_backup = rehearsing.rehearse, rehearsing.document, rehearsing.the_backup
local databases = rehearsing.databases

describe("the target of a rehearsal", function()
  local function with_wrong_scratch(database, more)
    local changes = {
      {
        "lua/backup/scratch.lua",
        "    conninfo = conninfo,\n    database = database,\n",
        ("    conninfo = %q,\n    database = database,\n"):format(database.conninfo),
      },
      unpack(more or {}),
    }
    local path = test.write("sample.lua", sample.runbook())
    return test.opsh(
      { path, "--rehearse", "--backup=now" },
      { db = database, environment = breaking.environment(changes) }
    )
  end

  it("is not written even when the scratch leads to it", function()
    local database = applying.items(5)
    local before = database:checksum()
    local result = with_wrong_scratch(database)
    expect.equal(result.exit, 5, result.errors)
    expect.contains(result.errors, "the scratch is database " .. database.name .. " itself")
    expect.equal(database:checksum(), before)
    expect.equal(database:value("select count(*) from pg_namespace where nspname = 'opsh'"), 0)
  end)

  -- The control: this is what the test above sees when nobody asks the server.
  it("would be written if nobody asked the server which database it is", function()
    local database = applying.items(5)
    with_wrong_scratch(database, {
      { "lua/backup/rehearsal.lua", "if subject and is_subject(there, subject) then", "if false then" },
    })
    expect.equal(database:value("select count(*) from pg_namespace where nspname = 'opsh'"), 1)
  end)

  it("need not be reached when a file is named and no database is", function()
    local database = applying.items(30)
    expect.equal(rehearse(database).exit, 0)
    local path = test.write("sample.lua", sample.runbook())
    local result = test.opsh({ path, "--rehearse", "--backup=" .. the_backup(), "--json" })
    expect.equal(result.exit, 0, result.errors)
    local found = result.json()
    expect.equal(found.target.database, database.name)
    expect.equal(found.rehearsal.prediction.basis, "rehearsal")
    expect.is_true(found.rehearsal.undo.equal)
  end)

  it("is reached when libpq's environment names it", function()
    local database = applying.items(5)
    expect.equal(rehearse(database).exit, 0)
    local path = test.write("sample.lua", sample.runbook())
    local result = test.opsh(
      { path, "--rehearse", "--backup=" .. the_backup() },
      { environment = { PGHOST = "/nowhere" } }
    )
    expect.equal(result.exit, 3, result.errors)
  end)
end)

describe("--scratch of a rehearsal", function()
  it("is a database of its own, gone afterwards, and the slowest statement is not known", function()
    local database = applying.items(5)
    local before, content = databases(database), database:checksum()
    local found, result = document(database, {}, { "--backup=now", "--scratch=" .. database.conninfo })
    expect.equal(result.exit, 0, result.errors)
    expect.equal(found.rehearsal.scratch.kind, "server")
    expect.equal(found.rehearsal.slowest_known_from_milliseconds, opsh.null)
    expect.is_true(found.rehearsal.undo.equal)
    expect.equal(databases(database), before)
    expect.equal(database:checksum(), content)
  end)
end)
