-- expect with target: weak-key 13
local runbook = require("opsh.runbook")

return runbook {
  title = "Close paid orders",
  params = { country = { type = "string", help = "Only orders of this country." } },
  steps = { {
    name = "close",
    plan = [[
      select orders.id, line.product from orders join order_lines as line on line.order_id = orders.id
      where orders.status = 'paid' and (:country::text is null or orders.country = :country)
    ]],
    key = "id",
    writes = { "orders" },
    apply = function(tx)
      return { closed = tx:exec("update orders set status = 'closed' where id = any(:keys)") }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
