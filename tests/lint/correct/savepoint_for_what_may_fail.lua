-- near: swallowed-error
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
    apply = function(tx, items)
      local closed, failed = 0, 0
      for _, item in ipairs(items) do
        local done, err = tx:try_savepoint(function()
          return tx:exec("update orders set status = 'closed' where id = $1", item.id)
        end)
        if not done and err.kind ~= "constraint.check" then error(err) end
        closed, failed = closed + (done or 0), failed + (done and 0 or 1)
      end
      return { closed = closed, failed = failed }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  } },
}
