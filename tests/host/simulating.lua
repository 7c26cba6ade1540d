--- What the tests of simulations share.
local test = require("opsh.test")
local sample = require("sample")

local M, expect = {}, test.expect

--- A simulation as text.
function M.simulate(database, fields, option, top)
  return test.opsh({ test.write("sample.lua", sample.runbook(fields, top)), option or "--simulate" }, { db = database })
end

--- A simulation as its document; and the result.
function M.document(database, fields, option, top)
  local path = test.write("sample.lua", sample.runbook(fields, top))
  local result = test.opsh({ path, option or "--simulate", "--json" }, { db = database })
  return result.json(), result
end

--- All that pg_dump says of a database.
function M.dump(database)
  local dumped = test.shell(('pg_dump "%s"'):format(database.conninfo))
  expect.equal(dumped.exit, 0, dumped.errors)
  -- pg_dump of newer releases writes a random word into its file.
  return (dumped.output:gsub("\\restrict %w+", ""):gsub("\\unrestrict %w+", ""))
end

--- The entry of a table.
function M.entry_of(list, name)
  for _, entry in ipairs(list) do
    if entry.table == name then return entry end
  end
end

--- The fields of a runbook with two steps.
function M.two_steps(one, other) return { steps = ("{ %s, %s }"):format(sample.step(one), sample.step(other)) } end

return M
