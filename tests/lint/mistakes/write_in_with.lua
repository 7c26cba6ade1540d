-- expect: sql-refused 17
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
      return { closed = tx:exec([[
        with moved as (delete from orders where id = any(:keys) returning id)
        insert into log (what) select id::text from moved
      ]]) }
    end,
    verify = function(check, ctx)
      check:none("orders left open", "select id from orders where status = 'paid'")
    end,
  } },
}
