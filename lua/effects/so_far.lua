--- `ctx.so_far`: what a run has done up to now, for notices.
local M = {}

---@param outcome? string of the run, once it has one
---@return table
function M.of(job, outcome)
  local backup, steps, incidents = job.backup, {}, {}
  for _, step in ipairs(job.steps) do
    steps[step.name] = step.done or step.planned
  end
  for at, incident in ipairs(job.incidents) do
    incidents[at] = { step = incident.step, what = incident.what, message = incident.message }
  end
  return {
    run = job.id,
    title = job.runbook.title,
    database = job.identity and job.identity.database,
    backup = backup and backup.outcome == "accepted" and {
      id = backup.id,
      file = backup.file,
      level = backup.level,
      label = backup.label,
    } or nil,
    commit = job.git and job.git.commit,
    rows = job.rows_changed or 0,
    incidents = incidents,
    steps = steps,
    outcome = outcome,
  }
end

return M
