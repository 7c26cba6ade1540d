--- What the tests of report files share.
local json = require("opsh.json")
local sample = require("sample")
local test = require("opsh.test")

local M = {}

--- Item 5 cannot be done, item 7 has changed since the plan.
M.stubborn = sample.items(10) .. "alter table item add constraint stubborn check (not (done and id = 5));"

M.report = [[{ file = "output/items", rows = "parts", columns = { "id", "part", "amount", "error" } }]]

--- The fields of a step with a report.
function M.fields(more)
  local fields = {
    batch = "4",
    max_failures = "3",
    recheck = [["select id from item where id = any(:keys) and id <> 7 order by id for no key update"]],
    summary = [[function(n) return { processed = n.items, errors = n.failed, inspected = n.seen, worked = -1 } end]],
    report = M.report,
  }
  for name, source in pairs(more or {}) do
    fields[name] = source
  end
  return fields
end

--- Runs the runbook of these fields.
function M.run(database, fields, arguments, top)
  return test.opsh(
    { test.write("sample.lua", sample.runbook(fields, top)), unpack(arguments or {}) },
    { db = database }
  )
end

--- The names in a folder of the test's own.
function M.names(folder)
  local names = {}
  for name in test.shell(("ls -A '%s' 2>/dev/null || true"):format(folder)).output:gmatch("[^\n]+") do
    names[#names + 1] = name
  end
  return names
end

function M.read(path) return test.shell(("cat '%s'"):format(path)).output end

--- The only file of this extension in the folder `output`: as text.
function M.text(extension)
  local found = test.shell(("cat output/*.%s"):format(extension))
  test.expect.equal(found.exit, 0, found.errors)
  return found.output
end

function M.document() return json.decode(M.text("json")) end

--- The rows of the only CSV file, as Python reads them: lists of texts.
function M.csv()
  local program = "import csv, glob, json; print(json.dumps(list(csv.reader(open(glob.glob('output/*.csv')[0],"
    .. " newline='')))))"
  local read = test.shell(('python3 -c "%s"'):format(program))
  test.expect.equal(read.exit, 0, read.errors)
  return json.decode(read.output)
end

--- What a report says that the database does not: a report that is to be believed has nothing.
---@param found table a document
function M.lies(found, database)
  local list, done = {}, {}
  local function claim(what, said, is)
    if said ~= is then list[#list + 1] = ("%s: %s, and it is %s"):format(what, tostring(said), tostring(is)) end
  end
  for _, row in ipairs(database:query("select id from item where done")) do
    done[row.id] = true
  end
  local count = 0
  for _, part in ipairs(found.parts) do
    count = count + (part.outcome == "done" and 1 or 0)
    claim("item " .. part.id, part.outcome == "done", done[part.id] == true)
  end
  local truly = database:value("select count(*) from item where done")
  claim("rows done", count, truly)
  claim("outcomes.done", found.outcomes.done, truly)
  claim("stats.processed", found.stats.processed, truly)
  claim("stats.worked", found.stats.worked, truly)
  claim("stats.errors", found.stats.errors, #database:query("select from opsh.left_out where outcome = 'failed'"))
  return list
end

return M
