--- What the tests of the doctor share: asking it, and finding what it says.
local test = require("opsh.test")

local M = {}

--- The connection string of a test's database for another login.
function M.as(database, user) return (database.conninfo:gsub("user=%S+", "user=" .. user)) end

--- The findings of a group with this name.
function M.named(document, group, name)
  local found = {}
  for _, check in ipairs(document.checks) do
    if check.group == group and check.name == name then found[#found + 1] = check end
  end
  return found
end

--- The only one of these.
function M.finding(document, group, name)
  local found = M.named(document, group, name)
  test.expect.equal(#found, 1, ("findings about %s %s"):format(group, name))
  return found[1]
end

--- Asks the doctor; gives its document and the whole result.
function M.look(database, arguments, environment)
  local result = test.opsh(
    { "doctor", "--json", unpack(arguments or {}) },
    { db = database, environment = environment }
  )
  return result.json(), result
end

--- Writes an opsh.config.lua with the target shop.
function M.configure(connect, reader)
  local line = reader and (", reader = %q"):format(reader) or ""
  test.write("opsh.config.lua", ("return { targets = { shop = { connect = %q%s } } }\n"):format(connect, line))
end

return M
