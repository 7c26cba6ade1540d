local test = require("opsh.test")
local backing = require("backing")
local documents = require("documents")
local effecting = require("effecting")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

describe("an apply without --backup", function()
  it("is refused when there is no backup, with the command that makes one", function()
    local database = backing.items()
    backing.configure(database)
    local result = backing.apply()
    backing.is_refused(
      result,
      database,
      ("there is no backup of database %s in %s/.opsh/backups"):format(database.name, test.folder()),
      "next: make one: opsh backup --target=prod"
    )
  end)

  it("relies on the backup in the folder, says so, and records it before the first write", function()
    local database = backing.items()
    backing.configure(database)
    local dump = backing.back_up()
    local result = backing.apply()
    backing.is_applied(result, database)
    expect.matches(result.output, "\nbackup   " .. dump:match("[^/]*$"):gsub("%p", "%%%0") .. ", equal, ")
    local started = test.shell("head -1 .opsh/runs/*/audit.jsonl").output
    expect.contains(started, '"event":"run started"')
    expect.contains(started, '"backup":{')
    expect.contains(started, '"sha256":"' .. test.shell("sha256sum < " .. dump).output:match("%x+") .. '"')
    expect.contains(started, '"tables":["public.item"]')
  end)

  it("says it in the document of --json, as does the plan", function()
    local database = backing.items()
    backing.configure(database)
    local path = backing.runbook()
    local refused = backing.on_prod(path, "--json").json()
    expect.equal(refused.backup.outcome, "refused")
    expect.contains(refused.backup.message, "there is no backup")
    expect.equal(refused.backup.hint, "make one: opsh backup --target=prod")
    backing.back_up()
    local planned = backing.on_prod(path, "--json").json()
    expect.equal(planned.backup.outcome, "accepted")
    expect.equal(planned.backup.level, "equal")
    local applied = backing.on_prod(path, "--apply", "--json").json()
    expect.equal(applied.backup.outcome, "accepted")
    expect.equal(applied.backup.sha256, planned.backup.sha256)
    for _, document in ipairs({ refused, planned, applied }) do
      documents.fit(document, "run")
    end
  end)

  it("goes on without one on a throw-away server, and records that", function()
    local database = test.database({ sql = sample.items(4) })
    backing.configure(database)
    backing.is_applied(backing.apply(), database)
    expect.contains(backing.recorded(), '"outcome":"exempt"')
  end)

  it("makes nothing of a backup when there is nothing to do", function()
    local database = backing.items("update item set done = true;")
    backing.configure(database)
    local result = backing.apply()
    expect.equal(result.exit, 0)
    expect.contains(result.output, "Nothing to do")
  end)

  it("wants none, and no rehearsal is made, for steps that only reach beyond the database", function()
    local database = backing.items()
    local confirmed = backing.protect(database)
    local path = effecting.script("{ name = 'x', effect = says('done') },")
    local planned = backing.on_prod(path)
    expect.lacks(planned.output, "backup")
    expect.equal(backing.on_prod(path, "--apply", confirmed).exit, 0)
    expect.equal(effecting.lines(), { "done" })
    expect.contains(backing.recorded(), '"outcome":"exempt"')
    local rehearsed = backing.on_prod(path, "--rehearse")
    expect.equal(rehearsed.exit, 5)
    expect.contains(rehearsed.errors, "there is nothing to rehearse")
  end)

  it("is refused when the backup is older than backups may be", function()
    local database = backing.items()
    backing.configure(database, 'backup = { max_age = "1s" }')
    backing.back_up()
    test.shell("sleep 2")
    backing.is_refused(backing.apply(), database, "s old, and the limit is 1", "opsh backup --target=prod")
  end)

  it("is refused when the backup was not restored, and let through after the command that it names", function()
    local database = backing.items()
    backing.configure(database)
    backing.back_up("--level=readable")
    local result = backing.apply()
    backing.is_refused(
      result,
      database,
      "it is readable, and restored is wanted; public.item was not compared",
      "next: raise it: opsh certify "
    )
    local raise = result.errors:match("next: raise it: opsh ([^\n]+)")
    expect.equal(test.shell('"$OPSH" ' .. raise, { timeout = 120 }).exit, 0)
    backing.is_applied(backing.apply(), database)
  end)

  it("is let through on a readable backup where the target asks for no more", function()
    local database = backing.items()
    backing.configure(database, 'backup = { level = "readable" }')
    backing.back_up("--level=readable")
    backing.is_applied(backing.apply(), database)
  end)

  it("is refused when a table that it writes is not in the backup", function()
    local database = backing.items("create table other (id bigint primary key);")
    backing.configure(database)
    backing.back_up("--tables=other")
    backing.is_refused(backing.apply(), database, "public.item is not in it", "opsh backup --target=prod")
  end)

  it("is refused when a partition that it writes is not in the backup", function()
    local database = backing.items([[
      create table part (id bigint primary key, done boolean not null default false) partition by range (id);
      create table part_1 partition of part for values from (0) to (10);
      insert into part values (1);]])
    backing.configure(database)
    backing.back_up()
    database:execute("create table part_2 partition of part for values from (10) to (20)")
    local path = backing.runbook({
      plan = "[[select id from part where not done]]",
      writes = '{ "part" }',
      apply = 'function(tx) tx:exec("update part set done = true from :items as i where part.id = i.id") end',
    })
    backing.is_refused(backing.on_prod(path, "--apply"), database, "public.part_2 is not in it")
  end)

  it("is refused when a later step writes a table that is not in the backup, unless that is not there yet", function()
    local database = backing.items("create table other (id bigint primary key, done boolean not null default false);")
    backing.configure(database)
    backing.back_up("--tables=item")
    local path = test.write("sample.lua", sample.runbook({}, {
      steps = "{ " .. sample.step() .. ", " .. sample.step({
        name = '"later"',
        after = '"work"',
        plan = "[[select id from other where not done]]",
        writes = '{ "other" }',
        apply = 'function(tx) tx:exec("update other set done = true from :items as i where other.id = i.id") end',
      }) .. " }",
    }))
    backing.is_refused(backing.on_prod(path, "--apply"), database, "public.other is not in it")
    database:execute("drop table other")
    -- It gets as far as planning the second step.
    expect.contains(backing.on_prod(path, "--apply").errors, "there is no table other")
    expect.equal(database:value("select count(*) from item where done"), 4)
  end)

  it("takes an older one that fits when the newest does not", function()
    local database = backing.items("create table other (id bigint primary key);")
    backing.configure(database)
    local dump = backing.back_up()
    test.shell("sleep 1")
    backing.back_up("--tables=other")
    local result = backing.apply()
    backing.is_applied(result, database)
    expect.contains(result.output, dump:match("[^/]*$"))
  end)

  it("is refused on the backup of another database in the same folder", function()
    local other = backing.items()
    backing.configure(other)
    backing.back_up()
    local database = backing.items()
    backing.configure(database)
    backing.is_refused(backing.apply(), database, ("there is no backup of database %s"):format(database.name))
  end)

  it("is refused when a byte of the dump has changed, and does not fall back on an older one", function()
    local database = backing.items()
    backing.configure(database)
    backing.back_up()
    test.shell("sleep 1")
    local dump = backing.back_up()
    backing.flip(dump)
    backing.is_refused(backing.apply(), database, dump:match("[^/]*$"))
  end)

  it("is refused when the certificate was edited", function()
    local database = backing.items()
    backing.configure(database)
    local dump = backing.back_up("--level=readable")
    test.shell(([[sed -i 's/"level": "readable"/"level": "equal"/' %s.json]]):format(dump))
    backing.is_refused(backing.apply(), database, "was changed after opsh wrote it")
  end)

  it("is refused when the certificate was edited and sealed anew: the seal is in the audit log", function()
    local database = backing.items()
    backing.configure(database)
    local dump = backing.back_up("--level=readable")
    backing.reseal(dump, [[s/"level": "readable"/"level": "equal"/; s/"hash": "\([0-9-]*\)"/&, "equal": true/]])
    backing.is_refused(backing.apply(), database, "its seal is not in the audit log")
  end)

  -- Where the audit log of the backup is not, a certificate is all that there is: it must still make sense.
  it("is refused when the backup says that it is from the future", function()
    local database = backing.items()
    backing.configure(database)
    backing.reseal(backing.back_up(), [[s/"time": "20../"time": "2999/]])
    test.shell("rm -r .opsh/backups/*/")
    backing.is_refused(backing.apply(), database, "which is in the future")
  end)

  it("is refused when the backup is ahead of the server, which went back to an earlier state", function()
    local database = backing.items()
    backing.configure(database)
    backing.reseal(backing.back_up(), [[s|"lsn": "|"lsn": "FF|]])
    test.shell("rm -r .opsh/backups/*/")
    backing.is_refused(backing.apply(), database, "it is of another history")
  end)

  it("is refused when the dump is gone", function()
    local database = backing.items()
    backing.configure(database)
    test.shell("rm " .. backing.back_up())
    backing.is_refused(backing.apply(), database, "there is no backup of database")
  end)

  -- git is asked for the commit between the reading of the dump and the first write.
  it("is refused when the dump is replaced after it was read", function()
    local database = backing.items()
    backing.configure(database)
    local dump = backing.back_up()
    test.shell("mkdir bin")
    test.write("bin/git", ("#!/bin/sh\ncp %s copy && mv copy %s\nexit 1\n"):format(dump, dump))
    test.shell("chmod +x bin/git")
    local result = test.shell('PATH="$PWD/bin:$PATH" "$OPSH" --target=prod ' .. backing.runbook() .. " --apply")
    backing.is_refused(result, database, "was replaced or changed after it was read")
  end)
end)

