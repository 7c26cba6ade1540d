local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

-- A table with what makes a fixture hard: a schema, an enum, a type of an extension's kind, names that are keywords,
-- and tables that refer to it in each way.
local real = [[
  create schema app;
  create type mood as enum ('sad', 'ok');
  create domain short as varchar(6);
  create table app.customer (id uuid primary key default gen_random_uuid(), email text not null, note short,
    "order" int, state mood not null default 'ok', tags text[] not null default '{}', extra jsonb,
    price numeric(10, 2) not null, at timestamptz not null default now());
  create table app.address (customer uuid not null references app.customer on delete cascade, n smallint,
    street text not null, primary key (customer, n));
  create table app.invoice (id bigserial primary key, customer_id uuid references app.customer);
  create table app.visit (id int generated always as identity primary key,
    customer_id uuid references app.customer on delete set null);
  create table line (order_id bigint, pos int, qty int not null, unit text, primary key (order_id, pos));
  create table nokey (a int);
  create table nocol ();
  create view seen as table line;
]]

local function new(name, ...) return test.opsh({ "new", name, ... }) end

local function written(...)
  local result = new(...)
  expect.equal(result.exit, 0, result.errors)
  return result
end

local function text_of(path) return test.shell('cat "' .. test.folder() .. "/" .. path .. '"').output end

