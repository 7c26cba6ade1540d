--- `finally` of a runbook: notices when a run is over, however it ended. What goes wrong in it is an incident.
local deeds = require("opsh.host.effects.deeds")
local host = require("opsh.native.host")
local so_far = require("opsh.host.effects.so_far")

local M = {}

--- What it would do, on a rung that looks.
function M.foretell(job)
  if not job.runbook.finally then return end
  job.ctx.so_far = so_far.of(job, "done")
  job.foretold_finally = job.hands.foretell(job.runbook.finally, job.ctx)
  job.ctx.so_far = nil
end

---@param outcome "done"|"failed"|"stopped"|"check_failed"
function M.work(job, outcome)
  if not job.runbook.finally or not job.hands or not job.hands.acts then return end
  job.ctx.so_far = so_far.of(job, outcome)
  job.doing = { deeds = {}, save = function() end }
  local ok, err = host.shielded(job.hands.serve, "effect", job.runbook.finally, job.ctx)
  job.doing, job.ctx.so_far = nil, nil
  if not ok then deeds.incident(job, { what = "finally", kind = err.kind, message = err.message }) end
end

return M