describe("a plan", function()
  it("says what an apply would rely on, and what it would be refused for", function()
    local database = backing.items()
    backing.configure(database)
    local path = backing.runbook()
    local without = backing.on_prod(path)
    expect.equal(without.exit, 0)
    expect.contains(without.output, "An apply would be refused: there is no backup of database")
    expect.contains(without.output, "next: make one: opsh backup --target=prod")
    local dump = backing.back_up()
    expect.contains(backing.on_prod(path).output, "An apply would rely on backup " .. dump:match("[^/]*$") .. ", equal")
  end)

  it("says nothing of backups on a throw-away server", function()
    local database = test.database({ sql = sample.items(4) })
    expect.lacks(test.opsh({ backing.runbook() }, { db = database }).output, "backup")
  end)
end)

describe("the database of a protected target", function()
  it("has its target's wishes for backups when --db leads to it", function()
    local database = backing.items()
    local confirm = backing.protect(database, 'backup = { level = "equal", max_age = "3h", dir = "elsewhere" }')
    local path = backing.runbook()
    expect.equal(backing.on_prod(path).exit, 0)
    backing.is_refused(
      test.opsh({ path, "--apply", confirm }, { db = database }),
      database,
      test.folder() .. "/elsewhere"
    )
  end)
end)

describe("without its check, an apply goes through", function()
  local function goes_through(prepare, file, check, instead)
    local database = backing.items()
    prepare(database)
    backing.within(backing.without(file, check, instead), function() backing.is_applied(backing.apply(), database) end)
  end

  it("on a dump with another byte in it", function()
    goes_through(function(database)
      backing.configure(database)
      backing.flip(backing.back_up())
    end, "required.lua", "if found.sha256 == held.certificate.sha256 then", "if true then")
  end)

  it("on a dump that was replaced after it was read", function()
    goes_through(function(database)
      backing.configure(database)
      local dump = backing.back_up()
      test.shell("mkdir bin")
      test.write("bin/git", ("#!/bin/sh\ncp %s copy && mv copy %s\nexit 1\n"):format(dump, dump))
      test.shell("chmod +x bin/git")
    end, "required.lua", "if same then return end", "do return end")
  end)

  it("on a backup that is too old", function()
    goes_through(function(database)
      backing.configure(database, 'backup = { max_age = "1s" }')
      backing.back_up()
      test.shell("sleep 2")
    end, "wants.lua", "if age <= wants.max_age then", "if true then")
  end)

  it("on a backup without the table that it writes", function()
    goes_through(function(database)
      database:execute("create table other (id bigint primary key)")
      backing.configure(database)
      backing.back_up("--tables=other")
    end, "wants.lua", "if entry and entry.equal then", "if true then")
  end)

  it("on the backup of another database", function()
    goes_through(function(database)
      local other = backing.items()
      backing.configure(other)
      backing.back_up()
      backing.configure(database)
    end, "wants.lua", "return origin.system_identifier == identity.system_identifier and", "return true or")
  end)

  it("on a backup that was only read", function()
    goes_through(function(database)
      backing.configure(database)
      backing.back_up("--level=readable")
    end, "wants.lua", 'local usual_level = "restored"', 'local usual_level = "written"')
  end)
end)
