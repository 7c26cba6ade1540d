-- expect with target: unindexed-foreign-key 12
local runbook = require("opsh.runbook")

return runbook {
  title = "Remove carts",
  steps = { {
    name = "carts",
    plan = "select id from carts",
    key = "id",
    writes = { "carts" },
    apply = function(tx)
      return { carts = tx:exec("delete from carts where id = any(:keys)") }
    end,
    verify = function(check, ctx)
      check:equal("carts", ctx.done.counts.carts, ctx.done.items)
    end,
  } },
}
