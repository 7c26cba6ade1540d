-- near: item-column
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
    classify = function(row)
      if row.total == nil then return "no total" end
      return "close", { note = "closed at " .. row.total }
    end,
    skip = { "no total" },
    writes = { "orders" },
    apply = function(tx)
      return { closed = tx:exec("update orders set status = 'closed', note = i.note || i.label from :items as i where orders.id = i.id") }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
