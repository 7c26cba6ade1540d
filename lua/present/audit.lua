--- Audit logs for people: verdicts, and entries.
local counted = require("opsh.host.counted")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local sorted_names = require("opsh.host.sorted_names")
local text = require("opsh.native.text")

local M = {}

local function verdict_of(made)
  local entry = made.problem and made.problem.entry
  if made.problem then return entry and lang.format("BAD at entry %d", entry) or lang.text("BAD") end
  return lang.text(made.elsewhere and "not judged" or "good")
end

--- What the verdict does not say. Not in the table, whose cells are cut on a narrow terminal.
local function note_of(made)
  local said = made.problem and made.problem.message or made.elsewhere
  if said then return lang.message(said) end
  local notes = {}
  if made.first and made.first > 1 then
    notes[1] = lang.format("entries before %d are on another machine", made.first)
  end
  if made.other_database then
    notes[#notes + 1] = lang.format("of another database (%s): its end cannot be judged from here", made.other_database)
  end
  if made.alone then notes[#notes + 1] = lang.text("its end cannot be judged without the database") end
  return notes[1] and table.concat(notes, "; ")
end

--- One line a run, and how many are bad.
---@param judged table[] of audit_files
function M.verdicts(out, judged)
  if #judged == 0 then return lang.text("no runs, and no audit logs\n") end
  local rows, notes, bad = {}, {}, 0
  for at, made in ipairs(judged) do
    rows[at] = { made.run, lang.text(made.state), ("%d"):format(made.entries), verdict_of(made) }
    local note = note_of(made)
    if note then
      local line = text.printable(("%s: %s"):format(made.run, note))
      notes[#notes + 1] = (made.problem and out.color(31, line) or line) .. "\n"
    end
    if made.problem then bad = bad + 1 end
  end
  local closing = bad == 0 and lang.text("nothing is wrong")
    or lang.format(bad == 1 and "%d log is not what was written" or "%d logs are not what was written", bad)
  local columns = { { title = "run" }, { title = "state" }, { title = "entries", right = true }, { title = "log" } }
  return out.table(columns, rows)
    .. (#notes > 0 and "\n" or "")
    .. table.concat(notes)
    .. ("\n%s: %s\n"):format(lang.counted(#judged, "run"), closing)
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

local function backup_text(backup)
  local name = backup.label or backup.file or backup.why
  return name and ("%s, %s"):format(backup.level, name) or backup.level
end

local function circumstances(add, details)
  local at = details.terminal and ", at a terminal" or ""
  add("by", ("%s, uid %d, pid %d%s"):format(details.operator, details.uid, details.pid, at))
  add("why", details.reason)
  add("command", details.command)
  local target = details.target
  add("target", (target.name and target.name .. ": " or "") .. target.described)
  local identity = target.database_oid and (" (%s) of %s"):format(target.database_oid, target.system_identifier)
  add("database", target.database .. (identity or ""))
  add("as", target.user)
  local confirmed = target.confirmed
  add("protected", confirmed and ("confirmed %s, %s"):format(confirmed.database, confirmed.how))
  add("insecure", target.insecure)
  local git = details.git
  if git then
    local changes = git.dirty == nil and ", changes unknown" or git.dirty and ", with changes" or ""
    add("commit", git.commit .. (git.tag and (" (%s)"):format(git.tag) or "") .. changes)
  end
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
  for _, name in ipairs(sorted_names(details.params)) do
    add("param", ("%s = %s"):format(name, table.concat(details.params[name], ", ")))
  end
  if details.backup then add("backup", backup_text(details.backup)) end
  if details.reading then add("read as", ("%s, %s"):format(details.reading.user, details.reading.level)) end
  if #details.preconditions > 0 then add("checks", checks_text(details.preconditions)) end
end

facts["simulation started"] = facts["run started"]

facts["rehearsal started"] = function(add, details)
  facts["run started"](add, details)
  add("scratch", details.scratch.kind)
end

facts["run resumed"] = function(add, details)
  add("it was", details.former_state)
  circumstances(add, details)
end

facts["journal pruned"] = function(add, details)
  add("rows", details.rows)
  circumstances(add, details)
end

local function drift_text(plan)
  if not plan.id then return plan.note end
  local parts = {}
  for at, step in ipairs(plan.since) do
    parts[at] = ("step %d: %d came, %d went, %d changed"):format(step.step, step.came, step.went, step.changed)
  end
  return ("%s; %s"):format(plan.id, table.concat(parts, "; "))
end

local function planned_text(step)
  if step.manual then return "asks: " .. step.manual end
  if step.effects then return table.concat(step.effects, "; ") end
  local tables = {}
  for at, written in ipairs(step.writes) do
    tables[at] = written.name
  end
  local journal = step.kind == "schema" and ", schema step" or step.journaled and "" or ", no journal"
  if #tables == 0 then return counted(step.items, "item") end
  return ("%s, will write %s%s"):format(counted(step.items, "item"), table.concat(tables, ", "), journal)
end

facts["planned"] = function(add, details)
  for _, step in ipairs(details.steps) do
    add("step " .. step.step, ("%s: %s"):format(step.name, planned_text(step)))
  end
  if details.plan then add("plan", drift_text(details.plan)) end
end

facts["planned again"] = function(add, details)
  add("step " .. details.step, ("%s, behind %s"):format(details.name, counted(details.position, "row")))
end

facts["step started"] = function(add, details) add("step " .. details.step, details.name) end

facts["step finished"] = function(add, details)
  add("step " .. details.step, details.name)
  local items, left_out = counted(details.items, "item"), details.skipped + (details.rejected or 0) + details.failed
  add("done", ("%s, batches %d, left out %d, %.3f s"):format(items, details.batches, left_out, details.seconds))
  if next(details.counts) then add("counts", figures_text(details.counts)) end
end

facts["committing"] = function(add, details)
  add("step " .. details.step, ("%s, %s"):format(details.name, counted(details.statements, "statement")))
  for _, change in ipairs(details.changes) do
    add("changes", ("%s: %s, %s"):format(change.table, counted(change.rows, "row"), change.operation))
  end
  add("sha256", details.sha256)
end

facts["checked"] = function(add, details)
  add("step " .. details.step, details.name)
  add("checks", checks_text(details.checks))
end

facts["report written"] = function(add, details)
  add("step " .. details.step, details.name)
  add("file", ("%s, %s"):format(details.path, counted(details.rows, "row")))
  add("sha256", details.sha256)
end

local function effect(add, details)
  add("step " .. details.step, details.name .. (details.batch and (", batch %d"):format(details.batch) or ""))
  add(details.compensates and "takes back" or "effect", details.what .. (details.again and ", once more" or ""))
end

facts["effect begun"] = effect

facts["effect finished"] = function(add, details)
  effect(add, details)
  add("outcome", ("%s%s%s, %.3f s"):format(
    details.outcome,
    details.status and (" (%d)"):format(details.status) or "",
    details.error and ": " .. details.error or "",
    details.seconds
  ))
end

facts["compensated"] = function(add, details)
  add("step " .. details.step, details.name)
  add("outcome", details.outcome .. (details.error and ": " .. details.error.kind or ""))
end

facts["incident"] = function(add, details)
  add("step", details.name)
  add("what", details.what .. ": " .. details.kind)
end

facts["answered"] = function(add, details)
  add("step " .. details.step, details.name)
  add("question", details.question)
  add("answer", ("%s, by %s (%s)"):format(details.answer, details.by, details.how))
  add("note", details.note)
  local evidence = details.evidence
  add("evidence", evidence and ("%s, %d bytes, sha256 %s"):format(evidence.name, evidence.bytes, evidence.sha256))
end

facts["run stopped"] = function(add, details)
  local err = details.error
  add("state", details.state or "not known: the ledger could not be reached")
  add("error", err.kind .. (err.sqlstate and ", SQLSTATE " .. err.sqlstate or ""))
  add("message", err.message)
  add("at", err.where)
end

facts["run finished"] = function(add, details)
  add("outcome", details.outcome)
  add("totals", figures_text(details.totals) .. (", %.3f s"):format(details.seconds))
  local rehearsed = details.rehearsed
  add("rehearsed", rehearsed and ("%.3f s in %s, took %.3f s"):format(rehearsed.seconds, rehearsed.id, rehearsed.took))
end

facts["simulation finished"] = function(add, details)
  facts["run finished"](add, details)
  add("rolled back", details.transaction and ("transaction %s is %s"):format(details.transaction, details.status))
  if details.error then add("error", details.error.kind) end
end

facts["rehearsal finished"] = function(add, details)
  add("outcome", ("%s, %.3f s"):format(details.outcome, details.seconds))
  add("applied", details.apply_seconds and ("in %.3f s"):format(details.apply_seconds))
  add("undo", details.undo and figures_text(details.undo))
  if details.error then add("error", details.error.kind) end
end

facts["backup started"] = function(add, details)
  add("file", details.file)
  add("wanted", details.level)
  if details.tables then add("tables", table.concat(details.tables, ", ")) end
  if details.target then return circumstances(add, details) end
  add("by", ("%s, uid %d, pid %d"):format(details.operator, details.uid, details.pid))
  add("why", details.reason)
  add("command", details.command)
end

facts["certify started"] = facts["backup started"]

local function reached(add, details)
  add("took", ("%.3f s"):format(details.seconds))
  add("bytes", details.bytes)
  add("rows", details.rows)
end

for _, level in ipairs({ "written", "readable", "restored", "equal" }) do
  facts["backup " .. level] = reached
end

facts["certificate"] = function(add, details)
  add("level", details.level)
  add("sha256", details.sha256)
  add("seal", details.seal)
end

facts["backup failed"] = function(add, details)
  local err = details.error
  add("error", err.kind .. (err.sqlstate and ", SQLSTATE " .. err.sqlstate or ""))
  add("message", err.message)
end

--- One entry: when, what, and the facts that matter.
function M.entry(out, entry)
  local when = tostring(entry.time):gsub("T", " "):gsub("Z$", " UTC")
  local number, event = text.pad_left(tostring(entry.sequence), 3), out.strong(text.printable(entry.event))
  local lines = { ("%s  %s  %s\n"):format(number, text.printable(when), event) }
  local function add(name, value)
    if value == nil then return end
    local padded = text.pad_right(text.printable(name), 8)
    lines[#lines + 1] = ("     %s  %s\n"):format(padded, text.printable(tostring(value)))
  end
  -- A line that somebody wrote by hand need not have what its event has.
  local shown = facts[entry.event] and pcall(facts[entry.event], add, entry.details)
  if not shown then add("details", json.encode(entry.details)) end
  return table.concat(lines)
end

return M
