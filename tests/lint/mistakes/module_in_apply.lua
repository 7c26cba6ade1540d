-- expect: late-module 16
local runbook = require("opsh.runbook")

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
      local orders = require("lib.orders")
      return { closed = tx:exec("update orders set status = :closed where id = any(:keys)", { closed = orders.closed }) }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
