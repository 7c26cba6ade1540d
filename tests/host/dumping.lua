--- What the tests of `opsh backup` and `opsh certify` share: a database worth dumping, dumps, and damage to them.
local test = require("opsh.test")

local expect = test.expect

local M = {}

local content = [[
  create type mood as enum ('calm', 'cross');
  create table customer (id serial primary key, name text not null, mood mood);
  insert into customer (name, mood) select 'c' || i, 'calm' from generate_series(1, 500) as i;
  create table invoice (id int primary key, customer int not null references customer, amount numeric(10, 2));
  insert into invoice select i, 1 + i % 500, i / 3.0 from generate_series(1, 1000) as i;
  create view unpaid as select * from invoice;
  create materialized view totals as select customer, sum(amount) from invoice group by 1;
  select lo_from_bytea(0, '\xcafe');
]]

---@param more? string SQL
function M.database(more) return test.database({ sql = content .. (more or "") }) end

function M.backup(database, ...) return test.opsh({ "backup", ... }, { db = database, timeout = 120 }) end

--- The `backup` of its document; the dump is at `path`.
function M.made(database, ...)
  local result = M.backup(database, "--json", ...)
  expect.equal(result.exit, 0, result.errors)
  return result.json().backup
end

function M.certify(path, ...) return test.opsh({ "certify", path, ... }, { timeout = 120 }) end

function M.certified(path, ...)
  local result = M.certify(path, "--json", ...)
  expect.equal(result.exit, 0, result.errors)
  return result.json().backup
end

--- A dump as somebody else takes it.
function M.pg_dump(database, file, options)
  local bin = "$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)"
  local line = ("%s/pg_dump %s -d '%s' -f %s"):format(bin, options or "-Fc", database.conninfo, file)
  local result = test.shell(line)
  expect.equal(result.exit, 0, result.errors)
  return file
end

function M.shell(line, ...)
  local result = test.shell(line:format(...))
  expect.equal(result.exit, 0, result.errors)
  return result.output
end

--- Changes one byte.
function M.flip(path, offset)
  M.shell("printf X | dd of=%s bs=1 seek=%d conv=notrunc 2>/dev/null", path, offset or 900)
end

--- What lies in the folder of the dumps.
function M.files()
  local names = {}
  for name in test.shell("ls state/opsh/backups 2>/dev/null | grep app- ; true").output:gmatch("[^\n]+") do
    names[#names + 1] = name
  end
  return names
end

--- The dumps, finished or not, of any database.
function M.dumps()
  local found = test.shell("ls state/opsh/backups 2>/dev/null | grep -E 'dump|dir|partial'; true").output
  return found
end

--- The table in a backup's document.
function M.table_of(backup, name)
  for _, entry in ipairs(backup.tables) do
    if entry.name == name then return entry end
  end
end

--- A role of its own, gone with the test's database server.
local count = 0
function M.role(database, attributes)
  count = count + 1
  local name = ("%s_r%d"):format(database.name, count)
  database:execute(("create role %s login %s"):format(name, attributes or ""))
  return name, { conninfo = database.conninfo .. " user=" .. name }
end

return M
