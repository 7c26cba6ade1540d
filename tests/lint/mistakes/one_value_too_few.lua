-- expect: insert-columns 17
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
      tx:exec([[
        insert into log (what, order_id, country)
        select 'closed', i.id from :items as i
      ]])
      return { closed = tx:exec("update orders set status = 'closed' where id = any(:keys)") }
    end,
    verify = function(check, ctx)
      check:none("orders left open", "select id from orders where status = 'paid'")
    end,
  } },
}
