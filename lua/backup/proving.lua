--- What raises a certificate, a level at a time. Each shows something about the bytes of one open dump, writes the
--- certificate again, and says so in the backup's audit log; what goes wrong leaves it at the level before.
local audit = require("opsh.host.runbook.audit")
local certificates = require("opsh.host.backup.certificates")
local comparison = require("opsh.host.backup.comparison")
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local native_backup = require("opsh.native.backup")
local native_db = require("opsh.native.db")
local stages = require("opsh.host.present.stages")

local M = {}

local named_differences = 10

--- Refuses bytes that are not those of the certificate.
local function require_bytes(subject, sha256)
  local certificate = subject.certificate
  if sha256 == certificate.sha256 then return end
  errors.raise(
    "backup.changed",
    ("%s is not what was certified: its sha256 is %s, and the certificate has %s"):format(
      subject.path,
      sha256,
      certificate.sha256
    ),
    "rely on another backup: this one is damaged, or was replaced; opsh backup list --check looks at all"
  )
end

--- What a certificate keeps of a level that was reached just now.
---@param step { level: string, seconds: number, bytes?: integer, rows?: integer }
function M.step(step)
  step.time, step.seconds = os.date("!%Y-%m-%dT%H:%M:%SZ"), math.floor(step.seconds * 1000 + 0.5) / 1000
  return step
end

--- Keeps what was reached.
---@param subject table { certificate, path, log }
---@param step table of M.step
function M.reached(subject, step)
  local certificate = subject.certificate
  M.step(step)
  local steps = {}
  for _, before in ipairs(certificate.steps or {}) do
    if before.level ~= step.level then steps[#steps + 1] = before end
  end
  steps[#steps + 1] = step
  certificate.steps = steps
  if not certificate.level or not certificates.level_at_least(certificate, step.level) then
    certificate.level = step.level
  end
  subject.log:append("backup " .. step.level, { seconds = step.seconds, bytes = step.bytes, rows = step.rows })
  certificates.write(subject.path, certificate, subject.log)
end

--- Does `work`; when it fails, the audit log has the error, and so has the caller.
---@param subject table { log }
function M.recording(subject, work)
  local results = { host.protect(work) }
  if not results[1] then
    host.protect(subject.log.append, subject.log, "backup failed", { error = audit.error_facts(results[2]) })
    error(results[2], 0)
  end
  return unpack(results, 2, table.maxn(results))
end

--- Hashes the dump: nothing is shown but which bytes these are, or that they are still the same.
function M.written(subject)
  local stage = stages.stage(subject.out, "hashing", "hashed")
  local work = subject.archive:hash()
  local facts = stages.watch(work, stage)
  work:close()
  local certificate = subject.certificate
  if certificate.sha256 then
    require_bytes(subject, facts.sha256)
    stage.done(facts.size, "the bytes that were certified")
  else
    certificate.sha256, certificate.size = facts.sha256, facts.size
    stage.done(facts.size)
    M.reached(subject, { level = "written", seconds = facts.seconds, bytes = facts.size })
  end
end

--- Has pg_restore read and unpack all of it.
function M.readable(subject)
  local stage = stages.stage(subject.out, "reading", "readable")
  local work = subject.archive:read()
  local facts = stages.watch(work, stage)
  work:close()
  if facts.trailing then
    errors.raise(
      "backup.unreadable",
      ("%s goes on behind the end of the dump: something was appended to it"):format(subject.path),
      "it may be two files in one; ask who made it"
    )
  end
  local certificate = subject.certificate
  if certificate.sha256 then
    require_bytes(subject, facts.sha256)
  else
    certificate.sha256, certificate.size = facts.sha256, facts.size
  end
  stage.done(facts.size)
  M.reached(subject, { level = "readable", seconds = facts.seconds, bytes = facts.size })
end

--- Restores it into the scratch.
---@param scratch table of scratch.open
---@param database? table { encoding, collate, ctype } where the certificate does not know them
---@return table restored { conninfo, database, target, ... }
function M.restored(subject, scratch, database)
  local certificate, tables = subject.certificate, nil
  if certificate.only_tables then
    tables = {}
    for at, entry in ipairs(certificate.tables) do
      tables[at] = entry.name
    end
  end
  local origin = { database = database or certificate.database }
  local restored = scratch:restore(subject.archive, origin, { jobs = subject.jobs, tables = tables }, subject.out)
  require_bytes(subject, restored.sha256)
  if scratch.note then M.note(certificate, scratch.note) end
  M.reached(subject, { level = "restored", seconds = restored.seconds })
  return restored
end

--- Adds a note, once.
function M.note(certificate, text)
  certificate.notes = certificate.notes or {}
  for _, known in ipairs(certificate.notes) do
    if known == text then return end
  end
  certificate.notes[#certificate.notes + 1] = text
end

--- Counts and hashes what a database holds, a table after the other.
---@param target table
---@param options { tables?: string[], workers?: integer } of opsh.native.backup.inventory
---@param stage table of stages.stage
---@return table contents
function M.contents(target, options, stage)
  local session = native_db.host_reader(target)
  local ok, contents = host.protect(function()
    local inventory = native_backup.inventory(session, options)
    local count, at = inventory:count(), 0
    while inventory:next() do
      at = at + 1
      stage.update(nil, ("%d of %d tables, %s"):format(at, count, inventory:next()))
      inventory:step()
    end
    return inventory:finish()
  end)
  session:close()
  if not ok then
    stage.broken()
    error(contents, 0)
  end
  return contents
end

--- Marks each table with whether it is among those that differ.
local function mark_tables(certificate, differences)
  local differs = {}
  for _, difference in ipairs(differences) do
    if difference.what == "table" then differs[difference.name] = true end
  end
  for _, entry in ipairs(certificate.tables) do
    entry.equal = not differs[entry.name]
  end
end

local function rows_of(contents)
  local rows = 0
  for _, entry in ipairs(contents.tables) do
    rows = rows + entry.rows
  end
  return rows
end

--- Holds what was restored against what the certificate says of the database at its snapshot.
---@param restored table of M.restored
function M.equal(subject, restored)
  local certificate = subject.certificate
  local stage = stages.stage(subject.out, "comparing", "equal")
  restored.target.statement_seconds = subject.statement_seconds
  local found = M.contents(restored.target, { tables = certificate.only_tables }, stage)
  local differences = comparison.compare(certificate, found)
  mark_tables(certificate, differences)
  if #differences == 0 then
    stage.done(nil, counted(#certificate.tables, "table"))
    M.reached(subject, { level = "equal", seconds = stage.seconds(), rows = rows_of(found) })
    return
  end
  stage.broken()
  certificates.write(subject.path, certificate, subject.log)
  errors.raise(
    "backup.differs",
    ("%s restores, but not to what the database held: %s"):format(
      subject.path,
      comparison.describe(differences, named_differences)
    ),
    "do not rely on it; make another, and if that differs too, look for what changes rows while they are restored"
  )
end

return M
