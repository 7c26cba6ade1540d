--- `test.ladder(runbook, fixture)`: the standing properties of any runbook, each a test of its own.
local course = require("opsh.host.test.ladder.course")
local definitions = require("opsh.host.test.ladder.definitions")
local fixtures = require("opsh.host.test.ladder.fixture")
local host = require("opsh.native.host")
local kills = require("opsh.host.test.ladder.kills")
local shown = require("opsh.host.test.ladder.shown")
local written = require("opsh.host.test.ladder.written")

local fail = course.fail

local M = {}

local function plan_changes_nothing(of)
  local changed = of:planned().changed
  if changed then
    fail(
      "the plan changed the database",
      changed,
      "something that plan, classify, verify or preconditions call writes: look at functions"
    )
  end
end

local function simulate_changes_nothing(of)
  local changed = of:simulated().changed
  if changed then
    fail(
      "the simulation changed the database, although it was rolled back",
      changed,
      "a function or trigger writes outside of the transaction: look at functions"
    )
  end
end

--- Not asked of steps that are planned at their turn: then what they need is not there yet.
local function checks_can_fail(of)
  for _, step in ipairs(of:planned().document.steps) do
    local has_work = type(step.planned) == "table" and (step.planned.items or 0) > 0
    local names, is_told = {}, false
    for at, check in ipairs(step.checks_now) do
      names[at] = check.name
      is_told = is_told or check.outcome ~= "pass"
    end
    if has_work and #names > 0 and not is_told then
      fail(
        ("step %s has %d items to do, and its checks pass already"):format(step.name, step.planned.items),
        table.concat(names, "\n"),
        "let verify ask for what is only so when the work is done: compare with ctx.planned, not with ctx.done alone"
      )
    end
  end
end

local function as_planned(of)
  local foretold = {}
  for _, step in ipairs(of:planned().document.steps) do
    foretold[step.number] = type(step.planned) == "table" and step.planned.items or nil
  end
  for _, step in ipairs(of:applied().document.steps) do
    local planned, done = step.planned, step.done
    local items = foretold[step.number] or planned.items
    if type(done) == "table" and done.items and items ~= done.items + done.skipped + done.failed then
      fail(
        ("step %s: %d items were planned; %d were done, %d skipped, %d failed"):format(
          step.name,
          items,
          done.items,
          done.skipped,
          done.failed
        )
      )
    end
  end
end

local function apply_does_what_it_said(of)
  local applied = of:applied()
  as_planned(of)
  local unsaid = written.unsaid(of:base(), applied)
  local undeclared = shown.of({ rows = unsaid.undeclared }, {})
  if undeclared then
    fail("the apply changed rows of a table that no step names in writes", undeclared, "add the table to writes")
  end
  local unjournaled = shown.of({ rows = unsaid.unjournaled }, {})
  if unjournaled then
    fail(
      "the apply changed rows that its journal does not have",
      unjournaled,
      "something writes outside of the batch's transaction: look at functions and triggers"
    )
  end
  local defined = shown.of({ rows = {} }, unsaid.definitions)
  if defined then
    fail("the apply changed the schema, and no step is a schema step", defined, "say it in a step with schema = true")
  end
end

local function again_changes_nothing(of)
  local again, remains = of:repeated(), of.fixture.remains
  if again.items ~= remains then
    fail(
      ("after the apply, the plan finds %d items; %s"):format(
        again.items,
        remains == 0 and "none is expected" or ("%d are expected (remains)"):format(remains)
      ),
      again.changed,
      "let the plan leave out what is done, and apply do all that the plan finds"
    )
  end
  if again.changed then fail("a second apply changed the database", again.changed) end
end

local function kills_change_nothing(of)
  local killed = kills.run(of)
  local where = ("killed in %s (step.batch), and resumed"):format(table.concat(killed.kills, ", "))
  if killed.result.exit ~= of.fixture.exit then
    fail(("%s, the run ends with %s"):format(where, killed.result.text))
  end
  local left = of:applied().left
  local found = shown.of(kills.differences(of, killed.database), definitions.differences(left, killed.database))
  if found then
    fail(
      where .. ", the database is not what it is without kills",
      "without kills -> with them\n" .. found,
      "apply must not keep state outside the database; it runs again for a batch that was cut off. "
        .. "Columns that may differ: except"
    )
  end
end

--- Columns that a trigger set again may stay, when the fixture names them.
local function is_complete(of, undone)
  if undone.exit == 0 then return true end
  if undone.exit ~= 8 or #undone.document.conflicts > 0 then return false end
  for _, column in ipairs(undone.document.unrestored) do
    local except = of.except[column.table] or of.except[column.table:gsub("^public%.", "")]
    if not (except and except[column.column]) then return false end
  end
  return true
end

local function undo_restores(of)
  local undone = of:undone()
  if undone.exit == 5 then
    fail(
      "the undo is refused: " .. undone.complaint,
      nil,
      "when the runbook cannot be taken back, and says so to people, the fixture says undo = false"
    )
  end
  if undone.changed then
    fail("after the undo the database is not as it was", "as it was -> as it is\n" .. undone.changed)
  end
  if not is_complete(of, undone) then fail("the undo ends with " .. undone.complaint) end
end

local function undo_does_not(of)
  local undone = of:undone()
  if undone.exit == 0 and not undone.changed then
    fail(
      "the fixture says undo = false, and the undo takes everything back",
      nil,
      "leave undo = false out; people may rely on the undo"
    )
  end
end

local properties = {
  { "plans without changing anything", plan_changes_nothing },
  { "simulates without changing anything but sequences", simulate_changes_nothing },
  { "has checks that fail while the work is not done", checks_can_fail },
  { "applies what it planned, and changes what it declares", apply_does_what_it_said },
  { "has nothing to do the second time", again_changes_nothing },
  { "gives the same when it is killed in any batch and resumed", kills_change_nothing },
}
local taken_back = { "is taken back by an undo", undo_restores }
local stays = { "cannot be taken back by an undo, as its fixture says", undo_does_not }

--- Declares them.
---@param describe function of the test file that is read
---@param it function
---@param runbook string its path from the test file's folder
---@param given table see fixture.lua
function M.declare(describe, it, runbook, given)
  local fixture = fixtures.check(runbook, given)
  local of = course.new(runbook, fixture)
  -- They share what they look at: a worker that took some of them would make all of it again.
  describe(runbook:match("([^/]+)%.lua$") or runbook, function()
    for _, property in ipairs(properties) do
      it(property[1], function() property[2](of) end)
    end
    local last = fixture.undo == false and stays or taken_back
    it(last[1], function()
      local ok, err = host.protect(last[2], of)
      of:close()
      if not ok then error(err, 0) end
    end)
  end, { together = true })
end

return M
