-- near: effect-place
local http = require("opsh.http")
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
      http.post("https://app.example.org/api/closed", { json = { orders = 1 } })
      return { closed = tx:exec("update orders set status = 'closed' where id = any(:keys)") }
    end,
    verify = function(check, ctx)
      check:that("the API answers", http.get("https://app.example.org/health").status == 200, "look at its log")
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
