-- expect: glued-sql 11
local runbook = require("opsh.runbook")

return runbook {
  title = "Close paid orders",
  params = { country = { type = "string", help = "Only orders of this country." } },
  steps = { {
    name = "close",
    plan = function(ctx)
      local sql = "select id from orders where status = 'paid'"
      if ctx.params.country then sql = sql .. " and country = '" .. ctx.params.country .. "'" end
      return sql
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
