local runbook = require("opsh.runbook")
return runbook {
  title = "Lower-case the e-mail addresses of customers",
  params = { country = { type = "string", pattern = "^%u%u$", help = "Only customers of this country." } },
  steps = { {
    name = "lower-case addresses",
    plan = [[select id, country, email as old_email, lower(email) as new_email from customer
             where email <> lower(email) and (:country::text is null or country = :country)]],
    key = "id",
    tally = "country",
    writes = { "customer" },
    recheck = "select id from customer where id = any(:keys) and email <> lower(email) order by id for no key update",
    apply = function(tx)
      return { changed = tx:exec([[update customer set email = lower(email) from :items as item where customer.id = item.id]]) }
    end,
    verify = function(check, ctx)
      check:equal("addresses changed", ctx.done.counts.changed, ctx.done.items)
      check:none("addresses with capitals", "select id, email from customer where email <> lower(email) and (:country::text is null or country = :country)")
    end,
  } },
}
