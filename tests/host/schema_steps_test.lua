local json = require("opsh.json")
local test = require("opsh.test")
local sample = require("sample")
local stepping = require("schema_stepping")

local describe, it, expect = test.describe, test.it, test.expect
local column, doing, database, opsh = stepping.column, stepping.doing, stepping.database, stepping.opsh
local applied, undo, sleeps, schema_of = stepping.applied, stepping.undo, stepping.sleeps, stepping.schema_of

local function refused(lua, exit, words, fields, setup)
  local on = database(setup)
  local before, rows = schema_of(on), on:checksum()
  local result = opsh(on, doing(lua, fields), "--apply")
  expect.equal(result.exit, exit, result.errors)
  expect.contains(result.errors, words)
  expect.equal(schema_of(on), before)
  expect.equal(on:checksum(), rows)
end

describe("a schema step", function()
  it("shows what is missing with its DDL, and writes nothing on plan", function()
    local on = database()
    local before = schema_of(on)
    local result = opsh(on, column())
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "  note\n    alter table item add column note text\n")
    expect.contains(result.output, "schema step: no journal of rows; its undo takes back what it made")
    expect.contains(result.output, "will change or make item")
    expect.equal(schema_of(on), before)
  end)

  it("makes it, and finds nothing the second time", function()
    local on = database()
    applied(on, column())
    expect.equal(on:value("select count(*) from information_schema.columns where column_name = 'note'"), 1)
    local again = opsh(on, column(), "--apply")
    expect.equal(again.exit, 0, again.errors)
    expect.contains(again.output, "Nothing to do")
    expect.equal(on:value("select count(*) from opsh.run"), 1)
  end)

  it("is undone to the very schema that was there", function()
    local on = database()
    local before = schema_of(on)
    local run = applied(on, column())
    expect.contains(undo(on, run).output, "column       note")
    local result = undo(on, run, "--apply")
    expect.equal(result.exit, 0, result.errors)
    expect.equal(schema_of(on), before)
    expect.equal(test.opsh({ "audit", "verify" }, { db = on }).exit, 0)
  end)

  it("is simulated in the transaction that is rolled back", function()
    local on = database()
    local before = schema_of(on)
    local source = column({}, {
      steps = "{ " .. column():match("steps = { (.*) },\n") .. ", " .. sample.step({
        after = '"column"',
        apply = 'function(tx) tx:exec("update item set note = i.part from :items as i where item.id = i.id") end',
      }) .. " }",
    })
    local result = opsh(on, source, "--simulate")
    expect.equal(result.exit, 0, result.output .. result.errors)
    expect.matches(result.output, "public.item +0 +30 +0")
    expect.equal(schema_of(on), before)
  end)

  it("lets a step that comes after it be planned at once when nothing is missing", function()
    local on = database("alter table item add column note text;")
    local source = column({}, {
      steps = "{ " .. column():match("steps = { (.*) },\n") .. ", " .. sample.step({ after = '"column"' }) .. " }",
    })
    local document = opsh(on, source, "--json").json()
    expect.equal(document.steps[1].planned.items, 0)
    expect.equal(document.steps[2].planned.items, 30)
    expect.equal(document.steps[1].schema.undo, true)
    expect.equal(document.steps[2].schema, json.null)
  end)

  it("tells triggers which run and rung it is", function()
    local on = database([[
      create table seen (run text, rung text);
      create function tell() returns event_trigger language plpgsql as $$ begin
        -- opsh makes its own schema before there is a run.
        if current_setting('opsh.run', true) <> '' then
          insert into seen values (current_setting('opsh.run', true), current_setting('opsh.rung', true));
        end if; end $$;
      create event trigger tell on ddl_command_end when tag in ('ALTER TABLE') execute function tell();]])
    local run = applied(on, column({ journal = "false" }))
    expect.equal(undo(on, run, "--apply").exit, 0)
    local rows = on:query("select run = $1 as same, rung from seen order by rung", run)
    expect.equal(#rows, 2)
    expect.equal(rows[1].same, true)
    expect.equal(rows[1].rung, "apply")
    expect.equal(rows[2].rung, "undo")
  end)
end)

