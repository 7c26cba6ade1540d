--- What a job's requests are about: where its script lies, the folders that it declares, its params.
local digest = require("opsh.native.digest")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")

local M = {}

-- Of what a program writes so much is kept.
local kept_bytes = 64 * 2 ^ 10

local function kept(what, text, cut)
  if text == "" then return "" end
  local more = #text > kept_bytes
  return ("%s%s:\n%s\n"):format(what, (more or cut) and ", its end" or "", more and text:sub(-kept_bytes) or text)
end

--- Keeps what a program wrote beside the run's other files, without secrets.
local function keeper(job)
  return function(_, result)
    local text = kept("output", result.output, result.output_cut) .. kept("errors", result.errors, result.errors_cut)
    local deed = job.deed
    if text == "" or not deed then return end
    local folder = job.directory .. "/output"
    system.make_directory(folder)
    deed.output = ("%s/%d-%d-%s.txt"):format(folder, deed.step, deed.number, digest.random_hex(2))
    system.write_file(deed.output, secrets.redacted(text))
  end
end

---@return table world { folder, folders, params, params_declared, keep_output }
function M.of(job)
  if not job.world then
    job.world = {
      folder = job.runbook.real_path:match("^(.*)/[^/]*$"),
      folders = job.runbook.folders,
      params = job.ctx.params,
      params_declared = job.runbook.params,
      keep_output = keeper(job),
    }
  end
  return job.world
end

return M
