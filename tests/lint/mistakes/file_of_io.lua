-- expect: undefined-global 16
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
      local ids = io.open("/tmp/ids.txt"):read("*a")
      return { closed = tx:exec("update orders set note = $1 where id = any(:keys)", ids) }
    end,
    verify = function(check, ctx)
      check:none("orders left open", "select id from orders where status = 'paid'")
    end,
  } },
}
