local test = require("opsh.test")

test.ladder("../../remediate_achievements.lua", {
  files = { "../fixture/schema.sql", "../fixture/data.sql" },
  variables = { n = 150, seed = 2, hard = 1 },
  params = { "--owner-username=docente_1" },
  exit = 6, -- some links nobody may touch, and the checks name them
})
