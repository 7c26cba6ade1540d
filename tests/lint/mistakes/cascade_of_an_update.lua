-- expect with target: undeclared-cascade 12
local runbook = require("opsh.runbook")

return runbook {
  title = "Rename lost parcels",
  steps = { {
    name = "lost",
    plan = "select id, code, state from parcels where state = 'lost'",
    key = "id",
    writes = { "parcels" },
    apply = function(tx)
      return { parcels = tx:exec("update parcels set code = 'lost ' || id where id = any(:keys)") }
    end,
    verify = function(check, ctx)
      check:equal("parcels", ctx.done.counts.parcels, ctx.done.items)
    end,
  } },
}
