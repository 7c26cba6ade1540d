local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local base = [[
  create table scenarios (id bigint primary key, name text, source bigint);
  insert into scenarios select i, 'n' || i, i from generate_series(1, 50) as i;
  create table generations (id bigint primary key);
  insert into generations select i from generate_series(1, 50) as i;
  create table "Odd Name" (id bigint primary key, status text, note text);
  insert into "Odd Name" values (1, 'new', 'n');
  create schema ops;
  create view ops.former as select id from scenarios where id > 5;
  comment on view ops.former is 'what it was';
  grant select on ops.former to public;
]]

local function database(setup) return test.database({ sql = base .. (setup or "") }) end

local function source(steps)
  return ([[
    local runbook, schema = require("opsh.runbook"), require("opsh.schema")
    return runbook { title = "sample", steps = { %s } }
  ]]):format(steps)
end

local function opsh(on, steps, ...) return test.opsh({ test.write("sample.lua", source(steps)), ... }, { db = on }) end

local function applied(on, steps)
  local result = opsh(on, steps, "--apply")
  expect.equal(result.exit, 0, result.errors)
  return on:value("select id from opsh.run order by started_at desc limit 1")
end

local function undo(on, run) return test.opsh({ "undo", run, "--apply" }, { db = on }) end

local function schema_of(on)
  local dump = test.shell(("pg_dump --schema-only --exclude-schema=opsh --dbname=%q"):format(on.conninfo))
  expect.equal(dump.exit, 0, dump.errors)
  return (dump.output:gsub("\\[un]*restrict [^\n]*\n", ""))
end

--- Applies, finds nothing the second time, and undoes to the schema of before.
local function there_and_back(on, steps, look)
  local before = schema_of(on)
  local run = applied(on, steps)
  if look then look() end
  local again = opsh(on, steps, "--apply")
  expect.equal(again.exit, 0, again.errors)
  expect.contains(again.output, "Nothing to do")
  local result = undo(on, run)
  expect.equal(result.exit, 0, result.output .. result.errors)
  expect.equal(schema_of(on), before)
end

local columns = [[schema.columns {
  table = "scenarios",
  columns = { prompt = "text", { name = "n", type = "numeric(4,1)", default = "0", not_null = true } },
}]]

describe("schema.columns", function()
  it("adds what is missing, and is undone", function()
    local on = database()
    there_and_back(on, columns, function()
      expect.equal(on:value("select count(*) from scenarios where n = 0 and prompt is null"), 50)
    end)
  end)

  it("adds only what is missing, and takes only that back", function()
    local on = database("alter table scenarios add column prompt text;")
    there_and_back(on, columns)
  end)

  it("refuses a column that is there with another type", function()
    local on = database("alter table scenarios add column prompt integer;")
    local result = opsh(on, columns)
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "column prompt of scenarios has the type integer, and text is declared")
  end)

  it("leaves a column that somebody has filled since, and says so", function()
    local on = database()
    local run = applied(on, columns)
    on:execute("update scenarios set prompt = 'mine' where id = 3")
    local result = undo(on, run)
    expect.equal(result.exit, 8, result.errors)
    expect.contains(result.output, "column prompt of scenarios holds values")
    expect.equal(on:value("select prompt from scenarios where id = 3"), "mine")
    expect.equal(on:value("select count(*) from information_schema.columns where column_name = 'n'"), 0)
  end)

  it("is undone together with the rows that a later step wrote", function()
    local on = database()
    local before, rows = schema_of(on), on:checksum()
    local run = applied(on, columns .. [[, {
      name = "fill", after = "columns of scenarios", key = "id", writes = { "scenarios" },
      plan = "select id from scenarios where prompt is null",
      apply = function(tx) tx:exec("update scenarios as s set prompt = 'x' from :items as i where i.id = s.id") end,
    }]])
    expect.equal(on:value("select count(*) from scenarios where prompt = 'x'"), 50)
    local result = undo(on, run)
    expect.equal(result.exit, 0, result.output .. result.errors)
    expect.equal(schema_of(on), before)
    expect.equal(on:checksum(), rows)
  end)
