--- What the tests of rehearsals share.
local test = require("opsh.test")
local documents = require("documents")
local sample = require("sample")

local M = {}

local function arguments(fields, words, top)
  return { test.write("sample.lua", sample.runbook(fields, top)), "--rehearse", unpack(words) }
end

--- A rehearsal on a backup that is made for it, as text.
function M.rehearse(database, fields, words, top)
  return test.opsh(arguments(fields, words or { "--backup=now" }, top), { db = database })
end

--- A rehearsal as its document, held against the published schema; and the result.
function M.document(database, fields, words, top)
  words = { "--json", unpack(words or { "--backup=now" }) }
  local result = test.opsh(arguments(fields, words, top), { db = database })
  local made = result.json()
  documents.fit(made, "run")
  return made, result
end

--- An apply of the same runbook.
function M.apply(database, fields, ...)
  local path = test.write("sample.lua", sample.runbook(fields))
  return test.opsh({ path, "--apply", ... }, { db = database })
end

--- The path of the only backup.
function M.the_backup() return (test.shell("ls state/opsh/backups/*.dump").output:gsub("%s+$", "")) end

--- The names of the server's databases.
function M.databases(database)
  local names = {}
  for at, row in ipairs(database:query("select datname from pg_database order by datname")) do
    names[at] = row.datname
  end
  return table.concat(names, " ")
end

return M
