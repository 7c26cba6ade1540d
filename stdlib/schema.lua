--- Schema steps from declarations: each function gives a whole step, whose plan is what is missing and whose undo takes
--- back what the run made. Fields of steps (after, verify, name, ...) may stand among its own.
---
---     steps = {
---       schema.columns { table = "scenarios", columns = { accepted_prompt = "text" } },
---       schema.index { table = "scenarios", index = "scenarios_source", columns = "source_generation_id" },
---     }
local append_only = require("opsh.schema.append_only")
local file = require("opsh.schema.file")
local sql = require("opsh.native.sql")
local step = require("opsh.schema.step")
local tables = require("opsh.schema.tables")
local views = require("opsh.schema.views")

local M = {
  append_only = append_only.append_only,
  apply = step.apply,
  columns = tables.columns,
  file = file.file,
  foreign_key = tables.foreign_key,
  index = tables.index,
  table = tables.table,
  undo = step.undo,
  views = views.views,
}

--- A name as SQL, in quotes where it needs them.
---@param name string as the catalog has it
---@return string
function M.name(name) return sql.identifier(name) end

--- A text as SQL.
---@param text string
---@return string
function M.literal(text) return sql.literal(text) end

return M