end)

describe("schema.foreign_key", function()
  local key = 'schema.foreign_key { table = "scenarios", columns = "source", references = "generations" }'

  it("adds it not valid, validates it, and is undone", function()
    local on = database()
    there_and_back(on, key, function()
      expect.equal(on:value("select convalidated from pg_constraint where conname = 'scenarios_source_fkey'"), true)
      expect.equal(on:value("select count(*) from opsh.batch"), 2)
    end)
  end)

  it("validates one that is there and not valid, and leaves it at undo", function()
    local on = database("alter table scenarios add foreign key (source) references generations not valid;")
    local result = opsh(on, key)
    expect.contains(result.output, "2, validate scenarios_source_fkey")
    applied(on, key)
  end)

  it("stops at a row that it forbids, with the constraint in place for new ones", function()
    local on = database("insert into scenarios values (99, 'x', 99);")
    local result = opsh(on, key, "--apply")
    expect.equal(result.exit, 4, result.errors)
    expect.contains(result.errors, "scenarios_source_fkey")
    expect.equal(on:value("select convalidated from pg_constraint where conname = 'scenarios_source_fkey'"), false)
    on:execute("delete from scenarios where id = 99")
    expect.equal(test.opsh({ "resume", on:value("select id from opsh.run") }, { db = on }).exit, 0)
    expect.equal(on:value("select convalidated from pg_constraint where conname = 'scenarios_source_fkey'"), true)
  end)
end)

describe("schema.table", function()
  local made = 'schema.table { table = "ops.audit", definition = "id bigint primary key, what text" }'

  it("makes it, and drops it at undo", function() there_and_back(database(), made) end)

  it("leaves a table with rows of others at undo", function()
    local on = database()
    local run = applied(on, made)
    on:execute("insert into ops.audit values (1, 'mine')")
    local result = undo(on, run)
    expect.equal(result.exit, 8, result.errors)
    expect.contains(result.output, "ops.audit holds rows")
    expect.equal(on:value("select count(*) from ops.audit"), 1)
  end)
end)

describe("schema.views", function()
  local views = [[schema.views { views = {
    { view = "ops.low", query = "select id, name from scenarios where id < 40" },
    { view = "ops.former", query = "select l.id, l.name from ops.low as l where l.id > 10" },
  } }]]

  it("makes and replaces them in order, and puts the former ones back with comment and grants", function()
    local on = database()
    there_and_back(on, views, function() expect.equal(on:value("select count(*) from ops.former"), 29) end)
  end)

  it("finds a view that somebody replaced", function()
    local on = database()
    applied(on, views)
    on:execute("create or replace view ops.low as select id, name from scenarios where id < 3")
    local document = opsh(on, views, "--json").json()
    expect.equal(document.steps[1].planned.items, 1)
    expect.equal(document.steps[1].sample[1].note, "replaced")
  end)
end)

describe("schema.append_only", function()
  local guard = [[schema.append_only { table = '"Odd Name"', columns = { "status" } }]]

  it("refuses what is not adding, and is undone", function()
    local on = database()
    there_and_back(on, guard, function()
      on:execute([[update "Odd Name" set status = 'seen'; insert into "Odd Name" values (2, 'new', 'm')]])
      for _, statement in ipairs({
        [[delete from "Odd Name"]],
        [[truncate "Odd Name"]],
        [[update "Odd Name" set note = 'x']],
        [[update "Odd Name" set status = 'x', note = 'x']],
        [[set opsh.rung = 'undo'; delete from "Odd Name"]],
        [[select set_config('opsh.rung', 'undo', false), set_config('opsh.run', (select id from opsh.run), false);
          delete from "Odd Name"]],
      }) do
        local ok, err = pcall(on.execute, on, statement)
        expect.equal(ok, false)
        expect.contains(err.excerpt or err.message, "is refused: rows are only added there")
      end
    end)
  end)

  it("lets the undo of a run through that added rows under it", function()
    local on = database()
    applied(on, guard)
    local before = on:checksum()
    local run = applied(on, [[{
      name = "put", key = "id", writes = { '"Odd Name"' }, plan = "select g as id from generate_series(10, 15) as g",
      apply = function(tx) tx:exec('insert into "Odd Name" select i.id, \'q\' from :items as i') end,
    }]])
    local result = undo(on, run)
    expect.equal(result.exit, 0, result.output .. result.errors)
    expect.equal(on:checksum(), before)
  end)
end)

