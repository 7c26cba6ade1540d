--- What a restore would do, and what it did, as text and as a document.
local document = require("opsh.host.present.document")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local moments = require("opsh.host.backup.moments")
local replaced = require("opsh.host.backup.replaced")
local report = require("opsh.native.report")
local swap = require("opsh.host.backup.swap")
local tables_text = require("opsh.host.present.restored_tables")
local text = require("opsh.native.text")

local null = json.decode("null")
local _, array = json.metatables()

local M = {}

local shown = 20

local function sessions_of(survey)
  local count = 0
  for _, group in ipairs(survey.sessions) do
    count = count + group.count
  end
  return count
end

local function heading(job, place, out)
  local certificate = job.certificate
  local identity = job.identity
  return table.concat({
    ("%s  %s\n"):format(
      out.strong(lang.text(job.planned_only and "plan" or "restore")),
      lang.format(
        job.chosen and "tables of database %s from a backup" or "database %s from a backup",
        text.printable(identity.database)
      )
    ),
    lang.format(
      "target   %s%s on PostgreSQL %s, as %s\n",
      place.target.name and place.target.name .. ": " or "",
      text.printable(identity.database),
      identity.server_version,
      text.printable(identity.user)
    ),
    lang.format(
      "backup   %s, %s, %s, %s\n         %s\n",
      certificate.id,
      lang.message(moments.age_text(moments.age(moments.seconds(certificate.taken.time)))),
      lang.text(certificate.level),
      report.bytes(certificate.size),
      text.printable(job.dump)
    ),
  })
end

