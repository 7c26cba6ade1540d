--- What the audit log says of a run, for its report: who, why, with what and where, and what happened when.
local audit_files = require("opsh.host.runbook.audit_files")
local shape = require("opsh.host.report.shape")
local system = require("opsh.native.system")

local M = {}

local null, ordered, as_array = shape.null, shape.ordered, shape.list

-- So many entries stand in a report: the first and the last. The file has them all.
local most_entries = 200

local begins = {
  ["run started"] = true,
  ["simulation started"] = true,
  ["rehearsal started"] = true,
  ["run resumed"] = true,
}
local ends = {
  ["run stopped"] = true,
  ["run finished"] = true,
  ["simulation finished"] = true,
  ["rehearsal finished"] = true,
}

--- The entries of a folder's log; none where there is no log.
function M.entries(directory)
  local path = directory .. "/" .. audit_files.file_name
  return system.file_kind(path) == "file" and audit_files.entries(path) or {}
end

--- How the run began: the details of its first entry that says so. Empty where the log is on another machine.
function M.start(entries)
  for _, entry in ipairs(entries) do
    if begins[entry.event] then return entry.details, entry.event end
  end
  return {}
end

--- When something happened for the first time; nil when it did not.
function M.first_time(entries, event)
  for _, entry in ipairs(entries) do
    if entry.event == event then return entry.time end
  end
end

--- Each time that an opsh worked on the run.
function M.sessions(entries)
  local list = {}
  for _, entry in ipairs(entries) do
    local details, last = entry.details, list[#list]
    if begins[entry.event] then
      list[#list + 1] = ordered({ "started", "ended", "seconds", "how", "operator", "reason", "command" }, {
        started = entry.time,
        operator = details.operator,
        reason = details.reason,
        command = details.command,
      })
    elseif ends[entry.event] and last then
      last.ended, last.seconds, last.how = entry.time, details.seconds or null, entry.event
    end
  end
  return as_array(list)
end

--- Checks as the log has them, in the shape of the document: values that are no counts are not in it.
function M.checks_of(recorded)
  local list = {}
  for at, check in ipairs(recorded) do
    list[at] = ordered({ "name", "outcome", "found", "expected", "message", "rows" }, {
      name = check.name,
      outcome = check.outcome,
      found = check.found,
      expected = check.expected,
      rows = as_array(),
    })
  end
  return as_array(list)
end

--- What the checks of steps said, by the log: of a run whose document is lost.
function M.checks(entries)
  local by_step = {}
  for _, entry in ipairs(entries) do
    if entry.event == "checked" then by_step[entry.details.step] = M.checks_of(entry.details.checks) end
  end
  return by_step
end

--- Seconds that opsh worked on each step, all sessions together.
function M.step_seconds(entries)
  local by_step = {}
  for _, entry in ipairs(entries) do
    local details = entry.details
    if entry.event == "step finished" and type(details.seconds) == "number" then
      by_step[details.step] = (by_step[details.step] or 0) + details.seconds
    end
  end
  return by_step
end

local function entry_of(entry)
  return ordered({ "sequence", "time", "event", "details" }, {
    sequence = entry.sequence,
    time = entry.time,
    event = entry.event,
    details = entry.details,
  })
end

--- Whether a log is what was written, and what it says.
---@param recorded? { entries: integer, sha256: string } the head that the database has
---@param alone boolean whether no database ever knows of it
function M.chain(directory, id, entries, recorded, alone)
  local path = directory .. "/" .. audit_files.file_name
  if #entries == 0 then return null end
  local found = audit_files.verify(path, id, recorded)
  local verdict = found.problem and "bad" or (recorded or alone) and "good" or "not judged"
  local list = {}
  for at, entry in ipairs(entries) do
    if at <= most_entries / 2 or at > #entries - most_entries / 2 then list[#list + 1] = entry_of(entry) end
  end
  local keys = { "file", "first", "entries", "sha256", "recorded", "verdict", "problem", "log", "left_out" }
  return ordered(keys, {
    file = path,
    first = found.first,
    entries = found.entries,
    sha256 = found.sha256,
    recorded = recorded,
    verdict = verdict,
    problem = found.problem and ordered({ "kind", "entry", "message" }, {
      kind = found.problem.kind,
      entry = found.problem.entry,
      message = found.problem.message,
    }),
    log = as_array(list),
    left_out = #entries - #list,
  })
end

return M
