--- What a saved runbook is expected to do: found out on its fixture, and then checked and tested for.
local errors = require("opsh.host.errors")

local M = {}

local function require_seen(parts, count)
  if count > 0 then return end
  errors.raise(
    "refused.save",
    "in the fixture the plan finds nothing: it looks at something else there than here",
    #parts.masked > 0 and ("keep=COLUMN leaves as it is what it looks at; masked are %s"):format(
      table.concat(parts.masked, ", ")
    ) or "with=TABLE takes another table into the fixture"
  )
end

--- What is to be seen in the fixture. That each statement touches a row for each item, nothing is left, and an undo
--- takes it all back, is what a change is usually like; `seen` is what trial.observe found where it is not.
local function expect(parts, seen)
  for _, each in ipairs(parts.statements) do
    each.observed = seen and tonumber(seen.counts[each.label]) or parts.suspects
    each.checked = each.one_each and each.observed == parts.suspects
  end
  parts.left, parts.undone = seen and seen.left or 0, not seen or seen.undone
  parts.again = parts.left == 0
  parts.none = parts.left == 0 and not parts.subject.limited
end

--- Says nothing of what is to be seen: what is there is looked at.
local function expect_nothing(parts)
  for _, each in ipairs(parts.statements) do
    each.observed, each.checked = 0, false
  end
  parts.none = false
end

--- Whether nothing says from the start that it is otherwise: no triggers, no rows that hang on what is deleted.
local function is_usual(parts)
  if parts.has_triggers or (parts.subject.picked and not parts.subject.plain) then return false end
  for _, each in ipairs(parts.statements) do
    if not each.one_each or (each.verb == "deleted" and parts.rows:is_referred(each.oid)) then return false end
  end
  return true
end

local function observed(trial, parts, write)
  expect_nothing(parts)
  write()
  local conninfo = trial:database()
  local seen, undeclared = trial:observe(conninfo)
  if undeclared then
    for _, name in ipairs(undeclared) do
      table.insert(parts.writes, name)
      parts.beside[#parts.beside + 1] = name
    end
    write()
    seen = trial:observe(conninfo)
  end
  require_seen(parts, seen.planned)
  parts.others = parts.suspects + parts.others - seen.planned
  parts.suspects = seen.planned
  return seen
end

--- Tries a runbook on its fixture, takes over what is seen there, and runs its test.
---@param trial table of trial.open
---@param parts table of script.of and test_script.of: gets what is seen, and `passed` tests
---@param write fun() writes the files of the trial as `parts` has it
function M.find(trial, parts, write)
  local why
  parts.taken = parts.suspects
  if is_usual(parts) then
    expect(parts)
    write()
    parts.passed = trial:test()
    if parts.passed then return end
  end
  expect(parts, observed(trial, parts, write))
  write()
  parts.passed, why = trial:test()
  if not parts.passed then errors.raise("refused.save", "the test of the runbook does not pass: " .. why) end
end

return M
