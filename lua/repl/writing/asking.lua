--- What the person is asked before a transaction begins, ends, or is left. Without a terminal --confirm says it.
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local guards = require("opsh.host.runbook.guards")
local input = require("opsh.native.input")
local report = require("opsh.native.report")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local function can_ask() return system.terminal(0).terminal and system.terminal(2).terminal end

--- Yes, or anything else; nil when the terminal is gone.
---@return boolean|nil
local function yes(question)
  system.write_error(question .. " [y/N] ")
  local answer = input.line()
  if not answer then
    system.write_error("\n")
    return nil
  end
  return answer:lower():find("^%s*y") ~= nil
end

local function lines_of(heading, facts)
  local lines = { ("\n%s\n"):format(heading) }
  for _, fact in ipairs(facts) do
    lines[#lines + 1] = ("  %s  %s\n"):format(text.pad_right(fact[1], 10), text.printable(fact[2]))
  end
  return table.concat(lines)
end

--- What is said of the backup that a transaction relies on.
local function backup_text(backup)
  if backup.outcome == "none" then return "none: " .. backup.why end
  if backup.outcome == "exempt" then return "none is wanted: " .. backup.why end
  return ("%s%s"):format(backup.level or backup.outcome, backup.file and ", " .. backup.file or "")
end

--- Before the first write: the database's name on a protected target, yes or no on another.
---@param job table the run
---@param place table of workplace.open
---@param given table<string, string[]> options
---@param seconds number so long it may wait
function M.require_begin(job, place, given, seconds)
  local most = job.budgets.max_rows
  local what = "what is typed from here on" .. (most and ", at most " .. counted(most, "row") or "")
  local backup = backup_text(job.backup)
  guards.confirm(place, job.identity, given, ("%s; backup: %s"):format(what, backup))
  if place.target.protected or given.confirm then return end
  system.write_error(lines_of("This begins a transaction that writes.", {
    { "database", job.identity.database },
    { "reached by", place.target.described },
    { "writes", what },
    { "backup", backup },
    { "idle", ("rolled back when nothing is typed for %s"):format(report.duration(seconds)) },
  }))
  if yes("begin?") then return end
  errors.raise("refused.confirmation", "nothing was confirmed: nothing was begun", "\\write asks again")
end

--- Before the COMMIT.
function M.require_commit(bench, transaction)
  local said = transaction:described()
  if bench.given.confirm or not can_ask() then return bench.say("committing " .. said) end
  local facts = { { "run", transaction.job.id } }
  for part in (said .. "; "):gmatch("(.-); ") do
    facts[#facts + 1] = { #facts == 1 and "changes" or "", part }
  end
  system.write_error(lines_of(("This commits into database %s."):format(transaction.job.identity.database), facts))
  if yes("commit?") then return end
  errors.raise(
    "refused.confirmation",
    "nothing was committed, and the transaction goes on",
    "\\commit asks again, \\rollback takes it back"
  )
end

--- Whether the person leaves an open transaction behind, rolled back. Without a terminal nobody is asked.
function M.may_leave(transaction)
  if transaction.failure or not can_ask() then return true end
  return yes(("a transaction is open (%s): leave, and roll it back?"):format(transaction:described())) ~= false
end

return M
