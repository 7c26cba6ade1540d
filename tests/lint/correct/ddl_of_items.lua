-- near: glued-sql
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
      return { closed = tx:exec("update orders set status = 'closed' where id = any(:keys)") }
    end,
    verify = function(check, ctx)
      check:equal("orders closed", ctx.done.counts.closed, ctx.done.items)
    end,
  }, {
    name = "indexes",
    schema = true,
    plan = [[
      select format('%s_country', c.relname) as index, format('create index %I on %s (country)', c.relname || '_country',
                    c.oid::regclass) as statement
      from pg_class as c where c.relname in ('orders', 'customers')
        and to_regclass(format('%s_country', c.relname)) is null
    ]],
    key = "index",
    writes = { "orders", "customers" },
    apply = function(tx, items)
      for _, item in ipairs(items) do
        tx:ddl(item.statement)
      end
    end,
  } },
}
