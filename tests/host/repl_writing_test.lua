local test = require("opsh.test")
local backing = require("backing")

local describe, it, expect = test.describe, test.it, test.expect

local tables = [[
  create table customer (id int primary key, name text not null, email text);
  create table orders (id int primary key, customer_id int references customer on delete cascade,
    status text not null default 'open', amount numeric(10, 2));
  insert into customer select i, 'customer ' || i, 'c' || i || '@x.example' from generate_series(1, 3) as i;
  insert into orders select i, 1 + i % 3, 'open', i * 1.5 from generate_series(1, 30) as i;
]]

local function shop(more) return test.database({ sql = tables .. (more or "") }) end

--- What is typed into opsh: lines; `--confirm` says which database is meant.
local function type_in(database, lines, options)
  options = options or {}
  local arguments = options.arguments or { "--confirm=" .. database.name }
  return test.opsh(arguments, {
    db = not options.target and database.conninfo or nil,
    input = table.concat(lines, "\n") .. "\n",
  })
end

local function states(database)
  local list = {}
  for at, row in ipairs(database:query("select state from opsh.run order by started_at, id")) do
    list[at] = row.state
  end
  return list
end

local function changed(database) return database:value("select count(*) from orders where status <> 'open'") end

describe("\\write", function()
  it("shows what each statement changed, before and after", function()
    local database = shop()
    local result = type_in(database, {
      "\\write ticket 12",
      "update orders set status = 'lost', amount = amount + 1 where id = 1;",
      "update orders set status = 'found' where id in (1, 2);",
      "insert into customer values (9, 'new', null);",
      "delete from orders where id = 3;",
      "update orders set status = 'many' where id > 5;",
      "\\rollback",
    })
    expect.equal(result.exit, 0, result.errors)
    local shown = result.output
    expect.contains(shown, "update public.orders: 1 row updated\n~ id 1  status: open → lost, amount: 1.50 → 2.50\n")
    -- What an earlier statement of the transaction made of a row is what it was before this one.
    expect.contains(shown, "~ id 1  status: lost → found\n~ id 2  status: open → found\n")
    expect.contains(shown, "+ id 9  name: new, email: NULL\n")
    expect.contains(shown, "- id 3  customer_id: 1, status: open, amount: 4.50\n")
    expect.contains(shown, "(the first 20 of 25 rows)\n")
  end)

  it("lets queries, functions and :name see what was written, and nobody else before \\commit", function()
    local database = shop()
    local result = type_in(database, {
      "\\write",
      "ids = { 1, 2 }",
      "update orders set status = 'lost' where id = any(:ids) returning id;",
      "=#_",
      "select count(*) as seen from orders where status = 'lost';",
      "=value(\"select count(*) from orders where status = 'lost'\")",
      "n = 0 for row in rows(\"select 1 from orders where status = 'lost'\") do n = n + 1 end print('rows', n)",
      "\\rollback",
      "=value(\"select count(*) from orders where status = 'lost'\")",
    })
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "id\n──\n 1\n 2\n(2 rows)\n2\nseen\n────\n   2\n(1 row)\n2\nrows\t2\n0\n")
    expect.equal(changed(database), 0)
  end)

  it("leaves a run that is in ledger, journal and audit log, and that undo takes back", function()
    local database = shop()
    local before = database:checksum()
    local result = type_in(database, {
      "\\write ticket 12",
      "update orders set status = 'lost' where id <= 2;",
      "insert into customer values (9, 'new', null);",
      "\\commit",
    })
    expect.equal(result.exit, 0, result.errors)
    local run = result.errors:match("run (%S+) is committed: 3 rows")
    expect.is_true(run, result.errors)
    expect.equal(changed(database), 2)
    local row = database:query("select state, runbook, reason from opsh.run")[1]
    expect.equal({ row.state, row.runbook, row.reason }, { "done", "prompt", "ticket 12" })
    expect.equal(database:value("select count(*) from opsh.change"), 3)
    local sha256 = database:value("select figures #>> '{script,sha256}' from opsh.batch")
    local kept = test.shell(("f=$(find . -path '*%s/prompt.sql'); sha256sum $f; stat -c %%a $f"):format(run)).output
    expect.contains(kept, sha256)
    expect.contains(kept, "\n600\n")
    expect.contains(result.errors, run .. "/report.html")
    for _, line in ipairs({ "audit verify", "audit show", "show --changes", "report" }) do
      local words = { run }
      for word in line:gmatch("%S+") do
        table.insert(words, #words, word)
      end
      expect.equal(test.opsh(words, { db = database.conninfo }).exit, 0, line)
    end
    expect.equal(test.opsh({ "undo", run, "--apply" }, { db = database.conninfo }).exit, 0)
    expect.equal(database:checksum(), before)
  end)

  it("takes a statement that fails back, and goes on with what was before it", function()
    local database = shop()
    local file = test.write("typed.sql", "update orders set status = null where id = 3;\n")
    local result = type_in(database, {
      "\\write",
      "update orders set status = 'lost' where id = 1;",
      ("pcall(query, 'select 1 / 0') print(value(\"select status from orders where id = 1\"))"),
      "\\i " .. file,
    })
    expect.contains(result.output, "\nlost\n")
    expect.contains(result.errors, "the first error is the end, and the transaction ends with it")
    -- A script ends with its first error, and keeps nothing.
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "the open transaction was rolled back")
    expect.equal({ changed(database), states(database) }, { 0, { "failed" } })
  end)

  it("shows values that the runbook hides as masks", function()
    local database = shop()
    local path = test.write(
      "hiding.lua",
      [[return require("opsh.runbook") { title = "hiding", redact = { "email" }, steps = { { name = "work",
        plan = "select id, email from customer", key = "id", writes = { "customer" }, apply = function() end } } }]]
    )
    local result = type_in(database, {
      "\\write",
      "update customer set email = 'secret', name = 'seen' where id = 1;",
      "\\commit",
    }, { arguments = { "repl", path, "--confirm=" .. database.name } })
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "name: customer 1 → seen, email: *** → ***")
    local run = result.errors:match("run (%S+) is committed")
    expect.lacks(test.opsh({ "show", run, "--changes" }, { db = database.conninfo }).output, "secret")
  end)

  it("gives programs the figures, and all of a result as CSV", function()
    local database = shop()
    local lines = { "\\write", "update orders set status = 'lost' where id <= 2;" }
    local json = type_in(database, {
      lines[1],
      lines[2],
      "\\commit",
    }, { arguments = { "--json", "--confirm=" .. database.name } })
    expect.equal(json.exit, 0, json.errors)
    expect.contains(json.output, '"rows": 2')
    local csv = type_in(database, {
      lines[1],
      lines[2],
      "select id from orders where status = 'lost' order by id;",
      "\\rollback",
    }, { arguments = { "--csv", "--confirm=" .. database.name } })
    expect.equal({ csv.exit, csv.output }, { 0, "id\r\n1\r\n2\r\n" }, csv.errors)
  end)
