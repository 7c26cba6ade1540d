local test = require("opsh.test")
local backing = require("backing")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

--- What a plan on a target with these fields says.
local function refused(fields, ...)
  local database = test.database({ sql = sample.items(1) })
  backing.configure(database, fields)
  local result = backing.on_prod(backing.runbook())
  expect.equal(result.exit, 2, fields)
  for _, words in ipairs({ ... }) do
    expect.contains(result.errors, words)
  end
end

describe("what a target says of backups", function()
  it("may be all that there is to say", function()
    local database = test.database({ sql = sample.items(1) })
    backing.configure(
      database,
      [[backup = { dir = "dumps", max_age = "90m", level = "equal", jobs = 2, keep = 1, keep_for = "4w",
         scratch = "service=scratch",
         attested = { command = { "true" }, verified = { "restore" }, max_age = "1d" } },
       tools = { prefix = { "ssh", "db" }, connect = "dbname=app", directory = "/usr/bin" }]]
    )
    expect.equal(backing.on_prod(backing.runbook()).exit, 0)
  end)

  it("with a key that is not known is refused with the one that was meant", function()
    refused("backup = { max_ages = '2h' }", "target prod: backup has an unknown key max_ages", "did you mean max_age?")
    refused("backup = { attested = { comand = {} } }", "attested has an unknown key comand", "did you mean command?")
    refused("tools = { prefixes = {} }", "tools has an unknown key prefixes", "did you mean prefix?")
  end)

  it("with a value that is none is refused with what is wanted", function()
    refused("backup = 'dumps'", "backup must be a table")
    refused("backup = { level = 'perfect' }", "level must be written, readable, restored or equal")
    refused("backup = { max_age = 7200 }", "max_age must be a number with s, m, h, d or w")
    refused("backup = { keep = 0 }", "keep must be a whole number, 1 or more")
    refused("backup = { dir = '' }", "dir must be a path")
    refused("tools = { prefix = 'docker exec' }", "prefix must be a list of texts")
    refused("tools = { directory = 'bin' }", "directory must be a folder, from / on")
  end)

  it("wants of an attesting command also which verification is enough", function()
    refused("backup = { attested = { command = { 'true' } } }", "attested must be a table with command and verified")
  end)

  it("has no password in a connection string", function()
    refused("backup = { scratch = 'host=x password=sesame' }", "backup.scratch of target prod has a password in it")
    refused("tools = { connect = 'host=x password=sesame' }", "tools.connect of target prod has a password in it")
  end)
end)
