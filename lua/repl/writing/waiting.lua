--- A transaction whose person types nothing: it holds locks, and it does not hold them for ever.
local report = require("opsh.native.report")
local system = require("opsh.native.system")

local M = {}

-- Behind this part of its time it says so.
local patience = 0.1

--- The seconds until there is something to be said or done; nil when there is nothing any more.
---@param transaction table of transaction.lua
---@return number|nil
function M.seconds_left(transaction)
  if transaction.failure then return nil end
  local part = transaction.reminded and 1 or patience
  return math.max(transaction.touched + transaction.seconds * part - system.clock(), 0.01)
end

--- Says which locks it holds, once; at the end of its time takes it back.
function M.look(transaction)
  local idle, say = system.clock() - transaction.touched, transaction.bench.say
  local most = report.duration(transaction.seconds)
  if idle >= transaction.seconds then
    transaction:give_up(("nobody typed for %s"):format(most))
    say(("the transaction was rolled back: nothing was typed for %s"):format(most))
  elseif idle >= transaction.seconds * patience and not transaction.reminded then
    transaction.reminded = true
    local names = transaction.tables:names()
    local what = #names > 0 and "locks on rows of " .. table.concat(names, ", ") or "no locks yet"
    say(
      ("the transaction waits for %s by now, with %s; it is rolled back after %s"):format(
        report.duration(idle),
        what,
        most
      )
    )
  end
end

return M