describe("a schema step changes no rows:", function()
  it("a statement that does is refused", function()
    refused('tx:exec("delete from item")', 5, "the statement changes rows of item, in a schema step")
    refused('tx:copy_in("item", { "id" }, { { id = 99 } })', 5, "rows are copied into item")
    refused('tx:ddl("delete from item")', 5, "DELETE is not among the statements that a schema step may send")
  end)

  it("an event trigger that does rolls the batch back, unless the step says journal = false", function()
    local setup = [[create table seen (tag text);
      create function tell() returns event_trigger language plpgsql as
        $$ begin
          if current_setting('opsh.run', true) <> '' then insert into seen values (tg_tag); end if;
        end $$;
      create event trigger tell on ddl_command_end execute function tell();]]
    refused('tx:ddl("alter table item add column x int")', 1, "rows of public.seen changed in a schema step", {}, setup)
    local on = database(setup)
    applied(on, doing('tx:ddl("alter table item add column x int")', { journal = "false" }))
    expect.equal(on:value("select count(*) from seen where tag = 'ALTER TABLE'") > 0, true)
  end)

  it("rewrites of tables, new tables that are filled and their indexes are none", function()
    local on = database()
    applied(on, doing([[
      tx:ddl("alter table item add column stamp timestamptz default clock_timestamp()")
      tx:ddl("alter table item add column twice numeric generated always as (amount * 2) stored")
      tx:ddl("create table copy as select * from item")
      tx:ddl("create unique index copy_id on copy (id)")
      tx:ddl("create materialized view sums as select part, sum(amount) as amount from item group by part")
      tx:ddl("refresh materialized view sums")]], { writes = '{ "item", "copy" }' }))
    expect.equal(on:value("select count(*) from copy where twice = amount * 2 and stamp is not null"), 30)
  end)
end)

describe("a schema step loses no data:", function()
  it("what holds some is not dropped, emptied or turned into another type", function()
    for _, statement in ipairs({
      "drop table item",
      "truncate item",
      "alter table item drop column part",
      "alter table item alter column amount type int",
      "drop table part_of",
    }) do
      refused(
        ('tx:ddl("%s")'):format(statement),
        5,
        "no journal has",
        { writes = '{ "item", "part_of" }' },
        "create table part_of (id int) partition by list (id); create table one partition of part_of default;"
          .. "insert into part_of values (1);"
      )
    end
  end)

  it("what is empty may go", function()
    local on = database([[create table spare (id int primary key);
      alter table item add column unused text, add column usual text not null default 'x',
        add column flag boolean not null default true, add column host inet default '10.0.0.1';]])
    applied(on, doing([[
      tx:ddl("alter table item drop column unused")
      tx:ddl("alter table item drop column usual")
      tx:ddl("alter table item drop column flag")
      tx:ddl("alter table item drop column host")
      tx:ddl("alter table spare alter column id type bigint")
      tx:ddl("drop table spare")]], { writes = '{ "item", "spare" }' }))
    expect.equal(on:value("select to_regclass('spare') is null"), true)
  end)

  it("what somebody fills at the same moment is not empty", function()
    local on = database("create table spare (id int primary key);")
    test.shell(("(psql -X -d %q -c %q >/dev/null 2>&1 &)"):format(
      on.conninfo,
      "begin; insert into spare values (1); select pg_sleep(3); commit"
    ))
    test.wait_until(
      "the row is there",
      function() return on:value("select count(*) from pg_locks where relation = 'spare'::regclass") > 0 end
    )
    local result = opsh(on, doing('tx:ddl("drop table spare")', { writes = '{ "spare" }' }), "--apply")
    expect.equal(result.exit, 5, result.errors)
    expect.contains(result.errors, "spare holds rows")
    expect.equal(on:value("select count(*) from spare"), 1)
  end)

  it("unless it says why, which the plan shows", function()
    local on = database()
    local source = doing('tx:ddl("alter table item drop column part")', { loses_data = '"nobody reads it"' })
    expect.contains(opsh(on, source).output, "loses data, which no journal has: nobody reads it")
    applied(on, source)
    expect.contains(test.shell("grep -rh loses_data state").output, '"loses_data":"nobody reads it"')
  end)
end)

