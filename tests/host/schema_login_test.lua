local test = require("opsh.test")
local effecting = require("effecting")

local describe, it, expect = test.describe, test.it, test.expect

local steps = [[
  { name = "down", effect = function(ctx) ctx:remember("n", ctx:value("select count(*) from item")) say("down") end,
    compensate = function(ctx) say(ctx:remember("n")) end },
  schema.columns { table = "item", columns = { note = "text" } },
  schema.table { table = "log", definition = "id bigint primary key, item bigint not null" },
  schema.foreign_key { table = "log", columns = "item", references = "item", after = "table log" },
  schema.index { table = "item", index = "item_note", columns = "note", after = "columns of item" },
  schema.views { name = "views", views = { { view = "noted", query = "select id, note from item" } },
    after = "columns of item" },
  schema.append_only { table = "log", columns = {}, after = "table log" },
  { name = "fill", after = "columns of item", plan = "select id from item where note is null", key = "id",
    writes = { "item", "log" },
    apply = function(tx)
      say("batch")
      tx:exec("insert into log select i.id, i.id from :items as i")
      tx:exec("update item set note = 'x' from :items as i where item.id = i.id")
    end,
    verify = function(check) check:count("noted", "select count(*) from noted where note = 'x'", 5) end },
  { name = "up", ends = "down" },]]

--- A database whose tables belong to a role that is no superuser, and a target of that role with a reader login.
local function owned()
  local database = effecting.items()
  local owner, reader = "owner_of_" .. database.name, "reader_of_" .. database.name
  local function as(role) return (database.conninfo:gsub("user=%S+", "user=" .. role)) end
  local setup = [[
    drop role if exists OWNER; drop role if exists READER; create role OWNER login; create role READER login;
    grant create on database BASE to OWNER; grant create on schema public to OWNER; alter table item owner to OWNER;
    grant select on item to READER]]
  database:execute((setup:gsub("%u%u%u+", { OWNER = owner, READER = reader, BASE = database.name })))
  local config = "return { targets = { here = { connect = %q, reader = %q } } }"
  test.write("opsh.config.lua", config:format(as(owner), as(reader)))
  local path = effecting.script(steps)
  test.shell(("sed -i '1i local schema = require(\"opsh.schema\")' '%s'"):format(path))
  local grant = "alter default privileges for role %s grant select on tables to %s"
  return database, path, function() database:execute(grant:format(owner, reader)) end
end

local function on_target(...) return test.opsh({ "--target=here", ... }) end

local function shape_of(database)
  return database:value([[
    select string_agg(concat_ws(' ', c.relname, c.relkind, a.attname), ', ' order by c.relname, a.attnum)
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace]])
end

describe("schema steps and effects, by an owner that is no superuser and with a reader login", function()
  it("are planned, applied and undone", function()
    local database, path, let_read = owned()
    let_read()
    local before, rows = shape_of(database), database:checksum()
    local planned = on_target(path)
    expect.equal(planned.exit, 0, planned.errors)
    expect.contains(planned.output, "a reader login: it may write no table")
    local applied = on_target(path, "--apply")
    expect.equal(applied.exit, 0, applied.errors)
    expect.matches(applied.output, "\napply .*\ntarget [^\n]* as owner_of_")
    expect.equal(effecting.lines(), { "down", "batch", "5" })
    local again = on_target(path, "--apply")
    expect.contains(again.output, "Nothing to do; nothing was written.")
    local undone = on_target("undo", effecting.last_run(database), "--apply")
    expect.equal(undone.exit, 0, undone.errors)
    expect.equal({ shape_of(database), database:checksum() }, { before, rows })
  end)

  it("say what the reader login lacks when it may not see what they made", function()
    local database, path = owned()
    local applied = on_target(path, "--apply")
    expect.equal(applied.exit, 6)
    local reader = "reader_of_" .. database.name
    expect.contains(applied.errors, "permission denied for view noted, for the reader login " .. reader)
  end)
end)