describe("opsh new", function()
  it("writes runbooks of all kinds that pass their tests and lint, of real tables and of made up ones", function()
    local database = test.database({ sql = real })
    local target = "--db=" .. database.conninfo
    written("fill", "--kind=backfill", "--table=customer", "--column=email", "--set=lower(email)")
    local match = { "--references=customer", "--match=email" }
    written("relink", "--kind=relink", "--table=orders", "--column=customer_id", unpack(match))
    written("park", "--kind=quarantine", "--table=line", "--where=unit is null", "--archive=app.line_bad", target)
    local condition = "--where=state = 'sad' and at < :before"
    local said = written("clean", "--kind=delete", "--table=app.customer", condition, target).errors
    written("add", "--kind=schema", "--table=orders", "--column=owner_id", "--references=staff")
    local checked = test.opsh({ "test", "scripts" }, { timeout = 300 })
    expect.equal(checked.exit, 0, checked.output)
    expect.matches(checked.output, "\n46 passed, 0 failed\n$")
    expect.equal(test.opsh({ "lint", "scripts" }).exit, 0)
    -- What refers to a row that is to go either keeps it or goes with it.
    local clean = text_of("scripts/clean.lua")
    expect.contains(clean, "not exists (select from app.invoice as invoice where invoice.customer_id = customer.id)")
    expect.contains(clean, '["app.visit"] = "select id from app.visit where customer_id = any(:keys)"')
    -- Without an index each deleted row makes the server read all of it; the key of app.address begins with the column.
    expect.contains(said, "first: create index concurrently on app.invoice (customer_id)\n")
    expect.contains(said, "first: create index concurrently on app.visit (customer_id)\n")
    expect.lacks(said, "app.address")
  end)

  it("keeps a column that is always generated so, and loads rows with values for it", function()
    local sql = "create table thing (id bigint generated always as identity primary key, name text)"
    local target = "--db=" .. test.database({ sql = sql }).conninfo
    written("clean", "--kind=delete", "--table=thing", "--where=id < 5", target)
    local schema, data = text_of("scripts/clean/fixture/schema.sql"), text_of("scripts/clean/fixture/data.sql")
    expect.contains(schema, "id bigint generated always as identity primary key")
    expect.contains(data, "insert into thing (id) overriding system value\n")
    expect.equal(test.database({ sql = schema .. data }):value("select count(*) from thing where id < 5"), 4)
  end)

  it("makes up a column of the type of what it is compared with", function()
    written("clean", "--kind=delete", "--table=session", "--where=seen < :before and score > 3 and not open")
    local schema = text_of("scripts/clean/fixture/schema.sql")
    for _, column in ipairs({ "seen date", "score numeric", "open boolean" }) do
      expect.contains(schema, column)
    end
  end)

  it("writes a test that a runbook with a fault does not pass", function()
    written("fill", "--kind=backfill", "--table=customer", "--column=email", "--set=lower(email)")
    test.shell("sed -i 's/set email = item.new_email/set email = upper(item.new_email)/' scripts/fill.lua")
    local checked = test.opsh({ "test", "scripts", "--filter=fills every row" })
    expect.equal(checked.exit, 1)
    expect.contains(checked.output, "0 passed, 1 failed")
  end)

  it("reads tables, columns and keys of the target, and says what is not there", function()
    local target = "--db=" .. test.database({ sql = real }).conninfo
    local backfill = { "--kind=backfill", "--column=unit", "--set='kg'" }
    for message, given in pairs({
      ["did you mean app.customer?"] = { "--table=app.custmer" },
      ["seen is a view, and a runbook writes tables"] = { "--table=seen" },
      ["table nocol has no columns"] = { "--table=nocol" },
      ["table nokey has no key"] = { "--table=nokey" },
      ["key order_id is not unique in line"] = { "--table=line", "--key=order_id" },
      ["did you mean pos?"] = { "--table=line", "--key=order_id,posi" },
      ["table app.customer has no column unit"] = { "--table=app.customer" },
    }) do
      local result = new("x", given[1], given[2] or "-q", target, unpack(backfill))
      expect.equal(result.exit, 2, message)
      expect.contains(result.errors, message)
    end
    local unknown = new("x", target, "--kind=delete", "--table=line", "--where=amout < 0")
    expect.contains(unknown.errors, "--where: column \"amout\" does not exist")
    expect.equal(test.shell("ls").output:find("scripts"), nil)
  end)

  it("refuses names, kinds and SQL that would make no runbook, and writes nothing", function()
    for message, given in pairs({
      ["x y is no name for a runbook"] = { "x y", "--kind=delete" },
      ["../x is no name for a runbook"] = { "../x", "--kind=delete" },
      ["opsh runs is a command"] = { "runs", "--kind=delete" },
      ["did you mean delete?"] = { "x", "--kind=delet" },
      ["opsh new x needs --kind"] = { "x" },
      ["opsh new x needs --where"] = { "x", "--kind=delete", "--table=line" },
      ["--set is not for --kind delete"] = { "x", "--kind=delete", "--table=line", "--where=true", "--set=1" },
      ["drop table x is no plain name of a table"] = { "x", "--kind=delete", "--table=drop table x", "--where=true" },
      ["--where wants one expression"] = { "x", "--kind=delete", "--table=line", "--where=true; drop table line" },
      ["--where has now"] = { "x", "--kind=delete", "--table=line", "--where=at < now()" },
      ["--set asks another table"] = { "x", "--kind=backfill", "--table=line", "--column=n", "--set=(select 1)" },
      ["int; drop is no type"] = { "x", "--kind=schema", "--table=line", "--column=n int; drop" },
      [":limit cannot be the name of a param"] = { "x", "--kind=delete", "--table=line", "--where=qty < :limit" },
    }) do
      local result = new(unpack(given))
      expect.equal(result.exit, 2, message)
      expect.contains(result.errors, message)
    end
    expect.equal(test.shell("ls").output:find("scripts"), nil)
  end)

  it("leaves nothing when a file is there already or cannot be written", function()
    local given = { "--kind=backfill", "--table=customer", "--column=email", "--set=lower(email)" }
    test.write("scripts/taken/fixture/data.sql", "mine")
    local taken = new("taken", unpack(given))
    expect.equal(taken.exit, 2)
    expect.contains(taken.errors, "scripts/taken/fixture/data.sql is there already")
    test.write("scripts/blocked/test", "a file where a folder is to be")
    expect.equal(new("blocked", unpack(given)).exit, 1)
    expect.equal(
      test.shell("find scripts -type f | sort").output,
      "scripts/blocked/test\nscripts/taken/fixture/data.sql\n"
    )
    expect.equal(
      test.shell("find scripts -type d | sort").output,
      "scripts\nscripts/blocked\nscripts/taken\nscripts/taken/fixture\n"
    )
  end)

  it("asks on a terminal for what is not given", function()
    local typed = [[(printf 'backfill\ncustomer\nemail\nlower(email)\n'; sleep 0.3)]]
    local line = typed .. [[ | script -qc '"$OPSH" new asked' /dev/null]]
    expect.contains(test.shell(line).output, "scripts/asked/fixture/data.sql")
    expect.contains(text_of("scripts/asked.lua"), "lower(email) as new_email")
  end)
end)
