local test = require("opsh.test")

test.ladder("../../quarantine_orphan_drivers.lua", {
  files = { "../fixture/schema.sql", "../fixture/data.sql" },
  variables = { n = 150, seed = 2, hard = 1 },
})
