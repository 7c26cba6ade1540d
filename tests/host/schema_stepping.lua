--- Runbooks with a schema step, and what they leave in a database.
local test = require("opsh.test")
local sample = require("sample")

local expect = test.expect
local M = {}

function M.column(fields, top)
  local all = {
    name = '"column"',
    schema = "true",
    key = '"name"',
    writes = '{ "item" }',
    plan = [=[[[select 'note' as name, 'alter table item add column note text' as ddl
               where not exists (select from pg_catalog.pg_attribute as a where a.attrelid = 'item'::regclass
                                   and a.attname = 'note' and not a.attisdropped)]]]=],
    apply = false,
    undo = 'function(tx) tx:ddl("alter table item drop column note") end',
  }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  return sample.runbook(all, top)
end

--- A schema step whose apply is this Lua, over one item.
function M.doing(lua, fields)
  local all = {
    plan = '"select 1 as name"',
    apply = "function(tx, items, ctx)\n" .. lua .. "\nend",
    undo = false,
  }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  return M.column(all)
end

function M.database(setup) return test.database({ sql = sample.items(30) .. (setup or "") }) end

function M.opsh(on, source, ...)
  return test.opsh({ test.write("sample.lua", source), ... }, { db = on })
end

function M.applied(on, source)
  local result = M.opsh(on, source, "--apply")
  expect.equal(result.exit, 0, result.errors)
  return on:value("select id from opsh.run order by started_at desc limit 1"), result
end

--- That a statement of opsh's sleeps.
function M.sleeps(on)
  return on:value([[select count(*) from pg_stat_activity
    where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()]]) > 0
end

function M.undo(on, run, ...) return test.opsh({ "undo", run, ... }, { db = on }) end

--- What pg_dump says of the schema, opsh's own aside.
function M.schema_of(on)
  local dump = test.shell(("pg_dump --schema-only --exclude-schema=opsh --dbname=%q"):format(on.conninfo))
  expect.equal(dump.exit, 0, dump.errors)
  -- pg_dump since the summer of 2025 writes a word at random.
  return (dump.output:gsub("\\[un]*restrict [^\n]*\n", ""))
end

return M
