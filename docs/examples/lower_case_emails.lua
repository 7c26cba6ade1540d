local runbook = require("opsh.runbook")

return runbook {
  title = "Lower-case the e-mail addresses of customers",
  params = { country = { type = "string", help = "Only customers of this country." } },
  steps = { {
    name = "lower-case addresses",
    plan = [[select id, country, email, lower(email) as lower_email from customer
             where email <> lower(email) and (:country::text is null or country = :country)]],
    key = "id",
    tally = "country",
    writes = { "customer" },
    apply = function(tx)
      return { changed = tx:exec([[update customer set email = item.lower_email from :items as item
                                   where customer.id = item.id and customer.email = item.email]]) }
    end,
    verify = function(check, ctx)
      check:equal("addresses changed", ctx.done.counts.changed, ctx.planned.items)
    end,
  } },
}
