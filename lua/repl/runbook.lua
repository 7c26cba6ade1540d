--- What `opsh repl RUNBOOK` brings to the prompt: the runbook, its params, its `ctx`, and the rows of its plans.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local load = require("opsh.host.runbook.load")
local sample = require("opsh.host.repl.sample")
local scope = require("opsh.host.repl.scope")
local text = require("opsh.native.text")

local M = {}

local function step_named(job, name)
  local names = {}
  for at, step in ipairs(job.steps) do
    if step.name == name then return step end
    names[at] = step.name
  end
  local meant = type(name) == "string" and text.nearest(name, names)
  errors.raise(
    "script.step",
    ("the runbook has no step %s"):format(tostring(name)),
    meant and ("did you mean %s?"):format(meant) or "its steps are " .. table.concat(names, ", ")
  )
end

--- The rows that a step's plan finds now.
local function plan(job, session, name)
  local step = step_named(job, name)
  local sql, names = step.plan, nil
  if type(sql) == "function" then
    sql, names = sql(job.ctx)
  end
  local ok, rows = host.attempt(sample.take, session, sql, { n = 0, names = names, scope = job.scope })
  if not ok then error(load.place(job.runbook, rows, sql), 0) end
  return rows
end

--- What a workbench is opened with.
---@param runbook table of load.load
---@param given table<string, string[]> the params among them
function M.bring(runbook, given)
  local job = jobs.new(runbook, nil, given, { directory = "", sample = 0 })
  return function(session)
    session:declare(runbook)
    scope.connecting(job.state, session)
    return {
      folder = runbook.path:match("^(.*)/[^/]*$"),
      ctx = job.ctx,
      scope = job.scope,
      globals = {
        runbook = runbook,
        params = job.ctx.params,
        ctx = job.ctx,
        plan = function(name) return plan(job, session, name) end,
      },
    }
  end
end

return M
