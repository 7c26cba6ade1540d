local test = require("opsh.test")
local backing = require("backing")
local dumping = require("dumping")
local json = require("opsh.json")

local describe, it, expect = test.describe, test.it, test.expect

local function db(database) return "--db=" .. database.conninfo end

describe("opsh certify", function()
  it("raises a backup of opsh's step by step, without the database that it is of", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--level=written")
    expect.equal(dumping.certified(backup.path, "--level=readable").level, "readable")
    expect.equal(dumping.certified(backup.path .. ".json", "--level=restored").level, "restored")
    database:execute("delete from invoice")
    local equal = dumping.certified(backup.path)
    expect.equal({ equal.level, #equal.steps, equal.id }, { "equal", 4, backup.id })
  end)

  it("never lowers a level, and reads the bytes again", function()
    local backup = dumping.made(dumping.database())
    local again = dumping.certify(backup.path, "--level=readable")
    expect.equal(again.exit, 0, again.errors)
    expect.contains(again.errors, "the bytes that were certified")
    expect.contains(again.output, "equal")
  end)

  it("refuses a dump of which one byte is another, at every level", function()
    local database = dumping.database()
    for _, level in ipairs({ "written", "equal" }) do
      local backup = dumping.made(database, "--level=" .. level)
      dumping.flip(backup.path, backup.size - 10)
      local result = dumping.certify(backup.path)
      expect.equal(result.exit, 5)
      expect.contains(result.errors, backup.path .. " is not what was certified")
    end
  end)

  it("takes such a dump for good when the bytes are not compared: the control of the test above", function()
    local backup = dumping.made(dumping.database(), "--level=equal")
    dumping.flip(backup.path, backup.size - 10)
    local compared = "if sha256 == certificate.sha256 then return end"
    local environment = backing.without("proving.lua", compared, "do return end")
    local result = test.opsh({ "certify", backup.path, "--level=readable" }, { environment = environment })
    expect.equal(result.exit, 0, result.errors)
  end)

  it("refuses a file that was put in the place of the one that was certified", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--level=readable")
    database:execute("delete from invoice where id = 1")
    local other = dumping.made(database, "--level=readable")
    dumping.shell("cp %s %s", other.path, backup.path)
    expect.equal(dumping.certify(backup.path).exit, 5)
  end)

  it("refuses more files than one, and names them", function()
    local result = test.opsh({ "certify", "a.dump", "b.dump" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "a.dump, b.dump")
  end)
end)

describe("opsh certify on another machine", function()
  it("goes on with a certificate that it believes, also after it failed", function()
    local backup = dumping.made(dumping.database(), "--level=readable")
    dumping.shell("mkdir here && cp %s %s.json here && mv state there", backup.path, backup.path)
    local copy = "here/" .. backup.path:match("[^/]*$")
    expect.equal(dumping.certify(copy, "--scratch=host=/nowhere dbname=x").exit, 3)
    test.write("bin/none", "")
    local failed = test.opsh({ "certify", copy }, { environment = { OPSH_PG_BIN = test.folder() .. "/bin" } })
    expect.equal(failed.exit, 3, failed.errors)
    expect.equal(dumping.certified(copy).level, "equal")
    expect.equal(test.opsh({ "audit", "show", backup.id }).exit, 0)
  end)
end)

describe("opsh certify on a dump that opsh did not make", function()
  it("without a database goes as far as restored, and says what that does not show", function()
    local database = dumping.database()
    local file = dumping.pg_dump(database, "foreign.dump")
    local result = dumping.certify(file)
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "level         restored")
    expect.contains(result.output, "that it restores does not show that they are right")
    local backup = dumping.certified(file)
    expect.equal({ backup.origin, backup.database.name, backup.level }, { "foreign", database.name, "restored" })
    expect.equal(dumping.table_of(backup, "public.invoice").rows, 1000)
    for _, entry in ipairs(backup.tables) do
      expect.equal(entry.equal, json.null)
    end
    local refused = dumping.certify(file, "--level=equal")
    expect.equal(refused.exit, 5)
    expect.contains(refused.errors, "give the database that it is of")
  end)

  it("with the database calls equal what is the same now", function()
    local database = dumping.database()
    local backup = dumping.certified(dumping.pg_dump(database, "foreign.dump"), db(database))
    expect.equal(backup.level, "equal")
    expect.equal(dumping.table_of(backup, "public.invoice").equal, true)
  end)

  it("names the tables that are not the same now, and does not say which side is right", function()
    local database = dumping.database()
    local file = dumping.pg_dump(database, "foreign.dump")
    database:execute("update invoice set amount = amount + 1 where id = 7")
    local result = dumping.certify(file, db(database))
    expect.equal(result.exit, 0, result.errors)
    local note = "not as in the live database now: table public.invoice; it was changed since the dump, "
      .. "or the dump is wrong: which cannot be known"
    expect.contains(result.output, note)
    local backup = dumping.certified(file, db(database))
    expect.equal(backup.level, "restored")
    expect.equal(dumping.table_of(backup, "public.customer").equal, true)
    expect.equal(dumping.table_of(backup, "public.invoice").equal, json.null)
    expect.equal(dumping.certify(file, db(database), "--level=equal").exit, 5)
  end)

  it("names sequences, large objects and numbers of objects that are not the same now", function()
    local database = dumping.database()
    local file = dumping.pg_dump(database, "foreign.dump")
    database:execute([[select nextval('customer_id_seq'); select lo_create(0); create index on invoice (amount)]])
    local note = dumping.certified(file, db(database)).notes[3]
    expect.contains(note, "sequence public.customer_id_seq, large objects of the database, number of indexes;")
  end)

  it("knows owners and grants from the database, and does without them where there is none", function()
    local database = dumping.database()
    local name = dumping.role(database)
    database:execute(("alter table invoice owner to %s; grant select on customer to %s"):format(name, name))
    local file = dumping.pg_dump(database, "foreign.dump")
    expect.equal(dumping.certified(file).level, "restored")
    expect.equal(dumping.certified(file, db(database)).level, "equal")
    database:execute(("reassign owned by %s to opsh; drop owned by %s"):format(name, name))
  end)

  it("refuses a dump of another database", function()
    local one, other = dumping.database(), dumping.database()
    local result = dumping.certify(dumping.pg_dump(one, "foreign.dump"), db(other))
    expect.equal(result.exit, 5)
    expect.contains(result.errors, ("the dump is of database %s, and the target is %s"):format(one.name, other.name))
    expect.equal(test.shell("ls *.json").exit == 0, false)
  end)

  it("takes a directory", function()
    local database = dumping.database()
    expect.equal(dumping.certified(dumping.pg_dump(database, "foreign.dir", "-Fd"), db(database)).level, "equal")
  end)

  it("refuses what is no dump, each with its reason, and certifies nothing", function()
    local database = dumping.database()
    dumping.pg_dump(database, "good.dump")
    dumping.pg_dump(database, "plain.sql", "-Fp")
    dumping.shell([[ln -s good.dump link.dump; mkfifo pipe.dump; mkdir empty.dir; : > empty.dump; gzip -k good.dump;
      printf 'something else entirely' > other.dump; head -c 300 good.dump > cut.dump;
      head -c $(($(stat -c %%s good.dump) * 6 / 10)) good.dump > shorter.dump;
      (cat good.dump; echo more) > longer.dump]])
    for _, name in ipairs({
      "plain.sql",
      "link.dump",
      "pipe.dump",
      "empty.dir",
      "empty.dump",
      "good.dump.gz",
      "other.dump",
      "cut.dump",
      "shorter.dump",
      "longer.dump",
      "missing.dump",
    }) do
      local result = dumping.certify(name)
      expect.equal({ name, result.exit }, { name, 5 }, result.errors)
      expect.contains(result.errors, name)
    end
    expect.equal(test.shell("ls *.json").exit == 0, false)
  end)

  it("is not taken in by a flipped byte where the dump is compressed", function()
    local database = dumping.database()
    local file = dumping.pg_dump(database, "foreign.dump")
    dumping.flip(file, tonumber(dumping.shell("stat -c %%s %s", file)) - 3000)
    local result = dumping.certify(file, db(database))
    if result.exit == 0 then expect.lacks(result.output, "level         equal") end
    expect.is_true(result.exit == 0 or result.exit == 5, result.errors)
  end)

  it("of another moment is not taken for what the database holds: the control of equal", function()
    local database = dumping.database()
    local file = dumping.pg_dump(database, "foreign.dump")
    database:execute("insert into invoice values (5000, 1, 1); delete from invoice where id = 1")
    expect.equal(dumping.table_of(dumping.certified(file, db(database)), "public.invoice").equal, json.null)
  end)
end)
