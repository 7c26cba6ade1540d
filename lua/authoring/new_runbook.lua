--- A new runbook: its script, fixture and test, in the layout of those that ship.
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local program = require("opsh.host.command_line.program")
local files = require("opsh.host.authoring.files")
local params = require("opsh.host.authoring.params")
local test_file = require("opsh.host.authoring.test_file")
local text = require("opsh.native.text")

local M = {}

-- The count that a plan must give; of steps that wait for a table, the count that a simulation must give.
local counting = {
  [false] = [[
local planned = plan.json().steps[1].planned.items
expect.is_true(planned > 0, "data.sql has no row for the plan to find")
expect.equal(planned, database:value(to_do))]],
  [true] = [[
local done = plan.json().steps[2].done.items
expect.is_true(done > 0, "data.sql has no row for the plan to find")
expect.equal(done, database:value(to_do))]],
}

--- Raises unless a runbook may have this name.
---@param name string
function M.check_name(name)
  if not name:find("^%l[%l%d_]*$") or #name > 60 then
    errors.raise(
      "usage.value",
      ("%s is no name for a runbook"):format(text.printable(name)),
      "lower-case letters, digits and underscores, as in backfill_emails; the folder is that of opsh.config.lua"
    )
  end
  if program.named(name) then
    errors.raise("usage.value", ("opsh %s is a command"):format(name), "give the runbook another name")
  end
  if name == "lib" then errors.raise("usage.value", "lib is the folder of modules", "give the runbook another name") end
end

--- The folder that new runbooks go into: the first that opsh.config.lua names.
---@return string
function M.folder()
  local settings, folder = config.load()
  if not folder then return "scripts" end
  return config.resolved(settings.runbooks[1] or "scripts", folder)
end

--- Writes the four files; refuses when one of them is there.
---@param folder string
---@param request table of opsh.host.authoring.request
---@param kind table module of opsh.host.authoring.kinds
---@return string[] paths
---@return string[] notes what the author has to look at
function M.write(folder, request, kind)
  local is_later = request.kind == "delete" or request.kind == "quarantine"
  request.counting = counting[is_later]
  local made = kind.make(request)
  made.test.words = params.words(request.params)
  local inner = folder .. "/" .. request.name
  local list = {
    { path = folder .. "/" .. request.name .. ".lua", text = made.runbook },
    { path = inner .. "/fixture/schema.sql", text = made.schema },
    { path = inner .. "/fixture/data.sql", text = made.data },
    { path = ("%s/test/%s_test.lua"):format(inner, request.name), text = test_file.text(request.name, made.test) },
  }
  files.make(list)
  local paths = {}
  for at, file in ipairs(list) do
    paths[at] = file.path
  end
  return paths, made.notes or {}
end

return M
