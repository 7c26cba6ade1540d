--- Which of a database's backups are old enough to go, and removing them. What goes is only what opsh has made and
--- certified, in its folder; a backup that may still be wanted stays, with the reason.
local audit = require("opsh.host.runbook.audit")
local audit_files = require("opsh.host.runbook.audit_files")
local certificates = require("opsh.host.backup.certificates")
local config = require("opsh.host.config")
local host = require("opsh.native.host")
local moments = require("opsh.host.backup.moments")
local provenance = require("opsh.host.runbook.provenance")
local system = require("opsh.native.system")
local wants = require("opsh.host.backup.wants")

local M = {}

-- Unless the target says otherwise: `backup.keep` and `backup.keep_for`.
local usual_keep = 7
local usual_keep_for = "30d"

--- What a target keeps.
---@return { keep: integer, keep_for: string }
function M.policy(target)
  local given = target.backup or {}
  return { keep = given.keep or usual_keep, keep_for = given.keep_for or usual_keep_for }
end

--- The time in a run's id, as all ids of opsh's have it.
local function begun(id)
  local year, month, day, hour, minute, second = id:match("^(%d%d%d%d)(%d%d)(%d%d)%-(%d%d)(%d%d)(%d%d)%-")
  return year and moments.seconds(("%s-%s-%sT%s:%s:%sZ"):format(year, month, day, hour, minute, second))
end

--- The runs that began no longer ago than so many seconds, by the sha256 of the backup that they relied on.
local function relied_on(state, seconds)
  local runs = {}
  for _, id in ipairs(audit_files.here(state)) do
    local began = begun(id)
    if not began or moments.age(began) <= seconds then
      for _, entry in ipairs(audit_files.entries(audit_files.path(state, id))) do
        local backup = entry.event == "run started" and entry.details.backup
        if type(backup) == "table" and type(backup.sha256) == "string" then runs[backup.sha256] = id end
      end
    end
  end
  return runs
end

--- The newest of each kind that is to stay whatever its age, by the path of the dump.
local function last_ones(backups)
  local reasons = {}
  local function keep_newest(reason, fits)
    for _, backup in ipairs(backups) do
      if fits(backup.certificate) then
        reasons[backup.path] = reasons[backup.path] or reason
        return
      end
    end
  end
  keep_newest("it is the newest", function() return true end)
  for _, level in ipairs({ "restored", "equal" }) do
    keep_newest(("it is the newest that is %s"):format(level), function(certificate)
      return certificates.level_at_least(certificate, level)
    end)
  end
  return reasons
end

--- Why a file that the certificate names is not for opsh to remove; nothing when it is.
local function not_ours(folder, path, certificate)
  if certificate.origin ~= "opsh" then return "it was not made by opsh" end
  local name = certificate.file
  if type(name) ~= "string" or name == "" or name:find("/", 1, true) or path ~= folder .. "/" .. name then
    return "its certificate names another file"
  end
  local kind = system.file_kind(path)
  if kind and kind ~= "file" and kind ~= "directory" then return "it is no file" end
end

--- The certified backups of this database, newest first; and why others in the folder are left.
local function backups_in(folder, state, identity)
  local backups, left = {}, {}
  for _, entry in ipairs(certificates.list({ folder }, state)) do
    -- Of a removal that was cut short, the certificate alone is left.
    local gone = entry.stated and not system.file_kind(entry.path)
    local certificate = entry.certificate or gone and entry.stated or nil
    local ours = not entry.stated or wants.is_of(entry.stated, identity)
    if ours and not certificate then
      left[#left + 1] = { path = entry.path, reason = entry.problem.message }
    elseif ours then
      local taken = moments.seconds(certificate.taken.time)
      local reason = not_ours(folder, entry.path, certificate) or not taken and "it does not say when it was taken"
      if reason then
        left[#left + 1] = { path = entry.path, certificate = certificate, reason = reason }
      else
        backups[#backups + 1] = { path = entry.path, certificate = certificate, taken = taken }
      end
    end
  end
  table.sort(backups, function(one, other)
    if one.taken ~= other.taken then return one.taken > other.taken end
    return one.path > other.path
  end)
  return backups, left
end

--- What would be removed, and what is as old and is left. Reads certificates and audit logs.
---@param place table of workplace.open
---@param identity table of jobs.identify
---@return { folder: string, keep: integer, keep_for: string, backups: table[], left: table[], kept: integer }
function M.plan(place, identity)
  local plan = M.policy(place.target)
  plan.folder, plan.backups, plan.kept = certificates.folder(place), {}, 0
  local seconds = config.seconds(plan.keep_for)
  local backups, left = backups_in(plan.folder, place.state, identity)
  local last, runs = last_ones(backups), relied_on(place.state, seconds)
  plan.left = left
  for number, backup in ipairs(backups) do
    local run = runs[backup.certificate.sha256]
    backup.age = moments.age(backup.taken)
    backup.reason = last[backup.path] or run and ("run %s relied on it"):format(run)
    if number <= plan.keep or backup.age <= seconds then
      plan.kept = plan.kept + 1
    else
      local list = backup.reason and plan.left or plan.backups
      list[#list + 1] = backup
    end
  end
  return plan
end

--- The entry first; then the dump, so that no dump is ever left without its certificate.
local function remove(place, plan, backup, circumstances)
  local directory = audit_files.directory(place.state, "backups", backup.certificate.id)
  system.make_directory(directory)
  local log = audit.open(directory, backup.certificate.id)
  local ok, err = host.protect(function()
    local details = { file = backup.path, sha256 = backup.certificate.sha256, keep = plan.keep }
    details.keep_for, details.command, details.reason = plan.keep_for, circumstances.command, circumstances.reason
    for name, value in pairs(provenance.operator()) do
      details[name] = value
    end
    log:append("backup pruned", details)
    system.remove_tree(backup.path)
    system.remove_tree(backup.path .. ".json")
  end)
  log:close()
  if not ok then error(err, 0) end
end

--- Removes what the plan names. A backup that could not be removed moves to `left`, and `plan.failed` is set.
---@param circumstances { command: string, reason?: string }
function M.carry_out(place, plan, circumstances)
  local removed = {}
  for _, backup in ipairs(plan.backups) do
    local ok, err = host.protect(remove, place, plan, backup, circumstances)
    if ok then
      removed[#removed + 1] = backup
    else
      if err.kind == "interrupted" then error(err, 0) end
      backup.reason, plan.failed = err.message, true
      plan.left[#plan.left + 1] = backup
    end
  end
  plan.backups = removed
end

return M
