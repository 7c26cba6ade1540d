--- What the properties of one runbook are judged by: its runs on copies of the fixture, each made when it is first
--- wanted and once. A stage that went wrong raises the same for every property that needs it.
local content = require("opsh.host.test.ladder.content")
local database = require("opsh.host.test.database")
local definitions = require("opsh.host.test.ladder.definitions")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local place = require("opsh.host.test.place")
local process = require("opsh.host.test.process")
local shown = require("opsh.host.test.ladder.shown")
local system = require("opsh.native.system")

local M = {}

local patience = 300
-- Of an apply that is over, and did all that it could.
local over = { [0] = true, [6] = true, [8] = true }
-- The largest step is done in so many batches, unless the fixture says how many items one has.
local usual_batches = 4

local count = 0

local Course = {}
Course.__index = Course

--- A folder for home and state, which outlives each single test.
local function make_folder()
  count = count + 1
  local folder = ("%s/ladder-%d"):format(place.root(), count)
  for _, name in ipairs({ "home", "state" }) do
    system.make_directory(folder .. "/" .. name)
  end
  return folder
end

local not_looked_at = "not looked at: "

--- What a stage gives; it is made once. When that fails, others that need it are told in one line.
local function stage(name, work)
  Course[name] = function(self)
    local made = self.made[name]
    if not made then
      local ok, value = host.protect(work, self)
      if not ok and value.kind == "interrupted" then error(value, 0) end
      self.made[name] = ok and { value = value } or { failure = value.message:gsub("^" .. not_looked_at, "") }
      if not ok then error(value, 0) end
      return value
    end
    if made.failure then errors.raise("test.failed", not_looked_at .. made.failure) end
    return made.value
  end
end

