--- The rows of a query as far as they are shown, with the number of all of them.
local M = {}

local totals = setmetatable({}, { __mode = "k" })

--- At most 1000 rows of a query; the others are counted and not sent.
---@param session table the prompt's
---@param sql string
---@param bindings table names, scope
function M.take(session, sql, bindings)
  local list, total = session:reader():beginning(sql, bindings)
  totals[list] = total
  return list
end

--- The number of rows that a list stands for: those that were left out count.
function M.total(list) return totals[list] or #list end

return M
