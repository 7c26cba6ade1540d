--- What the tests of plans and drift share: a runbook in a file that may be edited, planned and applied.
local test = require("opsh.test")
local sample = require("sample")

local M = {}

function M.items(count) return test.database({ sql = sample.items(count or 5) }) end

--- Writes the runbook; every later plan and apply of the test takes it from there.
function M.runbook(fields, top) return test.write("sample.lua", sample.runbook(fields, top)) end

local function opsh(database, arguments) return test.opsh({ "sample.lua", unpack(arguments) }, { db = database }) end

--- Plans; returns the plan's id, and the document.
function M.plan(database, arguments)
  local result = opsh(database, { "--json", unpack(arguments or {}) })
  test.expect.equal(result.exit, 0)
  local document = result.json()
  return document.plan.id, document
end

function M.apply(database, arguments) return opsh(database, { "--apply", unpack(arguments or {}) }) end

--- An apply that changes nothing and exits so; returns what it says.
function M.refused(database, arguments, exit)
  local before = database:checksum()
  local result = M.apply(database, arguments)
  test.expect.equal(result.exit, exit or 5)
  test.expect.equal(database:checksum(), before)
  test.expect.equal(database:value("select to_regnamespace('opsh') is null as absent"), true)
  return result.errors, result.output
end

--- How many items are done.
function M.done(database) return database:value("select count(*) from item where done") end

--- Makes a plan look as old as that many seconds.
function M.age(id, seconds)
  local script = [[
    cd "state/opsh/plans/$1" && python3 - "$2" <<'END'
import hashlib, json, sys
plan = json.load(open("plan.json"))
plan["made"] -= int(sys.argv[1])
parts = [plan["identity"], plan["id"], str(plan["made"]), plan["runbook"], plan.get("applied_by", "")]
plan["seal"] = hashlib.sha256("".join("%d:%s" % (len(p.encode()), p) for p in parts).encode()).hexdigest()
json.dump(plan, open("plan.json", "w"))
END]]
  local path = test.write("age.sh", script)
  test.expect.equal(test.shell(("sh %s %s %d"):format(path, id, seconds)).exit, 0)
end

return M
