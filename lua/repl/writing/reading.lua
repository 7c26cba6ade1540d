--- What reads at the prompt while a transaction is open: over its session, so that it sees what was written.
local host = require("opsh.native.host")

local M = {}

--- A read session's methods over a transaction: a query that fails is taken back, and the transaction goes on.
---@param transaction table of transaction.lua
function M.of(transaction)
  local session = {}

  local function guarded(method)
    return function(_, ...)
      transaction:require_usable()
      local batch = transaction.batch
      batch:savepoint()
      transaction.held = transaction.held + 1
      local results = { host.attempt(batch[method], batch, ...) }
      local ended = results[1] and batch.release_savepoint or batch.rollback_to_savepoint
      -- What an interrupt keeps from being ended, `tidy` ends.
      if host.attempt(ended, batch) then transaction.held = transaction.held - 1 end
      if not results[1] then error(results[2], 0) end
      return unpack(results, 2, table.maxn(results))
    end
  end

  for _, method in ipairs({ "read", "sample", "beginning", "copy_out" }) do
    session[method] = guarded(method)
  end

  --- Its savepoint stays until the chunk is over: a FETCH may fail at any time.
  function session.cursor(_, ...)
    transaction:require_usable()
    transaction.batch:savepoint()
    transaction.held = transaction.held + 1
    return transaction.batch:cursor(...)
  end

  function session.savepoint()
    transaction:require_usable()
    transaction.batch:savepoint()
    transaction.held = transaction.held + 1
  end

  function session.rollback_to_savepoint()
    transaction.batch:rollback_to_savepoint()
    transaction.held = transaction.held - 1
  end

  return session
end

return M
