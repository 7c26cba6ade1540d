-- expect: kept-state 20
local runbook = require("opsh.runbook")

local seen = {}

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
      for _, item in ipairs(items) do
        if not seen[item.id] then tx:exec("update orders set status = 'closed' where id = $1", item.id) end
        seen[item.id] = true
      end
    end,
    verify = function(check, ctx)
      check:none("orders left open", "select id from orders where status = 'paid'")
    end,
  } },
}
