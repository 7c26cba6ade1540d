local doctoring = require("doctoring")
local test = require("opsh.test")
local sample = require("sample")

local describe, it, expect = test.describe, test.it, test.expect
local as, finding, look, named = doctoring.as, doctoring.finding, doctoring.look, doctoring.named

--- Whether one of the findings has this state and this piece of text.
local function has(document, name, state, piece)
  for _, check in ipairs(named(document, "runbook", name)) do
    if check.state == state and check.found:find(piece, 1, true) then return true end
  end
  return false
end

describe("a runbook", function()
  local function of(sql, fields, top)
    local database = test.database({ sql = sql })
    local document, result = look(database, { test.write("sample.lua", sample.runbook(fields, top)) })
    return document, result, database
  end

  it("that fits has no problem", function()
    local document, result = of(sample.items(5))
    expect.equal(result.exit, 0)
    expect.is_true(has(document, "step work", "ok", "the server takes its plan: 3 columns"))
    expect.is_true(has(document, "step work", "ok", "key id is unique in item by item_pkey"))
    expect.is_true(has(document, "item", "ok", "table, about 5 rows"))
  end)

  it("that does not load exits 1 and shows the place", function()
    local document, result = look(test.database(), { test.write("sample.lua", "return {\n  titel =\n") })
    expect.equal(result.exit, 1)
    expect.contains(finding(document, "runbook", "loads").found, "sample.lua:")
    expect.equal(look(test.database(), { "nowhere.lua" }).problems, 1)
  end)

  it("is found by its name in a folder of opsh.config.lua", function()
    test.write("opsh.config.lua", "return { runbooks = { 'more' } }")
    test.write("more/tidy.lua", sample.runbook())
    local document = look(test.database({ sql = sample.items(1) }), { "tidy" })
    expect.equal(finding(document, "runbook", "loads").state, "ok")
  end)

  it("with a required parameter needs none for the doctor", function()
    local _, result = of(
      sample.items(2),
      { plan = "[[select id from item where part = :part]]" },
      { params = '{ part = { type = "string", required = true } }' }
    )
    expect.equal(result.exit, 0)
  end)

  it("whose plan the server refuses is told the line of the script", function()
    local document, result = of(sample.items(1), { plan = "[[select id from itm]]" })
    expect.equal(result.exit, 6)
    expect.is_true(has(document, "step work", "problem", 'relation "itm" does not exist'))
    expect.is_true(has(document, "step work", "problem", "sample.lua:"))
  end)

  it("whose plan has not the key is told the column that was meant", function()
    local document = of(sample.items(1), { key = '"idd"' })
    expect.is_true(has(document, "step work", "problem", "its plan has no column idd, which key names"))
  end)

  it("whose key no unique index covers is told so", function()
    local document = of("create table item (id bigint, part text, amount numeric, done boolean)")
    expect.is_true(has(document, "step work", "note", "no unique index of item covers the key id"))
    expect.is_true(has(document, "item", "problem", "cannot tell the rows of public.item apart"))
  end)

  it("without a journal is told of a table without a primary key", function()
    local sql = "create table item (id bigint, part text, amount numeric, done boolean)"
    local document, result = of(sql, { journal = "false" })
    expect.equal(result.exit, 0)
    expect.is_true(has(document, "item", "note", "no primary key"))
  end)

  it("that writes a table that is not there has a problem", function()
    local document, result = of(sample.items(1), { writes = '{ "itm" }' })
    expect.equal(result.exit, 6)
    expect.is_true(has(document, "itm", "problem", "there is no such table"))
  end)

  it("that writes a view, or a materialized view, is told so", function()
    local sql = sample.items(1)
      .. "create view seen as select * from item; create materialized view kept as select 1 as id"
    local document = of(sql, { writes = '{ "seen", "kept" }' })
    expect.is_true(has(document, "seen", "problem", "public.seen is a view"))
    expect.is_true(has(document, "kept", "problem", "public.kept is a materialized view"))
    local unjournaled = of(sql, { writes = '{ "seen", "kept" }', journal = "false" })
    expect.is_true(has(unjournaled, "seen", "note", "a view"))
    expect.is_true(has(unjournaled, "kept", "problem", "cannot be written"))
  end)

  it("that writes a partitioned table is told how many partitions", function()
    local document = of([[
      create table item (id bigint primary key, part text, amount numeric, done boolean) partition by range (id);
      create table low partition of item for values from (0) to (10);
      create table high partition of item for values from (10) to (20)]])
    expect.is_true(has(document, "item", "ok", "partitioned table with 2 partitions"))
  end)

  it("is told the triggers that run, and those that are disabled not", function()
    local document = of(sample.items(1) .. [[
      create function touch() returns trigger language plpgsql as 'begin return new; end';
      create trigger stamps before update on item for each row execute function touch();
      create trigger sleeps before update on item for each row execute function touch();
      alter table item disable trigger sleeps]])
    expect.is_true(has(document, "item", "note", "its trigger runs: stamps"))
  end)

  it("is warned of a cascade into a table that it does not declare", function()
    local sql = sample.items(1)
      .. "create table line (id bigint primary key, item bigint references item on delete cascade)"
    local document = of(sql)
    expect.is_true(has(document, "item", "warning", "line refers to it (line_item_fkey), on delete cascade"))
    expect.is_true(has(of(sql, { writes = '{ "item", "line" }' }), "item", "note", "on delete cascade"))
  end)

  it("is told of a foreign key without an index when the table that refers to it is large", function()
    local lines = "create table line as select i as id, 1::bigint as item from generate_series(1, %d) as i;"
      .. "alter table line add foreign key (item) references item"
    local note = "no index serves line_item_fkey: each row that is deleted makes the server read all of line"
    expect.is_true(has(of(sample.items(1) .. lines:format(5000)), "item", "note", note))
    expect.is_true(not has(of(sample.items(1) .. lines:format(50)), "item", "note", note))
  end)

  it("is warned of row-level security that applies to the login", function()
    local database = test.database({
      sql = sample.items(1) .. [[drop role if exists plain; create role plain login;
        alter table item enable row level security; grant select, insert, update, delete on item to plain]],
    })
    local path = test.write("sample.lua", sample.runbook())
    expect.is_true(has(look(as(database, "plain"), { path }), "item", "problem", "the policies of public.item apply"))
    expect.is_true(not has(look(database, { path }), "item", "problem", "policies"))
    test.write("sample.lua", sample.runbook({ writes = "{ item = { row_security = true } }" }))
    expect.is_true(has(look(as(database, "plain"), { path }), "item", "warning", "row-level security is active"))
  end)

  it("is told what the login may not do to a table", function()
    local database = test.database({
      sql = sample.items(1) .. "drop role if exists plain; create role plain login; grant select on item to plain",
    })
    local path = test.write("sample.lua", sample.runbook())
    expect.is_true(has(look(as(database, "plain"), { path }), "item", "problem", "plain may not write it"))
    database:execute("grant update on item to plain")
    local document = look(as(database, "plain"), { path })
    expect.is_true(has(document, "item", "note", "plain may select, update, not insert or delete"))
  end)
end)
