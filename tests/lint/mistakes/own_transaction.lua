-- expect: sql-refused 16, sql-refused 18
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
    apply = function(tx)
      tx:exec("begin")
      tx:exec("update orders set status = 'closed' where id = any(:keys)")
      tx:exec("commit")
    end,
    verify = function(check, ctx)
      check:none("orders left open", "select id from orders where status = 'paid'")
    end,
  } },
}
