--- The pages whose examples are run.
local test = require("opsh.test")
local running = require("running")

local M = {}

--- By the test file that runs them; each name is one from the top of the tree.
---@type table<string, string[]>
M.lists = {
  beginning = { "README.md", "docs/tutorial.md" },
  how_to = {
    "docs/how-to/backfill.md",
    "docs/how-to/delete-with-archive.md",
    "docs/how-to/go-to-production.md",
    "docs/how-to/many-tenants.md",
    "docs/how-to/quarantine.md",
    "docs/how-to/review-a-runbook.md",
    "docs/how-to/schema-change-with-data.md",
  },
  explanation = {
    "docs/explanation/threat-model.md",
    "docs/troubleshooting.md",
  },
  pages = {
    "docs/audit.md",
    "docs/authoring.md",
    "docs/backups.md",
    "docs/doctor.md",
    "docs/lint.md",
    "docs/plans.md",
    "docs/reports.md",
    "docs/runs.md",
    "docs/sandbox.md",
    "docs/simulate.md",
    "docs/testing.md",
    "docs/undo.md",
  },
}

--- A file of the tree, named from its top.
function M.text(path)
  local result = test.shell(("cat '%s/%s'"):format(test.beside("../.."), path))
  test.expect.equal(result.exit, 0, "there is no page " .. path)
  return result.output
end

--- Declares a test for each page of a list.
---@param name string
function M.declare(name)
  for _, path in ipairs(M.lists[name]) do
    test.it("what " .. path .. " shows is what happens", function() running.run(path, M.text(path)) end)
  end
end

return M
