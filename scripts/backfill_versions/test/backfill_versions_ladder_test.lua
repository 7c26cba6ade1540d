local test = require("opsh.test")

test.ladder("../../backfill_versions.lua", {
  files = { "../fixture/schema.sql", "../fixture/data.sql" },
  variables = { n = 150, seed = 2, hard = 1 },
})