end)

describe("what \\write refuses", function()
  it("is to begin without a word, and the word is the database's name", function()
    local database = shop()
    local lines = { "\\write", "update orders set status = 'lost' where id = 1;", "\\commit" }
    for _, arguments in ipairs({ {}, { "--confirm=other" } }) do
      local result = type_in(database, lines, { arguments = arguments })
      expect.equal(result.exit, 5, result.errors)
      expect.contains(result.errors, "confirm")
      expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
    end
    -- The control: the same lines write, once it is said.
    expect.equal(type_in(database, lines).exit, 0)
    expect.equal(changed(database), 1)
  end)

  it("is a write outside of it", function()
    local database = shop()
    local result = type_in(database, { "update orders set status = 'lost';" })
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "\\write")
  end)

  it("is a write of which its journal does not hear, with the table's name", function()
    local database = shop([[
      create table log (id int generated always as identity primary key, item int);
      create function note() returns trigger language plpgsql as
        'begin insert into log (item) values (new.id); return null; end';
      create trigger note after update on orders for each row execute function note();]])
    local cascade = type_in(database, { "\\write", "delete from customer where id = 1;" })
    expect.equal(cascade.exit, 1)
    expect.contains(cascade.errors, "\\write also public.orders")
    local triggered = type_in(database, { "\\write", "update orders set status = 'lost' where id = 1;" })
    expect.contains(triggered.errors, "\\write also public.log")
    expect.equal(changed(database), 0)
    -- The control: what is said to change may change, is shown, and is in the journal.
    local result = type_in(database, {
      "\\write",
      "\\write also orders",
      "\\write also log",
      "delete from customer where id = 1;",
      "update orders set status = 'lost' where id = 1;",
      "\\commit",
    })
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "- public.orders id 12  customer_id: 1, status: open, amount: 18.00\n")
    expect.contains(result.output, "by cascades and triggers: 10 rows of public.orders\n")
    expect.matches(result.output, "%+ public%.log id %d  item: 1\n")
    expect.equal(database:value("select count(*) from opsh.change"), 1 + 10 + 1 + 1)
  end)

  it("is a change that only COMMIT would make, and the transaction goes on", function()
    local database = shop([[
      create table log (id int generated always as identity primary key, item int);
      create function note() returns trigger language plpgsql as
        'begin insert into log (item) values (new.id); return null; end';
      create constraint trigger note after update on orders deferrable initially deferred
        for each row execute function note();]])
    local statement = "update orders set status = 'lost' where id = 1;"
    local result = type_in(database, { "\\write", statement, "\\commit" })
    expect.equal(result.exit, 1, result.errors)
    expect.contains(result.errors, "public.log would change too: 1")
    expect.contains(result.errors, "\\write also public.log")
    expect.equal(changed(database), 0)
    result = type_in(database, { "\\write", statement, "\\write also log", "\\commit" })
    expect.equal(result.exit, 0, result.errors)
    expect.equal(database:value("select count(*) from opsh.change"), 2)
  end)

  it("is to say that a COMMIT without an answer went well: the server is asked", function()
    -- Only what defers itself while deferred constraints are checked is left for COMMIT.
    local database = shop([[
      create table late (id int generated always as identity primary key);
      create function finish() returns trigger language plpgsql as
        'begin perform pg_terminate_backend(pg_backend_pid()); return null; end';
      create constraint trigger finish after insert on late deferrable initially deferred
        for each row execute function finish();
      create function put_off() returns trigger language plpgsql as
        'begin set constraints finish deferred; insert into late default values; return null; end';
      create constraint trigger put_off after update on orders deferrable initially deferred
        for each row execute function put_off();]])
    local result = type_in(database, {
      "\\write",
      "\\write also late",
      "update orders set status = 'lost' where id = 1;",
      "\\commit",
    })
    expect.equal(result.exit, 3, result.errors)
    expect.contains(result.errors, "the server says that it was rolled back")
    expect.equal(states(database), { "failed" })
    expect.equal(changed(database), 0)
  end)

  it("is to change the schema, to leave it open, and to go elsewhere meanwhile", function()
    local database = shop()
    for line, said in pairs({
      ["create table other (id int);"] = "make a runbook with a schema step",
      ["truncate orders;"] = "make a runbook with a schema step",
      ["commit;"] = "COMMIT is not among the statements",
      ["select 1;"] = "the input ended with a transaction open",
      ["\\c postgres"] = "\\commit keeps it, \\rollback takes it back",
      ["\\reconnect"] = "\\commit keeps it, \\rollback takes it back",
      ["\\safe"] = "\\commit keeps it, \\rollback takes it back",
      ["\\write"] = "a transaction is open already",
      ["update orders set amount = amount + 1 \\watch 0 c=3"] = "only reading is allowed here",
      ["\\watch 0 c=3"] = "only reading is allowed here",
    }) do
      local result = type_in(database, { "\\write", "update orders set status = 'lost' where id = 1;", line })
      expect.is_true(result.exit ~= 0, line)
      expect.contains(result.errors, said, line)
    end
    expect.equal(changed(database), 0)
  end)

  it("is everything, once \\safe was said", function()
    local database = shop()
    local result = type_in(database, { "\\safe", "=value('select 7')", "\\write" })
    expect.equal({ result.exit, result.output }, { 5, "7\n" })
    expect.contains(result.errors, "reads for good")
  end)
