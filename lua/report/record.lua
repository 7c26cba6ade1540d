--- What a report is made of beside rows: in the folder of its run, so that it can be made again without the runbook.
local figures = require("opsh.host.runbook.figures")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local plan = require("opsh.host.runbook.plan")
local system = require("opsh.native.system")

local M = {}

local _, array = json.metatables()

local function path_of(directory, number) return ("%s/step-%d.report.json"):format(directory, number) end

--- What is known of a step's report before anything is done.
---@param mode "plan"|"simulate"|"apply"
---@param id string of the run, else of the plan: the files' names begin with its time
---@return table
function M.new(job, step, mode, id)
  return {
    id = id,
    run = job.id,
    mode = mode,
    runbook = job.runbook.title,
    step = step.number,
    name = step.name,
    key = step.key,
    label = step.label_column,
    file = step.report.file,
    rows = step.report.rows,
    columns = step.report.columns,
    masked = setmetatable({ unpack(step.redact or {}) }, array),
    output = job.output,
  }
end

--- The figures of a step that is done, as `summary` knows those of a plan: rows that were never to be worked on are the
--- plan's, all else is what was done.
local function figures_of(step)
  local planned, done = step.planned, step.done
  local labels = {}
  for label, count in pairs(done.labels) do
    labels[label] = count
  end
  for _, list in ipairs({ step.skip, step.reject }) do
    for _, label in ipairs(list) do
      labels[label] = planned.labels[label]
    end
  end
  local made = figures.new({
    seen = planned.seen,
    items = done.items,
    skipped = planned.skipped + done.skipped,
    rejected = planned.rejected,
    failed = done.failed,
    labels = labels,
    totals = done.totals,
    counts = done.counts,
  })
  made.tally = planned.tally
  return made
end

--- Adds what a plan found.
function M.add_plan(record, step)
  record.stats = figures.object(step.summary_figures)
  record.outcomes = { planned = step.planned.items, rejected = step.planned.rejected }
end

--- Adds what was done: `summary` is asked again, and what `apply` counted is the last word.
function M.add_done(job, record, step)
  local done = step.done
  record.stats = figures.object()
  if step.summary then
    jobs.reading(job, function()
      job.ctx.planned, job.ctx.done = step.planned, done
      record.stats = figures.object(plan.summary(step, figures_of(step), job.ctx))
    end)
  end
  for name, count in pairs(done.counts) do
    record.stats[name] = count
  end
  record.outcomes =
    { done = done.items, changed = done.skipped, failed = done.failed, rejected = step.planned.rejected }
end

--- Keeps it in the run's folder.
function M.keep(directory, record) system.write_file(path_of(directory, record.step), json.document(record) .. "\n") end

--- The one that was kept, or nil.
---@param directory string of the run
---@param number integer of the step
---@return table|nil
function M.kept(directory, number)
  local path = path_of(directory, number)
  return system.file_kind(path) == "file" and json.decode(system.read_file(path)) or nil
end

return M
