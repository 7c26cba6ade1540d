-- near: kept-state
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
      local seen, closed = {}, 0
      local function close(item)
        if seen[item.status] then return end
        seen[item.status] = true
        closed = closed + tx:exec("update orders set status = 'closed' where id = $1", item.id)
      end
      for _, item in ipairs(items) do
        close(item)
      end
      return { closed = closed }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
