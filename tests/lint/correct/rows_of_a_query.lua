-- near: unbounded-write
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
    writes = { "orders", "log" },
    apply = function(tx)
      local closed = tx:query("update orders set status = 'closed' where id = any(:keys) returning id, total")
      tx:exec("insert into log (what, order_id) select 'closed', c.id from :closed as c", { closed = closed })
      return { closed = #closed }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
