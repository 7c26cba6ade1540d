--- `opsh backup prune`: removes backups that are older than the target keeps them; without --apply it says which.
local again = require("opsh.host.commands.again")
local arguments = require("opsh.host.commands.arguments")
local guards = require("opsh.host.runbook.guards")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local report = require("opsh.native.report")
local retention = require("opsh.host.backup.retention")
local screen = require("opsh.host.present.screen")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local _, array = json.metatables()

local own_options = {
  { name = "apply", help = "Remove them; without it, nothing is removed.", group = "ladder" },
  options.reason,
  options.confirm,
}

local columns = {
  { title = "backup" },
  { title = "taken (UTC)" },
  { title = "age", right = true },
  { title = "size", right = true },
  { title = "level" },
}

local function name_of(path) return text.printable(path:match("[^/]*$")) end

local function row_of(backup)
  local certificate = backup.certificate
  return {
    name_of(backup.path),
    os.date("!%Y-%m-%d %H:%M:%S", backup.taken),
    report.duration(backup.age),
    report.bytes(certificate.size),
    lang.text(certificate.level),
  }
end

local function closing(plan, job)
  local bytes = 0
  for _, backup in ipairs(plan.backups) do
    bytes = bytes + backup.certificate.size
  end
  local what = ("%s, %s"):format(lang.counted(#plan.backups, "backup"), report.bytes(bytes))
  if job.applied then return lang.format("Removed: %s.\n", what) end
  return lang.format("Nothing was removed. To remove %s: %s\n", what, job.again)
end

local function render(out, plan, job)
  local policy = lang.format(
    "in %s: kept are the %d newest, and what is no older than %s\n",
    text.printable(plan.folder),
    plan.keep,
    plan.keep_for
  )
  local parts, rows = { policy }, {}
  for at, backup in ipairs(plan.backups) do
    rows[at] = row_of(backup)
  end
  if #rows > 0 then parts[#parts + 1] = "\n" .. out.table(columns, rows) end
  if #plan.left > 0 then parts[#parts + 1] = "\n" .. out.strong(lang.text("Left as they are")) .. "\n" end
  for _, backup in ipairs(plan.left) do
    parts[#parts + 1] = ("  %s: %s\n"):format(name_of(backup.path), text.printable(lang.message(backup.reason)))
  end
  local none = lang.format("no backup of database %s is to be removed\n", text.printable(job.identity.database))
  parts[#parts + 1] = "\n" .. (#rows > 0 and closing(plan, job) or none)
  return table.concat(parts)
end

local function document(plan, job)
  local function list(backups)
    local made = {}
    for at, backup in ipairs(backups) do
      local certificate = backup.certificate or {}
      made[at] = {
        file = backup.path,
        id = certificate.id,
        taken = certificate.taken and certificate.taken.time,
        age_seconds = backup.age,
        size = certificate.size,
        level = certificate.level,
        reason = backup.reason,
      }
    end
    return setmetatable(made, array)
  end
  return {
    folder = plan.folder,
    keep = plan.keep,
    keep_for = plan.keep_for,
    applied = job.applied,
    kept = plan.kept,
    backups = list(plan.backups),
    left = list(plan.left),
  }
end

local function work(out, place, job)
  local reader = native_db.host_reader(place.target)
  local ok, identity = host.protect(jobs.identify, reader)
  reader:close()
  if not ok then error(identity, 0) end
  guards.admit(place, identity, job.given, job.applied)
  job.identity = identity
  local plan = retention.plan(place, identity)
  if job.applied and #plan.backups > 0 then
    local what = lang.format("nothing; removes %s of it", lang.counted(#plan.backups, "backup"))
    guards.confirm(place, identity, job.given, what)
    retention.carry_out(place, plan, job)
  end
  if out.json then
    out.document(document(plan, job))
  else
    out.text(render(out, plan, job))
  end
  return plan.failed and 8 or 0
end

return function(before, rest)
  local given = arguments.read(before, rest, {
    program = "opsh backup prune",
    description = "Removes backups of the target's database that are older than it keeps them and not among its newest."
      .. "\n\nWithout --apply it lists them and removes nothing. What opsh has not made and certified is never removed,"
      .. " nor is the newest of each level.",
    options = options.join(own_options, options.host),
  })
  if not given then return 0 end
  local job = { applied = given.apply ~= nil, reason = options.reason_of(given), given = given }
  local out, place = screen.open(given), workplace.open(given)
  workplace.announce(place.target, "prune")
  job.command = again.runbook(before, "backup", { "prune", unpack(rest) })
  job.again = job.command .. " --apply"
  local ok, result = host.protect(work, out, place, job)
  place.close()
  if not ok then error(result, 0) end
  return result
end