--- Raises that a property does not hold.
---@param message string
---@param lines? string what is different
---@param hint? string
function M.fail(message, lines, hint)
  local parts = {}
  if lines then parts[1] = lines end
  if hint then parts[#parts + 1] = "next: " .. hint end
  errors.raise("test.failed", message, nil, nil, #parts > 0 and table.concat(parts, "\n") or nil)
end

--- The options of a run on a database.
function Course:options(on)
  self.folder = self.folder or make_folder()
  local environment = { HOME = self.folder .. "/home", XDG_STATE_HOME = self.folder .. "/state" }
  for name, value in pairs(self.fixture.environment) do
    environment[name] = value
  end
  return { db = on, environment = environment, directory = self.folder, timeout = patience }
end

--- The words of the runbook's command line, with more behind.
function Course:words(...)
  local params = self.fixture.params
  local words = { place.beside(self.runbook), unpack(type(params) == "function" and params() or params) }
  for _, word in ipairs({ "--quiet", ... }) do
    words[#words + 1] = word
  end
  return words
end

--- `--answers`, where the fixture has some, behind other words.
function Course:answered(words)
  if self.fixture.answers then words[#words + 1] = "--answers=" .. place.beside(self.fixture.answers) end
  return words
end

local function opsh(self, on, words) return process.opsh(words, self:options(on)) end

local function is_null(value) return type(value) ~= "table" end

--- Steps that work on rows; where there are none, those that work on the schema.
local function working(document)
  local rows, schema = {}, {}
  for _, step in ipairs(document.steps) do
    if step.kind == "items" then table.insert(is_null(step.schema) and rows or schema, step) end
  end
  return #rows > 0 and rows or schema
end

--- How many items the steps of a document have planned, and whether all of them are planned yet.
local function planned_items(document)
  local items, is_whole = 0, true
  for _, step in ipairs(working(document)) do
    if is_null(step.planned) then
      is_whole = false
    else
      items = items + step.planned.items
    end
  end
  return items, is_whole
end

local function require_items(document)
  local items, is_whole = planned_items(document)
  if items > 0 or not is_whole then return end
  M.fail(
    "the fixture has no row for the plan to find",
    nil,
    "add rows that need the runbook to its data, or look at params: properties of nothing always hold"
  )
end

--- What an ended run says went wrong, in one line.
local function complaint(result, document)
  local said = document and not is_null(document.error) and document.error.message
  return ("exit status %s%s"):format(tostring(result.exit or result.text), said and ": " .. said or "")
end

--- What checks of a run did not pass, and what it left out.
local function details(document)
  local lines = {}
  for _, step in ipairs(document.steps or {}) do
    for _, check in ipairs(step.checks) do
      if check.outcome ~= "pass" and check.outcome ~= "skip" then
        lines[#lines + 1] = ("step %s, check %s: %s, found %s, expected %s"):format(
          step.name,
          check.name,
          check.outcome,
          tostring(check.found),
          tostring(check.expected)
        )
      end
    end
    local done = not is_null(step.done) and step.done
    for _, kind in ipairs(done and { "skipped", "failed", "rejected" } or {}) do
      if done[kind] > 0 then lines[#lines + 1] = ("step %s: %d items %s"):format(step.name, done[kind], kind) end
    end
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

--- The fixture, never written to.
stage("base", function(self)
  local made = database.lasting(self.fixture)
  made.unchanging = {}
  table.insert(self.databases, made)
  return made
end)

--- A copy of one of its databases, which is there as long as the course.
function Course:copy(original)
  local made = original:copy()
  table.insert(self.databases, made)
  return made
end

--- Drops its databases.
function Course:close()
  for _, each in ipairs(self.databases) do
    each:drop()
  end
  self.databases, self.made = {}, {}
end

--- The differences that count of two databases, as lines; nothing when there are none.
---@param options { except?: table, sequences?: boolean, ledger?: boolean }
function M.compare(before, after, options)
  return shown.of(content.differences(before, after, options), definitions.differences(before, after, options.ledger))
end

stage("planned", function(self)
  local on = self:copy(self:base())
  local result = opsh(self, on, self:words("--json"))
  if result.exit ~= 0 then M.fail("the plan fails, " .. complaint(result, result.json())) end
  local document = result.json()
  require_items(document)
  return {
    database = on,
    document = document,
    changed = M.compare(self:base(), on, { sequences = true, ledger = true }),
  }
end)

stage("simulated", function(self)
  local planned = self:planned()
  -- What a plan has changed must not be taken for the simulation's.
  local on = planned.changed and self:copy(self:base()) or planned.database
  local result = opsh(self, on, self:words("--simulate=all", "--json"))
  local document = result.json()
  if result.exit ~= 0 and result.exit ~= self.fixture.exit then
    M.fail("the simulation fails, " .. complaint(result, document), details(document))
  end
  require_items(document)
  return { document = document, changed = M.compare(self:base(), on, { ledger = true }) }
end)

--- The most items that a batch of this ladder has.
stage("batch", function(self)
  if self.fixture.batch then return self.fixture.batch end
  local document = self:planned().document
  local _, is_whole = planned_items(document)
  if not is_whole then document = self:simulated().document end
  local largest = 1
  for _, step in ipairs(working(document)) do
    if not is_null(step.planned) then largest = math.max(largest, step.planned.items) end
  end
  return math.ceil(largest / usual_batches)
end)

--- An apply that nobody disturbs, on a database of its own.
function Course:apply(on)
  local words = self:answered(self:words("--apply", "--json", "--batch=" .. self:batch()))
  local result = opsh(self, on, words)
  local document = result.json()
  if result.exit ~= self.fixture.exit then
    local expected = self.fixture.exit == 0 and "" or (", not %d"):format(self.fixture.exit)
    M.fail(
      ("the apply ends with %s%s"):format(complaint(result, document), expected),
      details(document),
      over[result.exit] and "when that is right for this fixture, it says so: exit = " .. result.exit
    )
  end
  return document
end

--- An apply, in `database`, where the undo goes on; and what it left, in `left`, which nothing writes to.
stage("applied", function(self)
  self:planned()
  local on = self:copy(self:base())
  local document = self:apply(on)
  require_items(document)
  local left = self:copy(on)
  left.unchanging = {}
  return { database = on, left = left, document = document }
end)

--- A second apply, on what the first one left.
stage("repeated", function(self)
  local on = self:copy(self:applied().left)
  local result = opsh(self, on, self:answered(self:words("--apply", "--json")))
  local document = result.json()
  if result.exit ~= 0 and result.exit ~= self.fixture.exit then
    M.fail("the second apply ends with " .. complaint(result, document), details(document))
  end
  return {
    document = document,
    items = planned_items(document),
    changed = M.compare(self:applied().left, on, { sequences = self.fixture.remains == 0 }),
  }
end)

--- What an undo of the apply leaves, and says.
stage("undone", function(self)
  local applied = self:applied()
  local result = opsh(self, applied.database, { "undo", applied.document.run, "--apply", "--quiet", "--json" })
  local document = result.json()
  return {
    exit = result.exit,
    complaint = complaint(result, document),
    document = document,
    changed = over[result.exit] and M.compare(self:base(), applied.database, { except = self.except }),
  }
end)

--- Another apply that nobody disturbs: what differs from the first one differs anyway.
stage("twin", function(self)
  local on = self:copy(self:base())
  self:apply(on)
  return on
end)

--- A runbook's course over a fixture.
---@param runbook string from the test file's folder
---@param fixture table checked
function M.new(runbook, fixture)
  local except = {}
  for name, columns in pairs(fixture.except) do
    except[name] = {}
    for _, column in ipairs(columns) do
      except[name][column] = true
    end
  end
  return setmetatable({ runbook = runbook, fixture = fixture, except = except, made = {}, databases = {} }, Course)
end

return M
