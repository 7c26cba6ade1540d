local test = require("opsh.test")

test.ladder("../../backfill_import_audit.lua", {
  files = { "../fixture/schema.sql", "../fixture/data.sql" },
  variables = { n = 150, seed = 2, hard = 1 },
  exit = 8, -- some cannot be done, and are listed
})
