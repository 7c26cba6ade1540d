-- near: plan-column
local runbook = require("opsh.runbook")

return runbook {
  title = "Close paid orders",
  params = { country = { type = "string", help = "Only orders of this country." } },
  steps = { {
    name = "close",
    plan = [[
      select max(id) as id, status, sum(total), count(*) from orders
      where status = 'paid' and (:country::text is null or country = :country)
      group by status
    ]],
    key = { "id", "status" },
    tally = "status",
    totals = { "count", "sum" },
    writes = { "orders" },
    apply = function(tx)
      return { closed = tx:exec("update orders set status = 'closed' where (id, status) in (select k.id, k.status from :keys as k)") }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
