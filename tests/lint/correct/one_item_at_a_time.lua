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
    writes = { "orders" },
    apply = function(tx, items)
      local closed = 0
      for _, item in ipairs(items) do
        closed = closed + tx:exec("update orders set status = $2, total = $3 where id = $1", item.id, "closed", item.total)
      end
      return { closed = closed }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
