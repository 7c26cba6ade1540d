local test = require("opsh.test")
local dumping = require("dumping")

local describe, it, before_each, expect = test.describe, test.it, test.before_each, test.expect

local function restore(database, backup, ...)
  return test.opsh({ "restore", backup.path or backup, ... }, { db = database })
end

local function apply(database, backup, ...)
  return restore(database, backup, "--apply", "--confirm=" .. database.name, ...)
end

--- A database, its backup, and what it held then; it has changed since.
local function changed(sql)
  local database = dumping.database(sql)
  local backup = dumping.made(database, "--level=written")
  local before = database:checksum()
  database:execute("delete from invoice where id > 900; update customer set name = 'somebody'")
  return database, backup, before
end

--- The databases of the server whose names begin with this one's.
local function databases(database)
  local found = database:query(
    "select datname::text as name from pg_database where starts_with(datname, $1) order by 1",
    database.name .. "_"
  )
  for at, row in ipairs(found) do
    found[at] = row.name
  end
  return found
end

--- Nothing was replaced, and nothing is left behind.
local function expect_untouched(database, now)
  expect.equal(database:checksum(), now)
  expect.equal(databases(database), {})
end

--- Changes a certificate and seals it again, as somebody would who knows how; its audit log is gone.
local function forge(backup, from, to)
  return dumping.shell(
    [[rm -r "$(dirname %s)"/%s; f=%s.json; sed -i 's/%s/%s/' $f; body=$(sed '$d' $f | sed '$d' | sed '$s/,$//')
    seal=$(printf '%%s\n}\n' "$body" | sha256sum | cut -c1-64)
    printf '%%s,\n  "seal": "%%s"\n}\n' "$body" "$seal" > $f.new && mv $f.new $f]],
    backup.path,
    backup.id,
    backup.path,
    from,
    to
  )
end

