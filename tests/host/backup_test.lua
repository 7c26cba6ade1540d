local test = require("opsh.test")
local backing = require("backing")
local documents = require("documents")
local dumping = require("dumping")

local describe, it, expect = test.describe, test.it, test.expect

describe("opsh backup", function()
  it("makes a dump whose restore is what the database held, and says so", function()
    local database = dumping.database()
    local backup = dumping.made(database)
    expect.equal(backup.level, "equal")
    expect.equal(backup.database.name, database.name)
    expect.equal({ #backup.tables, dumping.table_of(backup, "public.invoice").rows }, { 2, 1000 })
    for _, entry in ipairs(backup.tables) do
      expect.equal({ entry.name, entry.equal }, { entry.name, true })
    end
    expect.equal(backup.not_compared[1].name, "public.totals")
    expect.equal(backup.sha256, dumping.shell("sha256sum < %s", backup.path):match("%x+"))
    expect.equal(backup.size, tonumber(dumping.shell("stat -c %%s %s", backup.path)))
  end)

  it("says in its text what was shown and what was not", function()
    local result = dumping.backup(dumping.database(), "--level=readable")
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "pg_restore reads and unpacks all of it")
    expect.contains(result.output, "not shown     that it restores, and that its rows are right")
    expect.contains(result.output, "next          opsh certify ")
    expect.matches(result.errors, "written +%d.-\nreadable +%d")
  end)

  it("keeps dump and certificate from others", function()
    local backup = dumping.made(dumping.database(), "--level=readable")
    local modes = dumping.shell("stat -c %%a %s %s.json $(dirname %s)", backup.path, backup.path, backup.path)
    expect.equal(modes, "600\n600\n700\n")
  end)

  it("stops at the level that was asked for", function()
    local database = dumping.database()
    for at, level in ipairs({ "written", "readable", "restored", "equal" }) do
      local backup = dumping.made(database, "--level=" .. level)
      expect.equal({ backup.level, #backup.steps, backup.steps[at].level }, { level, at, level })
      expect.equal(#backup.sha256, 64)
      expect.equal(dumping.table_of(backup, "public.invoice").equal == true, level == "equal")
    end
    expect.equal(dumping.backup(database, "--level=perfect").exit, 2)
  end)

  -- A backup while somebody writes without a pause.
  local function backup_while_writing(environment)
    local database = dumping.database("create table log (id serial primary key)")
    local result = test.shell(
      ([[
      yes "insert into log default values; update customer set name = name || 'x' where id = 1 + random() * 100;" |
        $(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)/psql -qX -d "%s" & writer=$!
      "$OPSH" backup --db "%s" --json; status=$?; kill $writer; exit $status]]):format(
        database.conninfo,
        database.conninfo
      ),
      { timeout = 120, environment = environment }
    )
    expect.is_true(database:value("select count(*) from log") > 0, "the writer wrote nothing")
    return result
  end

  it("raises nothing false while others write: what it counted is what it dumped", function()
    local result = backup_while_writing()
    expect.equal(result.exit, 0, result.errors)
    expect.equal(result.json().backup.level, "equal")
  end)

  it("would, if pg_dump had another snapshot: the control of the test above", function()
    local result = backup_while_writing(backing.without("making.lua", "snapshot = looked.snapshot,", ""))
    expect.equal(result.exit, 5, result.errors)
    expect.contains(result.errors, "table public.log: ")
  end)

  -- Called immutable, and it is not: pg_restore computes it anew.
  local odd = [[
    create function place() returns text immutable language sql as $$ select pg_catalog.current_database()::text $$;
    create table odd (id int, place text generated always as (place()) stored); insert into odd values (1), (2);
  ]]

  it("names the table whose restored rows are others, and leaves the level below", function()
    local database = dumping.database(odd)
    local result = dumping.backup(database)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "table public.odd: 2 rows, hash ")
    expect.equal(result.errors:find("public.customer", 1, true), nil)
    local listed = test.opsh({ "backup", "list", "--json" }, { db = database }).json().backups[1].backup
    expect.equal(listed.level, "restored")
    expect.equal(dumping.table_of(listed, "public.odd").equal, false)
    expect.equal(dumping.table_of(listed, "public.customer").equal, true)
  end)

  it("calls such rows equal when nothing is compared: the control of the test above", function()
    local environment = backing.without("proving.lua", "if #differences == 0 then", "if true then")
    local result = test.opsh({ "backup" }, { db = dumping.database(odd), environment = environment, timeout = 120 })
    expect.equal(result.exit, 0, result.errors)
  end)

  it("says in pg_restore's words why a dump does not restore, and leaves it readable", function()
    -- The tables come back in the order of their names, and the function looks for one that is not there yet.
    local database = dumping.database([[
      create table zone (id int); insert into zone values (1);
      create function known(int) returns bool language sql as 'select exists (select from public.zone where id = $1)';
      create table area (zone int check (known(zone))); insert into area values (1);
    ]])
    local result = dumping.backup(database)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "area")
    local listed = test.opsh({ "backup", "list", "--json" }, { db = database }).json().backups[1].backup
    expect.equal(listed.level, "readable")
  end)

  it("tries owners, grants and policies with their roles", function()
    local database = dumping.database()
    local name = dumping.role(database)
    database:execute(([[alter table invoice owner to %s; grant select on customer to %s;
      create policy p on invoice to %s using (true)]]):format(name, name, name))
    expect.equal(dumping.made(database).level, "equal")
    database:execute(("reassign owned by %s to opsh; drop owned by %s"):format(name, name))
  end)

  it("dumps into a directory over several sessions", function()
    local backup = dumping.made(dumping.database(), "--jobs=2")
    expect.equal({ backup.format, backup.level, backup.path:match("%.%w+$") }, { "directory", "equal", ".dir" })
    expect.contains(dumping.shell("ls %s", backup.path), "toc.dat")
  end)

  it("is refused to a role that may not read everything, which is named, and leaves no dump", function()
    local database = dumping.database()
    local name, weak = dumping.role(database)
    database:execute("grant select on customer to " .. name)
    local result = dumping.backup(weak)
    expect.equal(result.exit, 3)
    expect.contains(result.errors, ("role %s may not read public.customer_id_seq, public.invoice"):format(name))
    expect.equal(dumping.dumps(), "")
    database:execute("drop owned by " .. name)
  end)

  it("leaves no dump when pg_dump fails half-way, and says its words", function()
    local database = dumping.database()
    test.write("bin/pg_dump", [[#!/bin/sh
      for word; do case $word in
        --version) echo 'pg_dump (PostgreSQL) 99.1'; exit;;
        --file=*) head -c 5000 /dev/zero > "${word#--file=}";;
      esac; done
      echo 'pg_dump: error: the disk said no' >&2; exit 1]])
    dumping.shell("chmod +x bin/pg_dump; ln -s $(ls -d /usr/lib/postgresql/*/bin | tail -1)/pg_restore bin/")
    local result = test.opsh(
      { "backup", "--level=readable" },
      { db = database, environment = { OPSH_PG_BIN = test.folder() .. "/bin" } }
    )
    expect.equal(result.exit, 5, result.errors)
    expect.contains(result.errors, "the disk said no")
    expect.equal(dumping.dumps(), "")
  end)

  it("is refused where there is no pg_dump", function()
    local database = dumping.database()
    local result = test.opsh(
      { "backup", "--level=readable" },
      { db = database, environment = { OPSH_PG_BIN = test.folder() } }
    )
    expect.equal(result.exit, 3)
    expect.contains(result.errors, "there is no pg_dump in " .. test.folder())
    expect.equal(dumping.dumps(), "")
  end)

  it("records what was done in an audit log of its own", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--reason=before the move")
    local shown = test.opsh({ "audit", "show", backup.id }).output
    for _, words in ipairs({ "backup started", "before the move", "backup readable", "backup equal", backup.sha256 }) do
      expect.contains(shown, words)
    end
    local verdict = test.opsh({ "audit", "verify", backup.id, "--json" }, { db = database })
    expect.equal(verdict.exit, 0, verdict.errors)
    expect.equal(verdict.json().runs[1].state, "equal")
  end)

  it("prints documents that are what docs/backup.schema.json says, also of a failure", function()
    local database = dumping.database()
    local foreign = dumping.pg_dump(database, "foreign.dump")
    documents.fit(dumping.backup(database, "--json").json(), "backup")
    documents.fit(dumping.backup(database, "--json", "--tables=invoice", "--level=written").json(), "backup")
    documents.fit(dumping.certify(foreign, "--json", "--level=written").json(), "backup")
    documents.fit(dumping.certify(foreign, "--json").json(), "backup")
    documents.fit(dumping.backup(database, "--json", "--level=perfect").json(), "backup")
    dumping.shell("rm state/opsh/backups/*1*.dump")
    documents.fit(test.opsh({ "backup", "list", "--json" }, { db = database }).json(), "backup")
  end)

  it("leaves nothing behind when it is interrupted", function()
    local database = dumping.database()
    test.write("bin/pg_dump", [[#!/bin/sh
      case "$*" in *--version*) echo 'pg_dump (PostgreSQL) 99.1'; exit 0;; esac
      exec sleep 60]])
    dumping.shell("chmod +x bin/pg_dump")
    local running = test.spawn(
      { "backup", "--level=readable" },
      { db = database, environment = { OPSH_PG_BIN = test.folder() .. "/bin" } }
    )
    test.wait_until("pg_dump runs", function() return dumping.dumps():find("partial", 1, true) end)
    running:signal("INT")
    expect.equal(running:wait(20).exit, 130)
    expect.equal(dumping.dumps(), "")
    expect.equal(test.shell("pgrep -f 'sleep 6[0]'").output, "")
  end)

  it("backs up from a standby, where unlogged tables have no rows", function()
    local database = dumping.database("create unlogged table cache (id int); insert into cache values (1)")
    local started = test.shell(([[
      cd /; as() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/sh -c "$1"; else sh -c "$1"; fi; }
      bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1); place=$(mktemp -d); chmod 777 $place
      as "$bin/pg_basebackup -d \"%s\" -D $place/data -R -c fast" || exit 1
      as "$bin/pg_ctl -s -w -D $place/data -l $place/log -o \"-c unix_socket_directories=$place -c port=5433 \
        -c listen_addresses=\" start" >&2 || exit 2
      "$OPSH" backup --json --db="host=$place port=5433 user=opsh dbname=%s"; status=$?
      as "$bin/pg_ctl -s -m immediate -D $place/data stop"; rm -rf $place; exit $status]]):format(
      database.conninfo,
      database.name
    ), { timeout = 120 })
    expect.equal(started.exit, 0, started.errors)
    local backup = started.json().backup
    expect.equal(backup.level, "equal")
    expect.equal(backup.not_compared, {
      { name = "public.cache", why = "unlogged: a standby has nothing of it" },
      { name = "public.totals", why = "materialized view: a restore makes it anew" },
    })
  end)

  it("runs pg_dump where a prefix leads to", function()
    local database = dumping.database()
    test.write(
      "opsh.config.lua",
      ("return { targets = { far = { connect = %q, tools = { prefix = { 'env', 'FAR=1' }, connect = %q } } } }"):format(
        database.conninfo,
        database.conninfo
      )
    )
    local result = test.opsh({ "backup", "--target=far", "--json" }, { timeout = 120 })
    expect.equal(result.exit, 0, result.errors)
    expect.equal(result.json().backup.level, "equal")
    expect.contains(dumping.shell("cat .opsh/backups/*.json"), '"FAR=1"')
  end)

  it("takes no word that it does not know", function()
    local result = dumping.backup(dumping.database(), "lst")
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "did you mean opsh backup list?")
  end)
