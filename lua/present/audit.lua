--- Audit logs for people: verdicts, and entries.
local counted = require("opsh.host.counted")
local json = require("opsh.native.json")
local text = require("opsh.native.text")

local M = {}

local function verdict_of(out, made)
  if made.problem then return out.color(31, "BAD") .. "  " .. made.problem.message end
  if made.elsewhere then return "not judged: " .. made.elsewhere end
  local notes = {}
  if made.first and made.first > 1 then
    notes[1] = ("entries before %d are on another machine"):format(made.first)
  end
  if made.other_database then notes[#notes + 1] = "of another database: its end cannot be judged from here" end
  if made.alone then notes[#notes + 1] = "its end cannot be judged without the database" end
  return out.color(32, "good") .. (#notes > 0 and "  " .. table.concat(notes, "; ") or "")
end

--- One line a run, and how many are bad.
---@param judged table[] of audit_files
function M.verdicts(out, judged)
  if #judged == 0 then return "no runs, and no audit logs\n" end
  local rows, bad = {}, 0
  for at, made in ipairs(judged) do
    rows[at] = { made.run, made.state, ("%d"):format(made.entries), verdict_of(out, made) }
    if made.problem then bad = bad + 1 end
  end
  local closing = bad == 0 and "nothing is wrong"
    or ("%s not what was written"):format(bad == 1 and "1 log is" or ("%d logs are"):format(bad))
  return out.table({ { title = "run" }, { title = "state" }, { title = "entries", right = true }, { title = "log" } }, rows)
    .. ("\n%s: %s\n"):format(counted(#judged, "run"), closing)
end

local function figures_text(values)
  local parts = {}
  for name, value in pairs(values or {}) do
    parts[#parts + 1] = ("%s %s"):format(name, tostring(value))
  end
  table.sort(parts)
  return table.concat(parts, ", ")
end

local function checks_text(checks)
  local parts = {}
  for at, check in ipairs(checks) do
    local counts = check.found and ("%s, expected %s"):format(check.found, check.expected) or check.sqlstate
    parts[at] = ("%s: %s%s"):format(check.name, check.outcome, counts and (" (%s)"):format(counts) or "")
  end
  return table.concat(parts, "; ")
end

local function circumstances(add, details)
  add("by", ("%s, uid %d, pid %d%s"):format(details.operator, details.uid, details.pid, details.terminal and ", at a terminal" or ""))
  add("why", details.reason)
  add("command", details.command)
  local target = details.target
  add("target", ("%s%s, database %s (%s) of %s, as %s"):format(
    target.name and target.name .. ": " or "",
    target.described,
    target.database,
    target.database_oid,
    target.system_identifier,
    target.user
  ))
  local git = details.git
  if git then add("commit", git.commit .. (git.dirty and ", with changes" or git.dirty == nil and ", changes unknown" or "")) end
  add("versions", figures_text(details.versions))
  add("settings", figures_text(details.settings))
end

-- What matters of each event; of others, all as JSON.
local facts = {}

facts["run started"] = function(add, details)
  add("runbook", details.title)
  add("script", details.script)
  add("sha256", details.sha256)
  add("undo of", details.undo_of)
  circumstances(add, details)
  for name, texts in pairs(details.params) do
    add("param", ("%s = %s"):format(name, table.concat(texts, ", ")))
  end
  if #details.preconditions > 0 then add("checks", checks_text(details.preconditions)) end
end

facts["run resumed"] = function(add, details)
  add("it was", details.former_state)
  circumstances(add, details)
end

facts["planned"] = function(add, details)
  for _, step in ipairs(details.steps) do
    local tables = {}
    for at, written in ipairs(step.writes) do
      tables[at] = written.name
    end
    add("step " .. step.step, ("%s: %s, will write %s%s"):format(
      step.name,
      counted(step.items, "item"),
      table.concat(tables, ", "),
      step.journaled and "" or ", no journal"
    ))
  end
end

facts["step started"] = function(add, details) add("step " .. details.step, details.name) end

facts["step finished"] = function(add, details)
  add("step " .. details.step, details.name)
  add("done", ("%s, batches %d, left out %d, %.3f s"):format(
    counted(details.items, "item"),
    details.batches,
    details.skipped + details.failed,
    details.seconds
  ))
  if next(details.counts) then add("counts", figures_text(details.counts)) end
end

facts["checked"] = function(add, details)
  add("step " .. details.step, details.name)
  add("checks", checks_text(details.checks))
end

facts["run stopped"] = function(add, details)
  local err = details.error
  add("state", details.state or "not known: the ledger could not be reached")
  add("error", err.kind .. (err.sqlstate and ", SQLSTATE " .. err.sqlstate or "") .. (err.message and ": " .. err.message or ""))
  add("at", err.where)
end

facts["run finished"] = function(add, details)
  add("outcome", details.outcome)
  add("totals", figures_text(details.totals) .. (", %.3f s"):format(details.seconds))
end

--- One entry: when, what, and the facts that matter.
function M.entry(out, entry)
  local when = tostring(entry.time):gsub("T", " "):gsub("Z$", " UTC")
  local lines = { ("%s  %s  %s\n"):format(text.pad_left(tostring(entry.sequence), 3), when, out.strong(text.printable(entry.event))) }
  local function add(name, value)
    if value == nil then return end
    lines[#lines + 1] = ("     %s  %s\n"):format(text.pad_right(text.printable(name), 8), text.printable(tostring(value)))
  end
  -- A line that somebody wrote by hand need not have what its event has.
  local shown = facts[entry.event] and pcall(facts[entry.event], add, entry.details)
  if not shown then add("details", json.encode(entry.details)) end
  return table.concat(lines)
end

return M
