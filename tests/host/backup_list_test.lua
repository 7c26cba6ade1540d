local test = require("opsh.test")
local backing = require("backing")
local dumping = require("dumping")

local describe, it, expect = test.describe, test.it, test.expect

local function list(database, ...) return test.opsh({ "backup", "list", ... }, { db = database }) end

local function listed(database, ...) return list(database, "--json", ...).json().backups end

describe("opsh backup list", function()
  it("lists the backups of this database, the newest first, with what was shown of them", function()
    local database, other = dumping.database(), dumping.database()
    local old = dumping.made(database, "--level=readable")
    test.shell("sleep 1.1")
    local new = dumping.made(database, "--level=written")
    dumping.made(other, "--level=written")
    local found = listed(database)
    expect.equal({ #found, found[1].backup.id, found[2].backup.id }, { 2, new.id, old.id })
    expect.equal(found[2].outcome, "there")
    local text = list(database)
    expect.equal(text.exit, 0, text.errors)
    expect.matches(text.output, "readable +0 of 2")
    expect.contains(text.output, "2 backups in ")
    expect.equal(#listed(database, "--all"), 3)
  end)

  it("says how much WAL was written since, on the same server", function()
    local database = dumping.database()
    dumping.made(database, "--level=written")
    local before = listed(database)[1].wal_bytes
    database:execute("insert into invoice select i, 1, i from generate_series(2000, 9000) as i")
    expect.is_true(listed(database)[1].wal_bytes > before + 100000)
  end)

  it("lists without a database what lies in the folder", function()
    dumping.made(dumping.database(), "--level=written")
    local result = test.opsh({ "backup", "list" }, { environment = { PGHOST = "/nowhere" } })
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "1 backup in ")
    expect.contains(result.errors, "no database is reached")
  end)

  it("says of a dump that is gone, or has another size, that it is not there to rely on", function()
    local database = dumping.database()
    local gone, cut = dumping.made(database, "--level=written"), dumping.made(database, "--level=written")
    dumping.shell("rm %s; truncate -s -1 %s", gone.path, cut.path)
    local result = list(database)
    expect.equal(result.exit, 6)
    expect.contains(result.output, gone.path)
    expect.contains(result.output, ("%s has %d bytes, and the certificate says"):format(cut.path, cut.size - 1))
    expect.equal({ listed(database)[1].outcome, listed(database)[2].outcome }, { "bad", "bad" })
  end)

  it("names a dump that nobody finished, and calls it no backup", function()
    local database = dumping.database()
    dumping.shell("mkdir -p state/opsh/backups && echo half > state/opsh/backups/app.dump.partial")
    local result = list(database)
    expect.equal(result.exit, 0, result.errors)
    expect.matches(result.output, "not finished: .-/app%.dump%.partial; when no opsh")
    expect.equal(#listed(database), 0)
  end)

  it("finds one changed byte with --check, and not without", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--level=written")
    expect.equal(listed(database, "--check")[1].outcome, "checked")
    dumping.flip(backup.path, backup.size - 10)
    expect.equal(list(database).exit, 0)
    local result = list(database, "--check")
    expect.equal(result.exit, 6)
    expect.contains(result.output, backup.path .. " is not what was certified")
  end)
end)

describe("a certificate", function()
  local function edit(backup, from, to)
    dumping.shell("sed -i 's/%s/%s/' %s.json", from, to, backup.path)
  end

  it("that was edited by hand is refused", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--level=written")
    edit(backup, '"level": "written"', '"level": "restored"')
    local result = list(database)
    expect.equal(result.exit, 6)
    expect.contains(result.output, "was changed after opsh wrote it")
    expect.equal(dumping.certify(backup.path).exit, 5)
  end)

  it("that was edited is believed when no seal is asked for: the control of the test above", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--level=written")
    dumping.shell("rm -r state/opsh/backups/%s", backup.id)
    edit(backup, '"level": "written"', '"level": "restored"')
    local environment = backing.without(
      "certificates.lua",
      '~= seal then refuse(path, "was changed',
      '== "" then refuse(path, "was changed'
    )
    local result = test.opsh({ "backup", "list", "--json" }, { db = database, environment = environment })
    expect.equal(result.json().backups[1].backup.level, "restored")
  end)

  -- Whoever knows how the seal is made can make one; not the line in the audit log.
  local function forge(backup)
    edit(backup, '"level": "written"', '"level": "restored"')
    dumping.shell(
      [[json=%s.json; body=$(head -n -2 $json | sed '$ s/,$//')
      seal=$(printf '%%s\n}\n' "$body" | sha256sum | cut -c1-64)
      printf '%%s,\n  "seal": "%%s"\n}\n' "$body" "$seal" > $json]],
      backup.path
    )
  end

  it("with a seal that somebody else computed is refused by the audit log", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--level=written")
    forge(backup)
    local result = list(database)
    expect.equal(result.exit, 6)
    expect.contains(result.output, "its seal is not in the audit log of the backup")
  end)

  it("with such a seal is believed where that log is not: the control of the test above", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--level=written")
    forge(backup)
    dumping.shell("rm -r state/opsh/backups/%s", backup.id)
    local found = listed(database)[1]
    expect.equal({ found.outcome, found.backup.level }, { "there", "restored" })
  end)

  it("whose audit log was changed is refused", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--level=written")
    dumping.shell("sed -i 's/backup started/backup begun/' state/opsh/backups/%s/audit.jsonl", backup.id)
    expect.contains(list(database).output, "its audit log is not what was written")
  end)

  it("is of the file that it names, and of no other", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--level=written")
    dumping.shell("cp %s other.dump; cp %s.json other.dump.json", backup.path, backup.path)
    local result = dumping.certify("other.dump")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "not of this file")
  end)
end)
