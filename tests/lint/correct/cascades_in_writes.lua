-- near: undeclared-cascade
local runbook = require("opsh.runbook")

return runbook {
  title = "Remove lost parcels",
  steps = { {
    name = "lost",
    plan = "select id, code, state from parcels where state = 'lost'",
    key = "id",
    writes = { "parcels", "parcel_items", "public.returns" },
    apply = function(tx)
      return { parcels = tx:exec("delete from parcels where id = any(:keys)") }
    end,
    verify = function(check, ctx)
      check:equal("parcels", ctx.done.counts.parcels, ctx.done.items)
    end,
  } },
}