local function differences_text(out, job)
  local differences = job.differences
  if #differences == 0 then return lang.text("\nThe database holds what the backup holds: no table differs.\n") end
  local rows = {}
  for at = 1, math.min(#differences, shown) do
    local difference = differences[at]
    rows[at] = {
      lang.message(difference.what),
      text.printable(difference.name),
      text.printable(tostring(difference.wanted or "")),
      text.printable(tostring(difference.found or "")),
    }
  end
  local more = #differences > shown and lang.format("  and %d more\n", #differences - shown) or ""
  local count = lang.counted(#differences, "difference")
  return lang.format("\n%s between the backup and the database as it is now:\n", count)
    .. out.table({ { title = "what" }, { title = "name" }, { title = "in the backup" }, { title = "now" } }, rows, 2)
    .. more
end

local function leftovers_text(job)
  local lines = {}
  for _, left in ipairs(job.survey.leftovers) do
    lines[#lines + 1] = ("  %s  %s%s\n"):format(
      left.name,
      left.size or "",
      left.busy and lang.text("  somebody is connected: a restore may be at work")
        or "  " .. swap.drop_command(left.name)
    )
  end
  if #lines == 0 then return "" end
  return lang.text("\nLeft by restores that did not come to their end:\n") .. table.concat(lines)
end

local function obstacles_text(out, job)
  local lines = {}
  for _, obstacle in ipairs(swap.obstacles(job.survey)) do
    lines[#lines + 1] = ("  %s\n    %s\n"):format(
      text.printable(lang.message(obstacle.message)),
      text.printable(lang.message(obstacle.hint))
    )
  end
  if #lines == 0 then return "" end
  return "\n" .. out.strong(lang.text("In the way")) .. "\n" .. table.concat(lines)
end

local function disk_text(survey)
  if not survey.needed then return "" end
  local free = survey.free and lang.format("%s free", report.bytes(survey.free))
    or lang.text("how much is free cannot be seen from here")
  return lang.format("disk     up to %s more on the server; %s\n", report.bytes(survey.needed), free)
end

local function plan(job, place, out)
  local parts, survey, names = { heading(job, place, out) }, job.survey, job.names
  local function add(part) parts[#parts + 1] = part end
  if job.exists then
    local sessions = sessions_of(survey)
    add(
      lang.format(
        "replaces database %s, %s; %s connected\n",
        text.printable(names.original),
        report.bytes(survey.database.bytes),
        sessions == 0 and lang.text("nobody is")
          or lang.format(sessions == 1 and "%s is" or "%s are", lang.counted(sessions, "session"))
      )
    )
    add(lang.format("lost     %s\n", lang.message(replaced.lost_text(job.lost))))
  else
    add(lang.format("makes    database %s, which is not there\n", text.printable(names.original)))
  end
  add(disk_text(survey))
  if job.differences then add(differences_text(out, job)) end
  if job.not_compared then
    local why = text.printable(lang.message(job.not_compared))
    add(lang.format("\nNot compared with the database as it is now: %s\n", why))
  end
  add(leftovers_text(job))
  add(obstacles_text(out, job))
  add(
    lang.format(
      "\nIt would be restored into %s, compared with its certificate, and swapped in by name%s.\n",
      names.fresh,
      job.exists and lang.format(";\nthe database of now would be kept as %s", names.before) or ""
    )
  )
  add(lang.format("Nothing was changed. To restore: %s --apply\n", place.command))
  return table.concat(parts)
end

local function result(job, place, out)
  local parts, names = { "\n", heading(job, place, out) }, job.names
  local function add(part) parts[#parts + 1] = part end
  add(lang.format(
    "restored in %s; %s compared, all equal\n",
    report.duration(job.restore_seconds),
    lang.counted(job.tables, "table")
  ))
  add(lang.format("swapped  in %s; %s ended\n", report.duration(job.closed), lang.counted(job.ended, "session")))
  add(lang.format("\nDatabase %s is what it was %s.\n", text.printable(names.original), job.certificate.taken.time))
  if not job.exists then return table.concat(parts) end
  add(lang.format("The replaced database is kept as %s.\n", names.before))
  add(lang.format("  to drop it:       %s\n", swap.drop_command(names.before)))
  add(lang.format("  to swap it back:  %s\n", swap.back_command(names)))
  return table.concat(parts)
end

--- The plan, or the result, as text.
function M.text(job, place, out)
  if job.tables and job.chosen then return heading(job, place, out) .. tables_text.text(job, place, out) end
  if job.planned_only then return plan(job, place, out) end
  return result(job, place, out)
end

local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end

local function list(values, make)
  local made = {}
  for at, value in ipairs(values or {}) do
    made[at] = make(value)
  end
  return setmetatable(made, array)
end

local function difference_of(difference)
  return ordered({ "what", "name", "backup", "now" }, {
    what = difference.what,
    name = difference.name,
    backup = difference.wanted or null,
    now = difference.found or null,
  })
end

local function obstacle_of(obstacle) return ordered({ "kind", "message", "hint" }, obstacle) end

local keys = {
  "format",
  "opsh",
  "rung",
  "outcome",
  "exit",
  "restore",
  "target",
  "backup",
  "database",
  "fresh",
  "kept",
  "lost",
  "sessions",
  "differences",
  "schema",
  "tables",
  "obstacles",
  "leftovers",
  "seconds",
  "closed_seconds",
  "ended_sessions",
  "error",
}

--- The document of a restore: of a plan, of a result, or of a failure. docs/backups.md explains the fields.
function M.document(job, place, _, err, exit)
  local certificate, survey, names = job.certificate, job.survey, job.names or {}
  local done = job.outcome == "restored"
  return ordered(keys, {
    format = document.format,
    opsh = host.version(),
    rung = job.planned_only and "restore plan" or "restore",
    outcome = err and "failed" or job.outcome,
    exit = exit or 0,
    restore = not job.planned_only and job.id or null,
    target = document.target(job, place),
    backup = ordered({ "id", "file", "sha256", "level", "taken" }, {
      id = certificate.id,
      file = job.dump,
      sha256 = certificate.sha256,
      level = certificate.level,
      taken = certificate.taken.time,
    }),
    database = job.identity.database,
    fresh = job.planned_only and names.fresh or job.left or null,
    kept = job.exists and (job.planned_only or done) and names.before or null,
    lost = job.lost and job.lost.transactions and ordered({ "transactions", "wal_bytes" }, {
      transactions = job.lost.transactions,
      wal_bytes = job.lost.wal_bytes,
    }) or null,
    sessions = survey and sessions_of(survey) or null,
    differences = job.differences and list(job.differences, difference_of) or null,
    schema = job.outcome == "restored" and job.schema or null,
    tables = job.chosen and tables_text.document(job.tables) or null,
    obstacles = survey and list(swap.obstacles(survey), obstacle_of) or null,
    leftovers = survey and list(survey.leftovers, function(left) return left.name end) or null,
    seconds = job.restore_seconds or null,
    closed_seconds = job.closed or null,
    ended_sessions = job.ended or null,
    error = document.error_of(err),
  })
end

return M
