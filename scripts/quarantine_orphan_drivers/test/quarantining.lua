--- What the tests of the quarantine share: the runbook on its fixture, and what a run said.
local test = require("opsh.test")

local expect = test.expect

local M = {}

--- Variables of the fixture, for what is not about many rows.
M.few = { n = 100, seed = 1 }

local fixture = { "../fixture/schema.sql", "../fixture/data.sql" }

M.runbook = "../../quarantine_orphan_drivers.lua"

--- The fixture. `more` is SQL that is run on it.
function M.database(variables, more) return test.database({ files = fixture, variables = variables, sql = more }) end

local function foresee(database) database:run_file("../fixture/reference.sql") end

--- For a run with --limit=100.
function M.foresee_of_100(database) database:run_file("../fixture/reference.sql", { lim = 100 }) end

--- The fixture, with the answers of reference.sql worked out before anything runs.
function M.prepared(variables, work)
  return test.database({ files = fixture, variables = variables, prepare = work or foresee })
end

function M.opsh(database, ...)
  return test.opsh({ test.beside(M.runbook), ... }, { db = database, timeout = 200 })
end

function M.undo(database, run) return test.opsh({ "undo", run, "--apply" }, { db = database, timeout = 200 }) end

--- What a document says of a step.
function M.step(document, name)
  for _, step in ipairs(document.steps) do
    if step.name == name then return step end
  end
end

--- The step that works on drivers; those before it make the schema.
function M.work(document) return M.step(document, "relink or quarantine") end

--- A check of that step.
function M.check(document, name)
  for _, check in ipairs(M.work(document).checks) do
    if check.name == name then return check end
  end
end

--- What is in the tables; a rollback leaves sequences where they are.
function M.tables_of(database)
  local sums = database:checksum()
  for name, content in pairs(sums) do
    if not content:find(" rows, ") then sums[name] = nil end
  end
  return sums
end

--- The schema as pg_dump writes it, without that of the ledger.
function M.schema_of(database)
  local dump = test.shell(("pg_dump --schema-only --exclude-schema=opsh --dbname=%q"):format(database.conninfo))
  expect.equal(dump.exit, 0, dump.errors)
  return (dump.output:gsub("\\[un]*restrict [^\n]*\n", ""))
end

return M