describe("schema.file", function()
  local up = [[
-- a migration; with a semicolon
create type mood as enum ('sad', 'ok; fine');

create table feelings (
  id bigint primary key,
  mood mood not null
);
create function touch() returns trigger language plpgsql as $$ begin
  new.mood := 'ok; fine'; return new; end $$;
create trigger touched before insert on feelings for each row execute function touch();
]]
  local down = "drop trigger touched on feelings;\ndrop function touch();\ndrop table feelings;\ndrop type mood;\n"
  local file = [[schema.file("migrations/x.sql", {
    done = "select to_regclass('feelings') is not null", writes = { "feelings" }, undo = "migrations/x.down.sql" })]]

  local function write(text)
    test.shell("mkdir -p migrations")
    test.write("migrations/x.sql", text)
    test.write("migrations/x.down.sql", down)
  end

  it("runs its statements one at a time, and the other file at undo", function()
    write(up)
    there_and_back(database(), file)
  end)

  it("stops with the file's line, and keeps nothing", function()
    write(up .. "\nalter table feelings add column id text;\n")
    local on = database()
    local before = schema_of(on)
    local result = opsh(on, file, "--apply")
    expect.equal(result.exit, 1, result.errors)
    expect.contains(result.errors, "migrations/x.sql:12")
    expect.equal(schema_of(on), before)
  end)

  it("is judged when the runbook is loaded, with the file's line", function()
    for statement, words in pairs({
      ["commit"] = "COMMIT is not among the statements that a schema step may send",
      ["insert into feelings values (1, 'sad')"] = "INSERT is not among",
      ["create table x (id int"] = "syntax error",
      ["\\i other.sql"] = "syntax error",
    }) do
      write(up .. statement .. ";\n")
      local result = opsh(database(), file)
      expect.equal(result.exit ~= 0, true)
      expect.contains(result.errors, words)
      expect.contains(result.errors, "migrations/x.sql:11")
    end
  end)

  it("may be long, as long as none of its statements is", function()
    local comments = {}
    for at = 1, 20 do
      comments[at] = ("comment on table feelings is '%d; %s';\n"):format(at, ("x"):rep(10000))
    end
    local long = up .. table.concat(comments)
    expect.equal(#long > 200000, true)
    write(long)
    there_and_back(database(), file)
    write(long .. "comment on table feelings is '" .. ("x"):rep(33000) .. "';\n")
    expect.contains(opsh(database(), file).errors, "the statement has 33031 bytes, the limit is 32768")
    expect.contains(opsh(database(), file).errors, "migrations/x.sql:31")
    write(long .. "comment on table feelings is 'open;\n")
    expect.contains(opsh(database(), file).errors, "line 31: comment on table feelings is 'open;")
  end)

  it("is part of the run: a changed file is not undone", function()
    write(up)
    local on = database()
    local run = applied(on, file)
    test.write("migrations/x.down.sql", down .. "-- more\n")
    local result = undo(on, run)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "x.down.sql has changed since run")
    expect.equal(on:value("select to_regclass('feelings') is null"), false)
  end)

  it("is read from below the runbook only", function()
    write(up)
    test.shell("cp migrations/x.sql /tmp/opsh-outside.sql; ln -s /tmp/opsh-outside.sql migrations/link.sql")
    local paths = { "/etc/passwd", "../x.sql", "migrations/../../x.sql", "migrations/link.sql", "migrations" }
    for _, path in ipairs(paths) do
      local result = opsh(database(), ('schema.file("%s", { done = "select false" })'):format(path))
      expect.equal(result.exit, 1)
      expect.matches(result.errors, path:find("link") and "lies outside" or "there is no file")
    end
    test.shell("rm /tmp/opsh-outside.sql")
  end)
end)
