--- What the tests of the audit log share: runs that have one, and ways to look at it.
local test = require("opsh.test")
local sample = require("sample")

local expect = test.expect

local function log_path(id) return ("%s/state/opsh/runs/%s/audit.jsonl"):format(test.folder(), id or "*") end

--- The entries of a run's log, as `opsh audit show` gives them.
local function entries(id) return test.opsh({ "audit", "show", id, "--json" }).json() end

local function events(list)
  local names = {}
  for at, entry in ipairs(list) do
    names[at] = entry.event
  end
  return names
end

local function verify(database, ...) return test.opsh({ "audit", "verify", ... }, { db = database }) end

--- An apply of five batches; its database, id and script.
local function applied(fields, top, arguments, options)
  local database = test.database({ sql = sample.items(10) })
  fields = fields or {}
  fields.batch = fields.batch or "2"
  local path = test.write("sample.lua", sample.runbook(fields, top))
  options = options or {}
  options.db = database
  local result = test.opsh({ path, "--apply", "--json", unpack(arguments or {}) }, options)
  return database, result.json().run, path, result
end

-- Item 7 fails until the constraint is dropped.
local blocked = sample.items(10) .. "alter table item add constraint blocked check (not (done and id = 7));"
local unblock = "alter table item drop constraint blocked"

--- A run that stopped after three of its batches.
local function stopped(fields)
  local database = test.database({ sql = blocked })
  fields = fields or {}
  fields.batch = "2"
  local path = test.write("sample.lua", sample.runbook(fields))
  local result = test.opsh({ path, "--apply" }, { db = database })
  expect.equal(result.exit, 4)
  return database, result.errors:match("opsh resume (%S+)"), path
end

--- A script that ran, a table of what `sh` printed.
local function shell(line)
  local result = test.shell(line)
  expect.equal(result.exit, 0, line)
  return result.output
end

local function done(database) return database:value("select count(*) from item where done") end

return {
  log_path = log_path,
  entries = entries,
  events = events,
  verify = verify,
  applied = applied,
  stopped = stopped,
  shell = shell,
  done = done,
  blocked = blocked,
  unblock = unblock,
}
