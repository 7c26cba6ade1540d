-- near: unknown-figure
local runbook = require("opsh.runbook")

local function close(tx, counts)
  counts.closed = (counts.closed or 0) + tx:exec("update orders set status = 'closed' where id = any(:keys)")
end

return runbook {
  title = "Close paid orders",
  params = { country = { type = "string", help = "Only orders of this country." } },
  steps = { {
    name = "close",
    plan = [[
      select id, status, total from orders
      where status = 'paid' and (:country::text is null or country = :country)
    ]],
    key = "id",
    writes = { "orders" },
    apply = function(tx)
      local counts = { seen = 1 }
      close(tx, counts)
      return counts
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
