--- What the tests of apply share: a table of items, and a runbook of one step that works on it.
local test = require("opsh.test")
local sample = require("sample")

local M = {}

function M.items(count) return test.database({ sql = sample.items(count or 5) }) end

function M.apply(fields, database, arguments, top)
  return test.opsh(
    { test.write("sample.lua", sample.runbook(fields, top)), "--apply", unpack(arguments or {}) },
    { db = database }
  )
end

--- An apply that is refused or fails, and keeps nothing.
function M.fails(fields, exit, database)
  database = database or M.items()
  local before = database:checksum()
  local result = M.apply(fields, database)
  test.expect.equal(result.exit, exit)
  test.expect.equal(database:checksum(), before)
  return result.errors
end

function M.wait_until_idle(database)
  test.wait_until(
    "no session of opsh is left",
    function()
      return #database:query([[select from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()]]) == 0
    end
  )
end

--- A step whose apply is this Lua.
function M.doing(lua) return { apply = "function(tx, items, ctx)\n" .. lua .. "\nend" } end

return M