end)

describe("\\write on a target", function()
  it("wants its name where it is protected, and keeps its budgets", function()
    local database = shop()
    local budgets = "max_rows = 3, tables = { 'customer', orders = { 'status' } }"
    test.write(
      "opsh.config.lua",
      ("return { targets = { prod = { connect = %q, protected = true, budgets = { %s } } } }\n"):format(
        database.conninfo,
        budgets
      )
    )
    local function on_prod(lines, ...)
      return type_in(database, lines, { target = true, arguments = { "--target=prod", ... } })
    end
    expect.equal(on_prod({ "\\write" }).exit, 5)
    local confirm = "--confirm=" .. database.name
    for statement, said in pairs({
      ["update orders set status = 'lost' where id <= 4"] = "the budget is 3 rows",
      ["update orders set amount = 0 where id = 1"] = "the statement sets amount",
      ["delete from orders where id = 1"] = "adds or removes rows",
    }) do
      local result = on_prod({ "\\write", statement .. ";" }, confirm)
      expect.equal(result.exit, 5, statement)
      expect.contains(result.errors, said)
    end
    local lines = { "\\write", "update orders set status = 'lost' where id <= 2;", "\\commit" }
    expect.equal(on_prod(lines, confirm, "--max-rows=1").exit, 5)
    expect.equal(changed(database), 0)
    local result = on_prod(lines, confirm)
    expect.equal(result.exit, 0, result.errors)
    expect.contains(test.shell("cat .opsh/runs/*/audit.jsonl").output, '"how":"--confirm"')
  end)

  it("wants a backup, or a reason for none", function()
    local database = backing.items()
    backing.configure(database)
    local statement = "update item set done = true where id = 1;"
    local function on_prod(write, ...)
      return type_in(database, { write, statement, "\\commit" }, {
        target = true,
        arguments = { "--target=prod", "--confirm=" .. database.name, ... },
      })
    end
    backing.is_refused(on_prod("\\write"), database, "there is no backup")
    expect.equal(on_prod("\\write no-backup").exit, 2)
    expect.equal(on_prod("\\write", "--no-backup").exit, 2)
    local result = on_prod("\\write no-backup ticket 7")
    expect.equal(result.exit, 0, result.errors)
    expect.equal(database:value("select reason from opsh.run"), "ticket 7")
    local confirm = backing.protect(database)
    local refused = type_in(database, { "\\write no-backup ticket 7" }, {
      target = true,
      arguments = { "--target=prod", confirm },
    })
    expect.equal(refused.exit, 5)
    expect.contains(refused.errors, "--no-backup is not for protected targets")
  end)

  it("relies on a backup for the tables that are equal in it, and asks that of each", function()
    local database = backing.items("create table other (id int primary key); insert into other values (1);")
    local confirm = backing.protect(database)
    expect.equal(backing.on_prod("backup", "--level=equal").exit, 0)
    database:execute("create table late (id int primary key); insert into late values (1);")
    local function on_prod(statement)
      return type_in(database, { "\\write ticket 7", statement, "\\commit" }, {
        target = true,
        arguments = { "--target=prod", confirm },
      })
    end
    local result = on_prod("delete from late;")
    expect.equal(result.exit, 5, result.errors)
    expect.contains(result.errors, "public.late is not in it")
    result = on_prod("delete from other;")
    expect.equal(result.exit, 0, result.errors)
    expect.contains(test.shell("cat .opsh/runs/*/audit.jsonl").output, '"level":"equal"')
  end)
end)
