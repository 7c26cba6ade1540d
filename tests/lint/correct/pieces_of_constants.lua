-- near: glued-sql
local runbook = require("opsh.runbook")

local open = "status = 'paid'"
local columns = "id, status, total"

--- What is left of a country's name when it is compared.
local function plain(text) return ("upper(trim(%s))"):format(text) end

return runbook {
  title = "Close paid orders",
  params = { country = { type = "string", help = "Only orders of this country." } },
  steps = { {
    name = "close",
    plan = "select " .. columns .. " from orders where " .. open .. " and (:country::text is null or "
      .. plain("country") .. " = " .. plain(":country::text") .. ")",
    key = "id",
    writes = { "orders" },
    apply = function(tx)
      return { closed = tx:exec("update orders set status = 'closed' where id = any(:keys) and " .. open .. "") }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
