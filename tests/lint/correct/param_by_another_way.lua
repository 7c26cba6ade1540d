-- near: unused-param
local http = require("opsh.http")
local runbook = require("opsh.runbook")

return runbook {
  title = "Close paid orders",
  params = { country = { type = "string" },
    api_token = { type = "string", secret = true },
    smoke_tests = { type = "boolean" } },
  steps = { {
    name = "close",
    plan = [[
      select id, status, total from orders
      where status = 'paid' and (:country::text is null or country = :country)
    ]],
    key = "id",
    writes = { "orders" },
    apply = function(tx)
      return { closed = tx:exec("update orders set status = 'closed' where id = any(:keys)") }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  }, {
    name = "reindex",
    effect = function() http.post("https://app.example.org/api/reindex", { bearer = "api_token" }) end,
  }, {
    name = "look",
    when = "smoke_tests",
    manual = "Are the orders closed?",
  } },
}
