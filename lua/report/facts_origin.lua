--- Who, when, with what and where: of the run document, the audit log's beginning, the ledger's record and the plan's,
--- whatever of these there is.
local facts_log = require("opsh.host.report.facts_log")
local shape = require("opsh.host.report.shape")

local M = {}

local null, ordered, first_of = shape.null, shape.ordered, shape.first_of

local function utc(words) return words and (words:gsub(" ", "T") .. "Z") or null end

--- The time that stands in an id: "p-20261121-153012-4f2a".
local function time_of(id)
  local parts = { (type(id) == "string" and id or ""):match("(%d%d%d%d)(%d%d)(%d%d)%-(%d%d)(%d%d)(%d%d)%-%x+$") }
  return parts[1] and ("%s-%s-%sT%s:%s:%sZ"):format(unpack(parts)) or null
end

--- When it was planned, began and ended, and each time that an opsh worked on it.
function M.times(found, shown, entries, record, plan)
  local sessions = facts_log.sessions(entries)
  local last, seconds = sessions[#sessions] or {}, null
  for _, session in ipairs(sessions) do
    if session.seconds ~= null then seconds = (seconds == null and 0 or seconds) + session.seconds end
  end
  local running = record and record.state == "running"
  local drift = type(shown.drift) == "table" and shown.drift or {}
  return ordered({ "planned", "started", "finished", "seconds", "sessions" }, {
    planned = first_of(time_of(plan and plan.id), time_of(drift.plan), facts_log.first_time(entries, "planned")),
    started = first_of(sessions[1] and sessions[1].started, record and utc(record.started), time_of(found.id)),
    finished = not running and first_of(
      last.ended,
      record and record.finished and utc(record.finished),
      shown.verify and shown.verify.rounds[#shown.verify.rounds].time
    ) or null,
    seconds = seconds,
    sessions = sessions,
  })
end

local function sources_of(...)
  local list, paths = {}, {}
  local sources = first_of(...)
  for path in pairs(sources ~= null and sources or {}) do
    paths[#paths + 1] = path
  end
  table.sort(paths)
  for at, path in ipairs(paths) do
    list[at] = ordered({ "path", "sha256" }, { path = path, sha256 = sources[path] })
  end
  return shape.list(list)
end

--- The runbook, and from which commit it is.
function M.runbook(shown, start, record, plan)
  local own = shown.runbook or {}
  return ordered({ "path", "title", "sha256", "sources", "git" }, {
    path = first_of(own.path, start.script, record and record.runbook),
    title = first_of(own.title, start.title, record and record.title),
    sha256 = first_of(own.sha256, start.sha256),
    sources = sources_of(record and record.sources, start.sources, plan and plan.sources),
    git = start.git and ordered({ "commit", "tag", "dirty" }, {
      commit = start.git.commit,
      tag = start.git.tag,
      dirty = start.git.dirty,
    }),
  })
end

local target_keys = {
  "name",
  "described",
  "database",
  "user",
  "server_version",
  "system_identifier",
  "database_oid",
  "protected",
  "protected_as",
  "confirmed",
  "insecure",
}

--- The database, as it was asked for and as it calls itself.
function M.target(shown, start, record, plan)
  local made, versions = {}, start.versions or {}
  for _, name in ipairs(target_keys) do
    made[name] = first_of(
      shown.target and shown.target[name],
      start.target and start.target[name],
      record and record.target[name],
      plan and plan.target[name]
    )
  end
  made.server_version = first_of(made.server_version, versions.server)
  made.protected = made.protected == true
  return ordered(target_keys, made)
end

--- What took part.
function M.environment(shown, start, record)
  local versions = start.versions or {}
  return ordered({ "opsh", "libpq", "server", "settings" }, {
    opsh = first_of(versions.opsh, record and record.version, shown.opsh),
    libpq = versions.libpq,
    server = first_of(versions.server, shown.target and shown.target.server_version),
    settings = start.settings,
  })
end

--- The person at opsh.
function M.operator(shown, start, record, plan)
  return ordered({ "name", "uid", "terminal" }, {
    name = first_of(
      start.operator,
      record and record.operator,
      plan and plan.operator,
      shown.verify and shown.verify.operator
    ),
    uid = start.uid,
    terminal = start.terminal,
  })
end

return M
