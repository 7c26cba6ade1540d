local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect

-- `fix_all` writes, whatever its name says elsewhere; `part_of` is honest.
local functions = [[
  create function fix_all() returns bigint language sql as 'delete from item returning id';
  create function part_of(item) returns text language sql stable as 'select $1.part';
  create function sneak() returns bigint language plpgsql as $$
  begin
    perform set_config('transaction_read_only', null, false);
    delete from item;
    return 1;
  end $$;]]

local function items(more) return test.database({ sql = sample.items(5) .. functions .. (more or "") }) end

local function opsh(fields, database, arguments, top)
  return test.opsh(
    { test.write("sample.lua", sample.runbook(fields, top)), unpack(arguments or {}) },
    { db = database }
  )
end

local function refused(fields, database, arguments, top)
  local before = database:checksum()
  local result = opsh(fields, database, arguments, top)
  expect.equal(result.exit, 5)
  expect.equal(database:checksum(), before)
  return result.errors
end

local function as(database, user) return (database.conninfo:gsub("user=%S+", "user=" .. user)) end

describe("a function that a runbook does not declare", function()
  it("is refused in a plan, with the place and the words to declare it", function()
    local errors = refused({ plan = "[[select id,\n  fix_all() as n from item]]" }, items())
    expect.contains(errors, "function public.fix_all is not known to only read")
    expect.contains(errors, 'functions = { "public.fix_all" }')
    expect.contains(errors, "line 2:   fix_all() as n from item")
    expect.matches(errors, "sample.lua:%d+")
  end)

  it("is refused in a check, in preconditions, in classify and behind a view", function()
    local database = items("create view v as select fix_all() as id;")
    expect.contains(refused({ plan = '"select id from v"' }, database), "the view v calls function public.fix_all")
    expect.contains(
      refused({ classify = 'function(row, ctx) return tostring(ctx:value("select fix_all()")) end' }, database),
      "public.fix_all"
    )
    for _, top in ipairs({ 'function(check) check:none("a", "select fix_all()") end' }) do
      local result = opsh(nil, database, { "--json" }, { preconditions = top })
      expect.contains(result.json().preconditions[1].message, "public.fix_all is not known to only read")
    end
    expect.equal(database:value("select count(*) from item"), 5)
  end)

  it("is refused in apply, where nextval is not", function()
    local database = items("create sequence ticket;")
    local apply = 'function(tx) tx:exec("update item set part = %s from :items as i where item.id = i.id") end'
    local result = opsh({ apply = apply:format("part_of(item)") }, database, { "--apply" })
    expect.contains(result.errors, "function public.part_of may do more than its statement says")
    expect.equal(database:value("select count(*) from item where part = 'red'"), 1)
    result = opsh({ apply = apply:format("pg_notify('a', 'b')::text") }, database, { "--apply" })
    expect.contains(result.errors, "what comes with the server cannot be declared")
    result = opsh({ apply = apply:format("nextval('ticket')::text") }, database, { "--apply" })
    expect.equal(result.exit, 0)
    expect.equal(database:value("select max(part) from item"), "5")
  end)
end)

describe("a function that a runbook declares", function()
  local declared = { functions = '{ "public.part_of" }' }
  local fields = { plan = "[[select id, part_of(item) as part from item where not done]]" }

  it("is called, and shown with what the catalog says of it", function()
    local database = items()
    local result = opsh(fields, database, nil, declared)
    expect.equal(result.exit, 0)
    expect.contains(result.output, "declared function public.part_of (stable, sql)")
    local reading = opsh(fields, database, { "--json" }, declared).json().reading
    expect.equal(reading.functions, { { name = "public.part_of", volatility = "stable", language = "sql" } })
  end)

  it("is called in apply too, and recorded", function()
    local database = items()
    fields.apply = [[function(tx)
      tx:exec("update item set done = true, part = part_of(item) from :items as i where item.id = i.id")
    end]]
    local result = opsh(fields, database, { "--apply", "--json" }, declared)
    expect.equal(result.exit, 0)
    local log = test.shell("cat state/opsh/runs/" .. result.json().run .. "/audit.jsonl").output
    expect.contains(log, '"functions":[{"language":"sql","name":"public.part_of","volatility":"stable"}]')
    expect.contains(log, '"level":"role-less"')
  end)

  it("must be there, with its schema, and not be the server's own", function()
    local function failure(names) return opsh(nil, items(), nil, { functions = names }).errors end
    expect.contains(failure('{ "public.part_off" }'), "there is no function public.part_off in this database")
    expect.contains(failure('{ "public.part_off" }'), "did you mean public.part_of?")
    expect.contains(failure('{ "part_of" }'), "part_of has no schema")
    expect.contains(failure('{ "pg_catalog.pg_notify" }'), "comes with the server, and cannot be declared")
    expect.contains(failure('"a.b"'), "functions must be a table")
    expect.contains(failure("{ 5 }"), "functions must be a list of names")
  end)

  it("and writes all the same is found out by the evidence, and nothing stays", function()
    local database = items()
    local before = database:checksum()
    local sneaks = { plan = '"select sneak() as id"' }
    local result = opsh(sneaks, database, nil, { functions = '{ "public.sneak" }' })
    expect.is_true(result.exit == 7 or result.errors:find("cannot be reset", 1, true) ~= nil)
    -- From 16 on the server itself does not let a transaction be made writable.
    if result.exit == 7 then
      expect.contains(result.errors, "a session that only reads has written: the transaction got an id")
      expect.contains(result.errors, "the statistics count 5 changed rows, the transaction was not read-only any more")
    end
    expect.equal(database:checksum(), before)
  end)
end)

