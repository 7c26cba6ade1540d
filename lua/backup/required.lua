--- What an apply must have in hand before its first write: a backup of this very database that was tried, or what the
--- target accepts instead. Cheap questions come first, and before a person is asked to confirm; then what takes long:
--- making a backup, certifying one, reading every byte of it. `job.backup` is what was found, for text, JSON and the
--- audit log.
local attested = require("opsh.host.backup.attested")
local certificates = require("opsh.host.backup.certificates")
local certifying = require("opsh.host.backup.certifying")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local making = require("opsh.host.backup.making")
local native_backup = require("opsh.native.backup")
local planning = require("opsh.host.runbook.planning")
local stages = require("opsh.host.present.stages")
local system = require("opsh.native.system")
local wants = require("opsh.host.backup.wants")
local workplace = require("opsh.host.workplace")

local M = {}

local function value_of(given, name) return given[name] and given[name][1] end

local function refuse(kind, message, hint) errors.raise(kind, message .. ": nothing was written", hint) end

--- As soon as the database is known, before time goes into a plan: what cannot become an apply.
---@param job table
---@param place table of workplace.open, after guards.admit
---@param given table<string, string[]> options
function M.admit(job, place, given)
  local target = place.target
  job.before_first_write = function() M.still(job) end
  -- Reached by another way, it is the same database, and what its target wants of a backup holds.
  if target.protected_as and not target.backup then
    target.backup = workplace.backup_of(place.config.targets[target.protected_as], place.folder)
  end
  if not given["no-backup"] or not target.protected then return end
  refuse(
    "backup.required",
    "the target is protected, and --no-backup is not for protected targets",
    "leave it out, or let --backup now make one"
  )
end

-- What is recorded of a certificate that is relied on.
local function recorded(certificate, path, wanted)
  return {
    level = certificate.level,
    id = certificate.id,
    file = path,
    sha256 = certificate.sha256,
    taken = certificate.taken.time,
    origin = certificate.origin,
    tables = wanted.tables_equal and wanted.tables or nil,
  }
end

local function messages(lacks)
  local parts = {}
  for at, lack in ipairs(lacks) do
    parts[at] = lack.message
  end
  return table.concat(parts, "; ")
end

--- The one command after which an apply would be let through.
local function fix_of(job, lacks, path)
  for _, lack in ipairs(lacks) do
    if lack.fix == "make" then return "make one: " .. job.command_for("backup") end
  end
  return "raise it: " .. job.command_for("certify", path, "--level=equal")
end

--- What stands against relying on a certificate, as an error; nothing when an apply may.
local function objection(job, certificate, path, wanted)
  local lacks = wants.lacks(certificate, wanted)
  if #lacks == 0 then return nil end
  return {
    kind = lacks[1].kind,
    message = ("backup %s: %s"):format(path, messages(lacks)),
    hint = fix_of(job, lacks, path),
  }
end

--- The newest certificate in the folder that fits; else why none does.
---@return table|nil certificate
---@return string|table path of the dump, or the objection
---@return table|nil wanted of wants.of
local function newest(job, place)
  local folder, wanted, nearest, problem = certificates.folder(place), nil, nil, nil
  for _, entry in ipairs(certificates.list({ folder }, place.state)) do
    wanted = wanted or wants.of(job)
    local certificate = entry.certificate
    local ours = not entry.stated or wants.is_of(entry.stated, job.identity)
    if ours and not certificate then problem = problem or entry.problem end
    local against = ours and certificate and objection(job, certificate, entry.path, wanted)
    if ours and certificate and not against then return certificate, entry.path, wanted end
    nearest = nearest or against
  end
  return nil,
    nearest
      or {
        kind = "backup.missing",
        message = ("there is no backup of database %s in %s%s"):format(
          job.identity.database,
          folder,
          problem and " to rely on: " .. problem.message or ""
        ),
        hint = "make one: " .. job.command_for("backup"),
      }
end

--- What an apply would do about a backup, as far as it can be told without reading one.
---@return table backup { outcome, ... }
local function outlook(job, place, given)
  if given["no-backup"] then return { outcome = "none", level = "none", why = "--no-backup" } end
  if job.identity.sandbox then return { outcome = "exempt", level = "none", why = "a throw-away server" } end
  if not planning.has_items(job) then
    return { outcome = "exempt", level = "none", why = "no step works on the database" }
  end
  local attesting = place.target.backup and place.target.backup.attested
  if attesting then return { outcome = "asked", level = "attested", command = attesting.command[1] } end
  local certificate, found, wanted = newest(job, place)
  if not certificate then
    return { outcome = "refused", kind = found.kind, message = found.message, hint = found.hint }
  end
  local backup = recorded(certificate, found, wanted)
  backup.outcome = "accepted"
  return backup, certificate, wanted
end

--- For a plan: what an apply would rely on, or what it would be refused for. Reads certificates, and no dump.
---@param job table planned
function M.foresee(job, place)
  local ok, backup = host.protect(outlook, job, place, {})
  -- What an apply would fail for is no reason to show no plan.
  if not ok and backup.kind == "interrupted" then error(backup, 0) end
  job.backup = ok and backup or { outcome = "refused", message = backup.message, hint = backup.hint }
