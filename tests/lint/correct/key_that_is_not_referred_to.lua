-- near: unindexed-foreign-key
local runbook = require("opsh.runbook")

return runbook {
  title = "Write codes of carts in capitals",
  steps = { {
    name = "carts",
    plan = "select id, upper(code) as code from carts",
    key = "id",
    writes = { "carts" },
    apply = function(tx)
      return { carts = tx:exec("update carts set code = item.code from :items as item where carts.id = item.id") }
    end,
    verify = function(check, ctx)
      check:equal("carts", ctx.done.counts.carts, ctx.done.items)
    end,
  } },
}
