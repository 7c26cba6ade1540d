-- expect: unstable-plan 10
local runbook = require("opsh.runbook")

return runbook {
  title = "Close paid orders",
  params = { country = { type = "string", help = "Only orders of this country." } },
  steps = { {
    name = "close",
    plan = function()
      local before = os.date("!%Y-%m-%d")
      return "select id from orders where created_at < :before::date and country = :country", { before = before }
    end,
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