end

--- The files that a pattern names, which a shell would have put in its place.
local function matches(pattern)
  local folder, name = pattern:match("^(.*/)([^/]*)$")
  folder, name = folder or "./", name or pattern
  if system.file_kind(folder) ~= "directory" then return {} end
  local magic = name:gsub("[%^%$%(%)%%%.%+%-%[%]]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  local found = {}
  for _, entry in ipairs(system.list(folder)) do
    if entry:find("^" .. magic .. "$") then found[#found + 1] = (folder == "./" and "" or folder) .. entry end
  end
  return found
end

local function require_no_pattern(path)
  local found = not system.file_kind(path) and path:find("[*?]") and matches(path) or {}
  if #found == 0 then return end
  refuse(
    "backup.missing",
    ("--backup: %s is a pattern, and opsh fills in none; it stands for %s"):format(path, table.concat(found, ", ")),
    "name the one file that you mean"
  )
end

--- The certificate of --backup FILE; nothing when it has none yet.
local function named(job, place, path, wanted)
  require_no_pattern(path)
  local certificate, dump = certificates.read(path, place.state)
  local against = certificate and objection(job, certificate, dump, wanted)
  if against then refuse(against.kind, against.message, against.hint) end
  return certificate, dump
end

--- Chooses what an apply will rely on, and refuses it where that can be told at once: presence, database, age, level,
--- tables. The bytes are for `secure`.
---@param job table planned, with work to do
---@param given table<string, string[]> options
function M.find(job, place, given)
  local option = value_of(given, "backup")
  local held = { given = option }
  if not option then
    local backup, certificate, wanted = outlook(job, place, given)
    if backup.outcome == "refused" then refuse(backup.kind, backup.message, backup.hint) end
    job.backup, held.certificate, held.path, held.wants = backup, certificate, backup.file, wanted
  else
    held.wants, job.backup = wants.of(job), { outcome = "pending" }
    if option ~= "now" then held.certificate, held.path = named(job, place, option, held.wants) end
  end
  job.backup_held = held
end

--- Reads every byte over the descriptor that stays open until the run has begun.
local function require_bytes(job, out)
  local held = job.backup_held
  held.archive = native_backup.open(held.path, job.target.tools)
  local stage = stages.stage(out, "reading", "read")
  local found = stages.watch(held.archive:hash(), stage)
  if found.sha256 == held.certificate.sha256 then return stage.done(found.size, "the bytes that were certified") end
  refuse(
    "backup.changed",
    ("backup %s is not what was certified: its sha256 is %s, and the certificate has %s"):format(
      held.path,
      found.sha256,
      held.certificate.sha256
    ),
    "it is damaged, or was replaced; make one: " .. job.command_for("backup")
  )
end

local function require_enough(job)
  local held = job.backup_held
  local against = objection(job, held.certificate, held.path, held.wants)
  if against then refuse(against.kind, against.message, against.hint) end
end

local function require_one(job, place, given, out)
  local held = job.backup_held
  local policy = held.wants
  if held.given == "now" then
    held.certificate, held.path = making.make(place, {
      level = policy.tables_equal and "equal" or policy.level,
      reason = job.reason,
      command = job.command,
      scratch = value_of(given, "scratch"),
    }, out)
  elseif not held.certificate then
    held.certificate = certifying.raise(place, held.path, {
      -- Only rows that are those of the database show that the dump is of it.
      level = "equal",
      tables = policy.level ~= "equal" and policy.tables[1] and policy.tables or nil,
      scratch = value_of(given, "scratch"),
      reason = job.reason,
      command = job.command,
    }, out)
  end
  -- Again: a person may have taken a long time to confirm, and what was just made must do as well.
  require_enough(job)
  require_bytes(job, out)
  job.backup = recorded(held.certificate, held.path, held.wants)
  job.backup.outcome = "accepted"
end

--- Makes or certifies what was asked for, asks the target's command, and reads every byte of what is relied on. Writes
--- nothing into the target.
---@return number seconds that it took
function M.secure(job, place, given, out)
  local began, held = system.clock(), job.backup_held
  if job.backup.outcome == "asked" then
    job.backup = attested.ask(place.target.backup, job.identity)
    job.backup.outcome = "accepted"
  elseif held.wants then
    require_one(job, place, given, out)
  end
  return system.clock() - began
end

--- Refuses when what is relied on is not enough for the job any more, which was planned anew.
function M.hold(job)
  local held = job.backup_held
  if not held.certificate then return end
  held.wants = wants.of(job)
  require_enough(job)
end

--- Right before the first write: refuses when the file of the name is not the one that was read.
function M.still(job)
  local held = job.backup_held
  if not held or not held.archive then return end
  local same = held.archive:same_file(held.path)
  M.release(job)
  if same then return end
  refuse(
    "backup.changed",
    ("backup %s was replaced or changed after it was read"):format(held.path),
    "find out by whom; make one: " .. job.command_for("backup")
  )
end

--- Lets go of the dump.
function M.release(job)
  local held = job.backup_held
  if held and held.archive then held.archive:close() end
  job.backup_held = nil
end

return M