describe("tx:ddl", function()
  it("changes only tables that the step declares, and makes no others", function()
    refused('tx:ddl("alter table other add column x int")', 5, "public.other, which the step does not declare", {},
      "create table other (id int);")
    refused('tx:ddl("create index other_id on other (id)")', 5, "public.other", {}, "create table other (id int);")
    refused('tx:ddl("drop index other_id")', 5, "public.other", {},
      "create table other (id int); create index other_id on other (id);")
    refused('tx:ddl("create table made (id int)")', 5, "made, which the step does not declare")
  end)

  it("leaves opsh's own schema alone, whatever it is called", function()
    refused('tx:ddl("drop table opsh.conflict")', 5, "opsh's own schema")
    refused([[tx:ddl('drop table "opsh"."conflict"')]], 5, "opsh's own schema")
  end)

  it("is for schema steps", function()
    local on = database()
    local result = opsh(on, sample.runbook({ apply = 'function(tx) tx:ddl("create table x (id int)") end' }), "--apply")
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "say schema = true in the step")
  end)

  it("takes one statement, and no values", function()
    refused('tx:ddl("alter table item add column a int; drop table item")', 5, "the text has 2 statements")
    refused('tx:ddl("alter table item add column a int default :x")', 1, "takes no values")
    refused('tx:ddl("create index concurrently i on item (part)")', 5, "does not run inside a transaction")
  end)

  it("does not call functions that somebody wrote, unless the runbook declares them", function()
    local setup = [[create function spy(x text) returns text language plpgsql immutable as
      $$ begin perform set_config('opsh.spied', 'yes', false); return x; end $$;]]
    for _, statement in ipairs({
      "create index spied on item (spy(part))",
      "alter table item add column x text default spy('y')",
      "alter table item add check (spy(part) <> '')",
      "create table copy as select spy(part) from item",
    }) do
      refused(('tx:ddl("%s")'):format(statement), 5, "public.spy", { writes = '{ "item", "copy" }' }, setup)
    end
  end)

  it("takes no operator class that somebody wrote", function()
    refused(
      'tx:ddl("create index spied on item (part spying)")',
      5,
      "somebody wrote the operator class spying",
      {},
      [[create function spy(text, text) returns int language plpgsql immutable as
          $$ begin perform set_config('opsh.spied', 'yes', false); return 0; end $$;
        create operator class spying for type text using btree as function 1 spy(text, text);]]
    )
    applied(database(), doing('tx:ddl("create index fine on item (part text_pattern_ops)")'))
  end)

  it("knows the catalog as it has made it", function()
    refused([[
      tx:ddl("create function late(x text) returns text language sql immutable as 'select x'")
      tx:ddl("create index spied on item (late(part))")]], 5, "public.late")
  end)
end)

describe("a schema step that is cut off", function()
  it("in the middle of a batch has done nothing of it, and a resume does it once", function()
    local on = database()
    local source = column({
      plan = [=[[[select i as name, pg_catalog.format('alter table item add column c%s int', i) as ddl
                 from pg_catalog.generate_series(1, 2) as i where not exists (
                   select from pg_catalog.pg_attribute as a
                   where a.attrelid = 'item'::regclass and a.attname = 'c' || i)]]]=],
      apply = [[function(tx, items)
        tx:ddl(items[1].ddl)
        if items[1].name == 2 then tx:value("select pg_sleep(2)::text") end
      end]],
    })
    local process = test.spawn({ test.write("sample.lua", source), "--apply" }, { db = on })
    test.wait_until(
      "the second batch is open",
      function() return sleeps(on) end
    )
    process:signal("KILL")
    process:wait()
    expect.equal(on:value("select count(*) from opsh.batch"), 1)
    local run = on:value("select id from opsh.run")
    local resumed = test.opsh({ "resume", run }, { db = on })
    expect.equal(resumed.exit, 0, resumed.errors)
    expect.equal(on:value("select count(*) from opsh.batch"), 2)
    expect.equal(on:value("select count(*) from opsh.definition"), 2)
    expect.equal(on:value("select count(*) from information_schema.columns where column_name in ('c1', 'c2')"), 2)
  end)
end)

describe("a schema step's declaration", function()
  it("says what it must, and nothing about rows", function()
    local on = database()
    for fields, words in pairs({
      [{ schema = false, undo = "function() end" }] = "undo is for schema steps",
      [{ schema = false, undo = false, autocommit = "true" }] = "autocommit is for schema steps",
      [{ recheck = '"select id from item for update"' }] = "recheck is about rows",
      [{ max_failures = "1" }] = "max_failures is about rows",
      [{ autocommit = "true", atomic = "true" }] = "leave out atomic and batch",
      [{ loses_data = '" "' }] = "loses_data is empty",
    }) do
      local result = opsh(on, column(fields))
      expect.equal(result.exit, 1)
      expect.contains(result.errors, words)
    end
  end)
end)