describe("opsh restore", function()
  it("without --apply changes nothing, and says what would be replaced and lost", function()
    local database, backup = changed()
    local now = database:checksum()
    local result = restore(database, backup)
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "replaces database " .. database.name)
    expect.matches(result.output, "lost +at most %d+ transactions?, those of all databases of the server")
    expect.contains(result.output, "2 differences between the backup and the database as it is now")
    expect.matches(result.output, "table +public.invoice +1,000 rows")
    expect.matches(result.output, "Nothing was changed. To restore: opsh .* restore .* %-%-apply\n$")
    expect_untouched(database, now)
  end)

  it("puts the backup in the database's place, and keeps what was there", function()
    local database, backup, before = changed()
    local now = database:checksum()
    local result = apply(database, backup, "--reason=a test")
    expect.equal(result.exit, 0, result.errors)
    expect.equal(database:checksum(), before)
    local kept = databases(database)
    expect.equal(#kept, 1)
    expect.matches(kept[1], "_before_%d+_%d+$")
    expect.contains(result.output, "drop database " .. kept[1])
    local replaced = setmetatable({ conninfo = database.conninfo .. " dbname=" .. kept[1] }, getmetatable(database))
    expect.equal(replaced:checksum(), now)
  end)

  it("can be put back by the command that it prints", function()
    local database, backup = changed()
    local now = database:checksum()
    local back = apply(database, backup).output:match("to swap it back: +(.-)\n")
    local admin = setmetatable({ conninfo = database.conninfo .. " dbname=postgres" }, getmetatable(database))
    admin:execute(back)
    expect.equal(database:checksum(), now)
  end)

  it("takes the beginning of a backup's id", function()
    local database, backup, before = changed()
    expect.equal(apply(database, backup.id:sub(1, 18)).exit, 0)
    expect.equal(database:checksum(), before)
    expect.equal(restore(database, "20010101").exit, 5)
  end)

  it("writes its decisions into an audit log that verifies", function()
    local database, backup = changed()
    local document = apply(database, backup, "--json", "--reason=a test").json()
    expect.equal({ document.outcome, document.exit, document.kept ~= nil }, { "restored", 0, true })
    local shown = test.opsh({ "audit", "show", document.restore }, { db = database })
    expect.equal(shown.exit, 0, shown.errors)
    for _, event in ipairs({ "restore started", "restored", "equal", "swap started", "restore finished" }) do
      expect.contains(shown.output, event)
    end
    expect.contains(shown.output, "a test")
    expect.contains(shown.output, backup.sha256)
  end)

  it("wants the database's name also where nothing is protected", function()
    local database, backup = changed()
    local now = database:checksum()
    local without = restore(database, backup, "--apply")
    expect.equal(without.exit, 5)
    expect.contains(without.errors, "no terminal to confirm on")
    expect.equal(restore(database, backup, "--apply", "--confirm=other").exit, 5)
    expect_untouched(database, now)
  end)

  it("makes the database when it is not there any more", function()
    local database, backup, before = changed()
    local admin = setmetatable({ conninfo = database.conninfo .. " dbname=postgres" }, getmetatable(database))
    admin:execute(("drop database %s"):format(database.name))
    expect.contains(restore(database, backup).output, "which is not there")
    local result = apply(database, backup)
    expect.equal(result.exit, 0, result.errors)
    expect.equal(database:checksum(), before)
    expect.equal(databases(database), {})
  end)

  it("copes with a name as long as names can be", function()
    local database = dumping.database()
    local admin = setmetatable({ conninfo = database.conninfo .. " dbname=postgres" }, getmetatable(database))
    local name = ("ä"):rep(31) .. "x"
    admin:execute(('create database "%s" template "%s"'):format(name, database.name))
    local long = setmetatable({ conninfo = database.conninfo .. " dbname=" .. name, name = name }, getmetatable(admin))
    local made = dumping.made(long, "--level=written")
    expect.equal(apply(long, made).exit, 0)
    expect.equal(#long:query("select from pg_database where datname like 'ä%before%'"), 1)
    for _, row in ipairs(admin:query("select datname::text as name from pg_database where datname like 'ä%'")) do
      admin:execute(('drop database "%s"'):format(row.name))
    end
  end)

  it("names what a restore that was killed has left, and the command that drops it", function()
    local database, backup = changed()
    local left = database.name .. "_restore_20260101_000000_abcd"
    database:execute(("create database %s"):format(left))
    local output = restore(database, backup).output
    expect.contains(output, "Left by restores that did not come to their end")
    expect.contains(output, ("drop database %s;"):format(left))
    database:execute(("drop database %s"):format(left))
  end)

  it("is interrupted without a trace", function()
    local database, backup = changed([[
      create table big as select i, repeat('x', 200) from generate_series(1, 200000) as i]])
    local now = database:checksum()
    local arguments = { "restore", backup.path, "--apply", "--confirm=" .. database.name }
    local running = test.spawn(arguments, { db = database })
    test.wait_until("it restores", function()
      return #database:query("select from pg_stat_activity where application_name = 'pg_restore'") > 0
    end)
    running:signal("INT")
    local result = running:wait()
    expect.equal(result.exit, 130, result.errors)
    expect_untouched(database, now)
  end)

  it("restores through the target's declared prefix", function()
    local database, backup, before = changed()
    local elsewhere = database.conninfo:gsub("dbname='[^']*'", "dbname='postgres'")
    test.write(
      "opsh.config.lua",
      ("return { targets = { there = { connect = %q, tools = { prefix = { 'env' }, connect = %q } } } }"):format(
        database.conninfo,
        elsewhere
      )
    )
    local given = { "restore", backup.path, "--target=there", "--apply", "--confirm=" .. database.name }
    local result = test.opsh(given)
    expect.equal(result.exit, 0, result.errors)
    expect.equal(database:checksum(), before)
  end)
end)

describe("opsh restore refuses", function()
  local database, backup, now
  before_each(function()
    database, backup = changed()
    now = database:checksum()
  end)

  local function refused(result, exit, ...)
    expect.equal(result.exit, exit, result.errors)
    for _, words in ipairs({ ... }) do
      expect.contains(result.errors, words)
    end
    expect_untouched(database, now)
  end

  it("a dump that was changed since it was certified", function()
    dumping.shell("printf x | dd of=%s bs=1 seek=2000 conv=notrunc", backup.path)
    refused(apply(database, backup), 5, "the dump is not what its certificate says")
  end)

  it("a certificate that was changed by hand", function()
    dumping.shell([[sed -i 's/"rows": 1000/"rows": 1001/' %s.json]], backup.path)
    refused(apply(database, backup), 5, "was changed after opsh wrote it")
  end)

  it("to swap in what is not what the certificate says, even when that was sealed again", function()
    forge(backup, '"rows": 1000', '"rows": 1001')
    refused(apply(database, backup), 5, "what was restored is not what the certificate says", "public.invoice")
  end)

  it("a dump without a certificate", function()
    dumping.shell("rm %s.json", backup.path)
    refused(apply(database, backup), 5, "has no certificate", "opsh certify ")
  end)

  it("a backup of another database", function()
    local other = dumping.database()
    local result = apply(other, backup)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, ("the backup is of database %s, and this is %s"):format(database.name, other.name))
    expect.equal(databases(other), {})
  end)

  it("a backup of some tables", function()
    local some = dumping.made(database, "--tables=invoice", "--level=written")
    refused(apply(database, some), 5, "the backup has some tables only: public.invoice", "--tables")
  end)

  it("a role without the rights, each of which it names, before anything is done", function()
    database:execute("drop role if exists poor; create role poor login; grant connect on database "
      .. database.name .. " to poor")
    local poor = { conninfo = database.conninfo:gsub("user=opsh", "user=poor") }
    local result = test.opsh(
      { "restore", backup.path, "--apply", "--confirm=" .. database.name },
      { db = poor.conninfo }
    )
    refused(
      result,
      3,
      "poor may not create databases",
      "alter role poor createdb",
      "poor does not own the database, opsh does",
      "poor may not end the sessions of others"
    )
    local plan = test.opsh({ "restore", backup.path }, { db = poor.conninfo })
    expect.equal(plan.exit, 0, plan.errors)
    expect.contains(plan.output, "In the way")
    expect.contains(plan.output, "Not compared with the database as it is now: role poor may not read")
  end)

  it("a database with a subscription, which would stay with the replaced one", function()
    database:execute("create publication everything for all tables")
    local ok = test.shell(
      ([[$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)/psql -qX -d '%s' -c "create subscription s
        connection 'dbname=x' publication everything with (connect = false)"]]):format(database.conninfo)
    )
    expect.equal(ok.exit, 0, ok.errors)
    now = database:checksum()
    local result = apply(database, backup)
    expect.equal(result.exit, 5, result.errors)
    expect.contains(result.errors, "the database has 1 subscription: s")
    expect.equal(databases(database), {})
    database:execute("alter subscription s set (slot_name = none)")
    database:execute("drop subscription s")
  end)
end)