describe("a foreign table", function()
  local foreign = [[
    create extension file_fdw;
    create server files foreign data wrapper file_fdw;
    create foreign table outside (id bigint) server files options (filename '/dev/null');]]

  it("is read when the runbook declares it, and only then", function()
    local fields = { plan = '"select id from outside"' }
    expect.contains(refused(fields, items(foreign)), 'foreign_tables = { "public.outside" }')
    local result = opsh(fields, items(foreign), nil, { foreign_tables = '{ "public.outside" }' })
    expect.equal(result.exit, 0)
    expect.contains(result.output, "declared foreign table public.outside (server files)")
    local errors = opsh(fields, items(foreign), nil, { foreign_tables = '{ "public.outsid" }' }).errors
    expect.contains(errors, "did you mean public.outside?")
  end)
end)

describe("a plan", function()
  it("shows the evidence that nothing was written", function()
    local database = items()
    expect.contains(
      opsh(nil, database).output,
      "Nothing was written: no transaction id, 0 changed rows in statistics, read-only still on."
    )
    expect.equal(
      opsh(nil, database, { "--json" }).json().reading.evidence,
      { transactions = 1, transaction_id = false, changed_rows = 0, read_only = true }
    )
  end)

  it("says how much stands between it and a write", function()
    local database = items([[
      do $$ begin
        create role gate_owner login;
        create role gate_guest login;
      exception when duplicate_object then null; end $$;
      grant select on all tables in schema public to gate_guest, gate_owner;
      grant update (done) on item to gate_owner;]])
    local path = test.write("sample.lua", sample.runbook({ writes = '{ "item" }' }))
    local function read_as(user) return test.opsh({ path, "--db=" .. as(database, user), "--json" }).json().reading end
    expect.equal({ read_as("gate_guest").level, read_as("gate_guest").superuser }, { "reader login", false })
    expect.equal(read_as("gate_owner").level, "role-less")
    expect.equal({ read_as("opsh").level, read_as("opsh").superuser }, { "role-less", true })
    expect.contains(opsh(nil, database).output, "warning: opsh is a superuser")
    local output = test.opsh({ path, "--db=" .. as(database, "gate_guest") }).output
    expect.contains(output, "read as  gate_guest, a reader login: it may write no table")
    expect.is_true(not output:find("superuser", 1, true))
  end)
end)

describe("the prompt and -e", function()
  it("take functions and foreign tables to allow", function()
    local database = items()
    local function evaluate(...)
      return test.opsh({ "-e", "select part_of(i) from item i where id = 1;", ... }, { db = database })
    end
    local result = evaluate()
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "--function public.part_of at the prompt")
    expect.contains(evaluate("--function=public.part_of").output, "green")
    expect.contains(evaluate("--function=public.other").errors, "public.part_of")
  end)

  it("fail loudly when the evidence does not hold", function()
    local database = items()
    local result = test.opsh({ "-e", "select sneak();", "--function=public.sneak" }, { db = database })
    -- From 16 on the server itself does not let a transaction be made writable.
    expect.is_true(result.exit == 7 or result.errors:find("cannot be reset", 1, true) ~= nil)
    expect.equal(database:value("select count(*) from item"), 5)
  end)
end)