end)

describe("opsh backup --tables", function()
  it("keeps the rows of these tables only, and says so", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--tables=invoice")
    expect.equal({ backup.level, #backup.tables, backup.tables[1].name }, { "equal", 1, "public.invoice" })
    expect.equal(backup.only_tables, { "public.invoice" })
    local text = dumping.backup(database, "--tables=invoice").output
    expect.contains(text, "rows of these tables alone")
  end)

  it("takes a partitioned table with its partitions, and names with commas in quotes", function()
    local database = dumping.database([[
      create table part (id int) partition by range (id);
      create table part_a partition of part for values from (0) to (10);
      create table "part,b" partition of part for values from (10) to (20); insert into part values (1), (11);
    ]])
    local backup = dumping.made(database, '--tables=part')
    expect.equal({ backup.level, #backup.tables, #backup.only_tables }, { "equal", 2, 3 })
    expect.equal(dumping.made(database, '--tables="part,b", part_a').level, "equal")
  end)

  it("is refused for what is no table", function()
    local database = dumping.database()
    local result = dumping.backup(database, "--tables=invoice,unpaid")
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "unpaid is a view, which has no rows of its own")
    expect.contains(dumping.backup(database, "--tables=nosuch").errors, "there is no table nosuch")
    expect.equal(dumping.backup(database, "--tables=invoice,").exit, 2)
    expect.equal(dumping.dumps(), "")
  end)
end)

describe("opsh backup --scratch", function()
  local function scratches(database)
    return database:value("select count(*) from pg_database where datname like 'opsh_scratch_%'")
  end

  it("tries the backup in a database of its own on that server, and drops it", function()
    local database = dumping.database()
    local backup = dumping.made(database, "--scratch=" .. database.conninfo)
    expect.equal({ backup.level, scratches(database) }, { "equal", 0 })
  end)

  it("drops it also when the dump does not restore", function()
    local database = dumping.database([[
      create function place() returns text immutable language sql as $$ select pg_catalog.current_database()::text $$;
      create table odd (id int, place text generated always as (place()) stored); insert into odd values (1);
    ]])
    expect.equal(dumping.backup(database, "--scratch=" .. database.conninfo).exit, 5)
    expect.equal(scratches(database), 0)
  end)

  it("names what an earlier trial that was killed has left there", function()
    local database = dumping.database()
    database:execute("create database opsh_scratch_left")
    local result = dumping.backup(database, "--scratch=" .. database.conninfo)
    database:execute("drop database opsh_scratch_left")
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.errors, "drop database opsh_scratch_left")
  end)

  it("is refused before anything is dumped when databases cannot be created there", function()
    local database = dumping.database()
    local name, weak = dumping.role(database)
    local result = dumping.backup(database, "--scratch=" .. weak.conninfo)
    expect.equal(result.exit, 3)
    expect.contains(result.errors, ("role %s may not create databases on the server of --scratch"):format(name))
    expect.equal(dumping.dumps(), "")
  end)

  it("takes no password on the command line", function()
    local result = dumping.backup(dumping.database(), "--scratch=dbname=x password=secret")
    expect.equal(result.exit, 2)
    expect.lacks(result.errors, "secret")
    expect.equal(dumping.dumps(), "")
  end)
end)
