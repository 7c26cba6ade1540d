local test = require("opsh.test")

test.ladder("../../backfill_accepted_prompts.lua", {
  files = { "../fixture/schema.sql", "../fixture/data.sql" },
  variables = { n = 150, seed = 2, hard = 1, imp = 50 },
  exit = 8, -- some cannot be done, and are listed
})
