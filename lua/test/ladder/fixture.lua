--- What an author gives `test.ladder` beside the runbook: checked when the test file is read.
local errors = require("opsh.host.errors")
local sorted_names = require("opsh.host.sorted_names")
local text = require("opsh.native.text")

local M = {}

local fields = {
  answers = "string",
  batch = "number",
  boundaries = "string",
  environment = "table",
  except = "table",
  exit = "number",
  files = "table",
  params = "table or function",
  remains = "number",
  rows = "table",
  sql = "string",
  undo = "boolean",
  variables = "table",
}

local function fail(message, hint)
  errors.raise("test.misuse", ("test.ladder: %s%s"):format(message, hint and "; " .. hint or ""))
end

local function check_except(except)
  for name, columns in pairs(except) do
    if type(name) ~= "string" or type(columns) ~= "table" then
      fail("except is columns by table", 'except = { orders = { "updated_at" } }')
    end
  end
end

--- Raises when it is not what a ladder takes; returns it with what was not given.
---@param runbook string
---@param given table
function M.check(runbook, given)
  if type(runbook) ~= "string" then fail("the runbook is a path from the test file's folder") end
  if type(given) ~= "table" then fail('a fixture is a table: { files = { "../fixture/schema.sql" } }') end
  for _, name in ipairs(sorted_names(given)) do
    local wanted = fields[name]
    if not wanted then
      local meant = text.nearest(tostring(name), sorted_names(fields))
      fail(
        ("a fixture has no %s"):format(tostring(name)),
        meant and ("did you mean %s?"):format(meant) or "its fields are " .. table.concat(sorted_names(fields), ", ")
      )
    end
    if not wanted:find(type(given[name]), 1, true) then fail(("%s must be a %s"):format(name, wanted)) end
  end
  if given.boundaries and given.boundaries ~= "all" then fail('boundaries is "all", or left out') end
  if given.undo then fail("undo is false, or left out", "false says that the runbook cannot be taken back") end
  if given.batch and (given.batch < 1 or given.batch % 1 ~= 0) then fail("batch is a whole number from 1 on") end
  check_except(given.except or {})
  local made = { exit = 0, remains = 0, except = {}, environment = {}, params = {} }
  for name, value in pairs(given) do
    made[name] = value
  end
  return made
end

return M
