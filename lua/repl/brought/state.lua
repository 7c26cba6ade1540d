--- What a runbook's steps and checks are, as rows.
local figures = require("opsh.host.runbook.figures")
local findings = require("opsh.host.repl.investigate.findings")
local jobs = require("opsh.host.runbook.job")
local plan = require("opsh.host.runbook.plan")
local planning = require("opsh.host.runbook.planning")

local M = {}

-- The newest run that did a step, of those that nobody took back.
local done_by = [[
  select distinct on (s.name) s.name, r.id as run
  from opsh.step as s join opsh.run as r on r.id = s.run
  where r.runbook = :runbook and s.done_at is not null
    and pg_catalog.to_jsonb(r) ->> 'undo_of' is null and pg_catalog.to_jsonb(r) ->> 'undone_by' is null
  order by s.name, r.started_at desc, r.id desc]]

--- The runs that did the steps, by the steps' names; nil where this login may not see them.
local function runs(bench, runbook)
  local there = findings.try(bench, "select pg_catalog.to_regclass('opsh.step') is not null as there")
  if there and not there[1].there then return {} end
  local found, by_name = findings.try(bench, done_by, { runbook = runbook.real_path }), {}
  for _, row in ipairs(found or {}) do
    by_name[row.name] = row.run
  end
  return (there and found) and by_name or nil
end

local function kind_of(step) return step.schema and "schema" or step.kind end

--- The steps: `done` is the run that did it.
---@param brought table of brought/runbook.lua, fresh
function M.steps(brought)
  local done, list = runs(brought.bench, brought.runbook), {}
  for at, step in ipairs(brought.job.steps) do
    list[at] = {
      number = step.number,
      name = step.name,
      kind = kind_of(step),
      writes = table.concat(planning.written_names(step), ", "),
      done = not done and "not known to this login" or done[step.name] or "",
    }
  end
  return findings.rows({ "number#", "name", "kind", "writes", "done" }, list)
end

local function add(list, step, results)
  for _, result in ipairs(results) do
    list[#list + 1] = {
      step = step,
      name = result.name,
      outcome = result.outcome,
      expected = result.expected,
      found = result.found,
      message = result.message or "",
      -- No column: to be asked for, =_[1].rows
      rows = result.rows,
    }
  end
end

--- What a check of a step may ask about the plan: that of \apply, else what is found now.
local function figures_of(brought, step)
  local planned = brought:planned_job()
  local of_plan = planned and planned.steps[step.number].planned
  if of_plan then return of_plan end
  if step.kind ~= "items" then return figures.new() end
  local job = brought.job
  local request = { reader = brought:reader(), ctx = job.ctx, scope = job.scope, runbook = job.runbook, sample = 0 }
  return plan.make(step, request)
end

--- Preconditions and checks of the steps, as they are now. Nothing is written.
---@param brought table of brought/runbook.lua, fresh
function M.checks(brought)
  local session, job, list = brought.bench.session, brought.job, {}
  local reader = session:reader()
  -- Who may not read something is told about the login.
  job.target = session:place().target
  if job.runbook.preconditions then add(list, "preconditions", jobs.check(job, job.runbook.preconditions, reader)) end
  -- Where a schema step has nothing to make, what comes after it can be looked at.
  local idle = {}
  for _, step in ipairs(job.steps) do
    local ready = not step.after or idle[step.after]
    if ready and (step.verify or step.schema) then step.planned = figures_of(brought, step) end
    idle[step.name] = ready and step.schema and step.planned.items == 0
    if step.verify and ready then
      add(list, step.name, jobs.verify(job, step, reader))
    elseif step.verify then
      local message = ("it is planned after %s"):format(step.after)
      add(list, step.name, { { name = "checks", outcome = "skip", message = message } })
    end
  end
  return findings.rows({ "step", "name", "outcome", "expected", "found", "message" }, list)
end

return M
