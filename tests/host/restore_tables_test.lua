local test = require("opsh.test")
local dumping = require("dumping")

local describe, it, expect = test.describe, test.it, test.expect

local function restore(database, backup, ...)
  return test.opsh({ "restore", backup.path, ... }, { db = database })
end

local function schemas(database)
  return database:query("select nspname::text as name from pg_namespace where nspname like 'opsh_restore%'")
end

local function changed(sql)
  local database = dumping.database(sql)
  local backup = dumping.made(database, "--level=written")
  database:execute([[delete from invoice where id <= 2; update invoice set amount = 0 where id = 500;
    insert into invoice select 5000, customer, 1 from invoice where id = 3]])
  return database, backup
end

describe("opsh restore --tables", function()
  it("shows by key which rows are missing, were added and were changed, and writes nothing", function()
    local database, backup = changed()
    local now = database:checksum()
    local result = restore(database, backup, "--tables=invoice,customer")
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "2 rows missing now, 1 row added since, 1 row changed since")
    expect.matches(result.output, "missing now +1\n")
    expect.matches(result.output, "added since +5000\n")
    expect.matches(result.output, "changed since +500 +amount +166.67 +0.00")
    expect.matches(result.output, "public.customer[^\n]*\n  no row differs")
    expect.equal(database:checksum(), now)
    expect.equal(#schemas(database), 0)
  end)

  it("keeps no rows on this machine, and shows none in its document", function()
    local database, backup = changed()
    local document = restore(database, backup, "--tables=invoice", "--json").json()
    expect.equal(
      { document.tables[1].missing, document.tables[1].added, document.tables[1].changed },
      { 2, 1, 1 }
    )
    expect.equal(test.shell("find state -name '*.rows' | wc -l").output, "0\n")
    expect.lacks(restore(database, backup, "--tables=invoice", "--json").output, "5000")
  end)

  it("with --apply puts exact copies into a schema of their own, and touches nothing else", function()
    local database, backup = changed([[create type feeling as enum ('sad', 'ok');
      create table "Odd.Name" (id int primary key, words text, mood feeling, data json, short varchar(3));
      insert into "Odd.Name" values (1, E'tab\there \\ "quoted"', 'ok', '{"a": null}', 'abc'),
        (2, null, null, null, '')]])
    local now = database:checksum()
    database:execute('create table kept as select * from "Odd.Name"; delete from "Odd.Name"')
    local result = restore(database, backup, '--tables=invoice,"Odd.Name"', "--apply", "--json")
    expect.equal(result.exit, 0, result.errors)
    local schema = result.json().schema
    local copy, columns = ('%s."Odd.Name"'):format(schema), "id, words, mood::text as mood, data::text as data, short"
    expect.equal(
      database:query(("select %s from %s order by id"):format(columns, copy)),
      database:query(("select %s from kept order by id"):format(columns))
    )
    expect.equal(database:value(("select count(*) from %s.invoice"):format(schema)), 1000)
    expect.equal(
      database:value("select format_type(atttypid, atttypmod) from pg_attribute where attrelid = $1::regclass "
        .. "and attname = 'short'", copy),
      "character varying(3)"
    )
    database:execute('insert into "Odd.Name" select * from kept; drop table kept')
    database:execute(("drop schema %s cascade"):format(schema))
    expect.equal(database:checksum(), now)
  end)

  it("gives back a table that was dropped", function()
    local database, backup = changed()
    database:execute("drop table invoice cascade")
    local result = restore(database, backup, "--tables=invoice", "--apply")
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "the table is not there any more")
    expect.equal(database:value(("select count(*) from %s.invoice"):format(schemas(database)[1].name)), 1000)
  end)

  it("compares what columns both have, and names the others", function()
    local database, backup = changed()
    database:execute([[alter table invoice add column more int; drop materialized view totals; drop view unpaid;
      alter table invoice alter column customer type bigint]])
    local result = restore(database, backup, "--tables=invoice")
    expect.contains(result.output, "2 rows missing now, 1 row added since, 1 row changed since")
    expect.contains(result.output, "the column customer is bigint, and was integer: not compared")
    expect.contains(result.output, "the column more was not there: not compared")
  end)

  it("leaves no schema behind when a type of the copy is not there", function()
    local database, backup = changed([[create type feeling as enum ('ok');
      create table m (id int primary key, mood feeling);]])
    database:execute("drop table m; drop type feeling")
    local result = restore(database, backup, "--tables=m", "--apply")
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "nothing was written")
    expect.equal(#schemas(database), 0)
  end)

  it("names a table that the backup does not have", function()
    local database, backup = changed()
    local result = restore(database, backup, "--tables=invoices")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "the backup has no rows of a table invoices")
    expect.contains(result.errors, "invoice")
  end)

  it("wants the name of a protected database before it writes", function()
    local database, backup = changed()
    test.write("opsh.config.lua", ("return { targets = { prod = { connect = %q, protected = true } } }"):format(
      database.conninfo
    ))
    local function run(...) return test.opsh({ "restore", backup.path, "--target=prod", "--tables=invoice", ... }) end
    expect.equal(run().exit, 0)
    expect.equal(run("--apply").exit, 5)
    expect.equal(#schemas(database), 0)
    expect.equal(run("--apply", "--confirm=" .. database.name).exit, 0)
    expect.equal(#schemas(database), 1)
  end)
end)
