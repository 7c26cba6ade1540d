--- The audit logs on this machine, held against what the database says of the runs.
local audit = require("opsh.host.runbook.audit")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local ledger = require("opsh.host.runbook.ledger")
local native_audit = require("opsh.native.audit")
local system = require("opsh.native.system")

local M = {}

local every_run = 2 ^ 31

-- What is in a log before the ledger has the run: with nothing else in it, an opsh that ended there did nothing.
local before_the_ledger =
  { ["run started"] = true, planned = true, ["run stopped"] = true, ["torn line"] = true, continued = true }

-- A backup: what it was certified as, and whether it still is there.
local function backup_state(entries)
  local level = "interrupted"
  for _, entry in ipairs(entries) do
    if entry.event == "certificate" then level = entry.details.level end
    if entry.event == "backup pruned" then return "pruned" end
    if entry.event == "backup failed" and level == "interrupted" then level = "failed" end
  end
  return level
end

--- What ends with one entry.
local function state_by_end(finished, done, open)
  return function(entries) return entries[#entries].event == finished and done or open end
end

-- What the ledger never hears of: logs that begin so, and what their state is.
local beside_the_ledger = {
  ["simulation started"] = state_by_end("simulation finished", "simulated", "simulation interrupted"),
  ["rehearsal started"] = state_by_end("rehearsal finished", "rehearsed", "rehearsal interrupted"),
  ["restore started"] = state_by_end("restore finished", "restored", "restore interrupted"),
  ["backup started"] = backup_state,
  ["certify started"] = backup_state,
  ["backup pruned"] = backup_state,
}

-- Folders of the state folder whose folders have a log; ids differ in all of them.
local kinds = { "runs", "backups", "rehearsals" }

M.file_name = audit.file_name

--- The folder of a run, or of what else has a log.
---@param kind "runs"|"backups"|"rehearsals"
function M.directory(state, kind, id) return ("%s/%s/%s"):format(state, kind, id) end

--- Where the log of a run, backup or rehearsal is; of what has none, where a run's would be.
function M.path(state, id)
  for _, kind in ipairs(kinds) do
    local path = M.directory(state, kind, id) .. "/" .. audit.file_name
    if system.file_kind(path) == "file" then return path end
  end
  return M.directory(state, "runs", id) .. "/" .. audit.file_name
end

--- What has a log in this state folder, by ids.
---@return string[]
function M.here(state)
  local found = {}
  for _, kind in ipairs(kinds) do
    local folder = ("%s/%s"):format(state, kind)
    for _, name in ipairs(system.file_kind(folder) == "directory" and system.list(folder) or {}) do
      if system.file_kind(("%s/%s/%s"):format(folder, name, audit.file_name)) == "file" then
        found[#found + 1] = name
      end
    end
  end
  return found
end

--- The entries of a log, as far as they can be read.
---@return table[]
function M.entries(path)
  local list = {}
  for line in system.read_file(path):gmatch("[^\n]+") do
    local ok, entry = pcall(json.decode, line)
    if ok and type(entry) == "table" and type(entry.details) == "table" then list[#list + 1] = entry end
  end
  return list
end

local function started_on(run) return run.operator:match("@([^@]*)$") end

--- Verifies a file: alone, or against the head that the database has.
---@param recorded? { entries: integer, sha256: string }
---@return table { file, first, entries, sha256, problem? }
function M.verify(path, run, recorded)
  local ok, found = host.protect(native_audit.verify, { path = path, run = run, recorded = recorded })
  if not ok then
    if found.kind == "interrupted" then error(found, 0) end
    return { file = path, entries = 0, problem = { kind = "unreadable", message = found.message } }
  end
  return {
    file = path,
    first = found.first,
    entries = found.head.entries,
    sha256 = found.head.sha256,
    problem = found.problem,
  }
end

--- A run that the database knows.
local function judge_known(state, run, recorded)
  local path = M.path(state, run.id)
  local made = { file = path, entries = 0 }
  if system.file_kind(path) == "file" then
    made = M.verify(path, run.id, recorded)
    if not made.problem and not recorded then
      made.problem = { kind = "no_head", message = "the database has no head of this log" }
    end
    if made.problem and made.problem.kind == "cut_tail" then
      made.problem.message = made.problem.message .. "; or it went on on another machine, and the rest is there"
    end
  elseif started_on(run) == system.host() then
    made.problem = { kind = "no_file", message = ("it was started on this machine, and has no log in %s"):format(path) }
  else
    made.elsewhere = ("started on %s: the log is there"):format(started_on(run) or "another machine")
  end
  made.run, made.state, made.recorded = run.id, run.interrupted and "interrupted" or run.state, recorded
  return made
end

--- Of which database a log is: { system_identifier, database_oid }, or nil when it does not say.
local function database_of(entries)
  for _, entry in ipairs(entries) do
    if entry.details.target then return entry.details.target end
  end
end

--- A log whose run the database does not know.
local function judge_unknown(state, id, identity)
  local path = M.path(state, id)
  local made = M.verify(path, id)
  local entries = M.entries(path)
  made.run, made.state = id, "interrupted"
  local target = database_of(entries)
  if
    target
    and (
      target.system_identifier ~= identity.system_identifier or target.database_oid ~= identity.database_oid
    )
  then
    made.other_database, made.state = target.described or target.database, ""
    return made
  end
  local last = entries[#entries]
  if last and last.event == "run stopped" then made.state = last.details.state or made.state end
  local state_of = entries[1] and beside_the_ledger[entries[1].event]
  if state_of then
    made.state = state_of(entries)
    return made
  end
  for _, entry in ipairs(entries) do
    if not before_the_ledger[entry.event] and not made.problem then
      made.problem = {
        kind = "unknown_run",
        entry = entry.sequence,
        message = ("the database does not know the run, and entry %s says that it went on"):format(entry.sequence),
      }
    end
  end
  return made
end

local function recorded_heads(reader)
  local heads = {}
  if not reader:read("select pg_catalog.to_regclass('opsh.audit') is not null as there")[1].there then return heads end
  for _, row in ipairs(reader:read("select a.run, a.entries, a.sha256 from opsh.audit as a")) do
    heads[row.run] = { entries = row.entries, sha256 = row.sha256 }
  end
  return heads
end

--- Judges the runs of a database and the logs of this state folder, in the order of their ids.
---@param reader userdata a read session of the login that writes
---@return table[] judged
function M.judge(reader, state)
  local judged, known = {}, {}
  local heads, identity = recorded_heads(reader), jobs.identify(reader)
  for _, run in ipairs(ledger.runs(reader, every_run)) do
    known[run.id] = true
    judged[#judged + 1] = judge_known(state, run, heads[run.id])
  end
  for _, id in ipairs(M.here(state)) do
    if not known[id] then judged[#judged + 1] = judge_unknown(state, id, identity) end
  end
  table.sort(judged, function(one, other) return one.run < other.run end)
  return judged
end

return M
