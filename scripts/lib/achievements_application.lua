--- The school's application that the achievements belong to: what must hold before a run, and what a person tries after
--- it when --smoke-tests says so. Each answer comes with a file that shows it: the team's record of a deployment wants
--- one.
local preflight = require("opsh.preflight")

local M = {}

M.params = {
  smoke_tests = { type = "boolean", help = "Ask a person to try the application." },
  webhook = { type = "string", secret = true, help = "Address that is told how the run ended." },
  window = {
    type = "string",
    pattern = "^%d%d?:%d%d%-%d%d?:%d%d *%S*$",
    help = 'Apply within this time only: "22:00-06:00", or "22:00-06:00 America/Bogota"; UTC without a zone.',
  },
}

local tables = {
  academic_achievement = {
    id = "bigint",
    definition_id = "bigint",
    description = "text",
    dimension_id = "bigint",
    group_id = "bigint",
    subject_id = "bigint",
  },
  academic_achievementdefinition = {
    id = "bigint",
    area_id = "bigint",
    code = "character varying(20)",
    created_by_id = "bigint",
    description = "text",
    dimension_id = "bigint",
    grade_id = "bigint",
    is_active = "boolean",
    subject_id = "bigint",
  },
  academic_group = { id = "bigint", grade_id = "bigint" },
  academic_performanceindicator = { "id", "achievement_id", "level" },
  academic_subject = { id = "bigint", area_id = "bigint" },
  users_user = { "id", "username" },
}

--- Preconditions, which no healthy database fails.
function M.preflight(check, ctx)
  preflight.server_version(check, ctx, { at_least = "13" })
  preflight.no_long_transactions(check, ctx, { older_than = "1 hour", unseen = "skip" })
  preflight.schema(check, ctx, tables)
  if ctx.params.window then preflight.window(check, ctx, ctx.params.window) end
end

local function trial(name, question)
  return { name = name, when = "smoke_tests", manual = question, evidence = true }
end

M.create = trial("create an achievement", "Create an achievement by hand in Planeación: does it appear in the Banco?")
M.import = trial("import an achievement", "Import an achievement and edit it: is it changed in the Banco?")
M.suggest = trial("texts of the AI", "Let the AI write a description and new indicators: do they come?")

return M
