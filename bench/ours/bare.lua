local runbook = require("opsh.runbook")

return runbook({
  title = "Fill a bare table",
  steps = {
    {
      name = "fill",
      plan = "select id from bare_source where not exists (select from bare where bare.id = bare_source.id)",
      key = "id",
      writes = { "bare" },
      apply = function(tx)
        return {
          made = tx:exec([[
          insert into bare select * from bare_source where id = any(:keys)
        ]]),
        }
      end,
    },
  },
})
