-- near: unknown-param
local runbook = require("opsh.runbook")

return runbook {
  title = "Close paid orders",
  params = { country = { type = "string", help = "Only orders of this country." } },
  steps = { {
    name = "close",
    plan = [[
      select id, status, total from orders
      where status = 'paid' and note <> ':nobody' and "a:b" is null -- :nothing
        and (array[1, 2])[1: 2] is not null and created_at::date is not null and (:country::text is null or country = :country)
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
