--- The rehearsals that were made, kept in the state folder so that the real run can be held against one: a folder each,
--- with `rehearsal.json`, the audit log, what was shown, and the audit logs of the runs in the scratch database.
local digest = require("opsh.native.digest")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")

local _, array = json.metatables()

local M = {}

local format = 1
local id_pattern = "^%d%d%d%d%d%d%d%d%-%d%d%d%d%d%d%-%x+$"

local function folder_of(state) return state .. "/rehearsals" end

--- The folder of a rehearsal.
function M.directory(state, id) return folder_of(state) .. "/" .. id end

local function record_path(directory) return directory .. "/rehearsal.json" end

local function sha256_of(list) return digest.sha256(json.encode(list)) end

--- What is rehearsed, as one hash: script and modules, params, database. Not the items: that they differ between the
--- backup and today is what a prediction accounts for.
---@param facts table { sha256, params: table<string, string[]>, target = { system_identifier?, database_oid? } }
function M.identity(facts)
  local names, params = {}, {}
  for name in pairs(facts.params) do
    names[#names + 1] = name
  end
  table.sort(names)
  for at, name in ipairs(names) do
    params[at] = { name, table.concat(facts.params[name], "\0") }
  end
  return sha256_of({
    facts.sha256,
    params,
    facts.target.system_identifier or "",
    facts.target.database_oid or "",
  })
end

-- Against a disk's mistakes, not against people: the folder is theirs.
local function seal_of(record)
  local steps = {}
  for at, step in ipairs(record.steps) do
    steps[at] = { tostring(step.number), tostring(step.items), tostring(step.seconds), tostring(step.rows) }
  end
  local made, seconds = tostring(record.made), tostring(record.seconds)
  return sha256_of({ record.id, made, record.identity, record.outcome, seconds, steps })
end

-- Rows that a step changed, by the journal or, without one, by what its batches counted.
local function rows_of(made, number)
  local sum, measured = 0, made.measured or { rows = {}, unjournaled = {} }
  for _, row in ipairs(measured.rows) do
    if row.step == number then sum = sum + row.inserted + row.updated + row.deleted end
  end
  for _, row in ipairs(measured.unjournaled) do
    if row.step == number then sum = sum + row.rows end
  end
  return sum
end

local function to_milliseconds(seconds) return math.floor((seconds or 0) * 1000 + 0.5) / 1000 end

--- What is kept of a rehearsal, so that an apply can be held against it.
---@param job table with `rehearsal`
---@param err? table how it failed
function M.record(job, place, err)
  local made = job.rehearsal
  local subject = made.subject or { database = made.backup.database }
  local record = {
    id = job.id,
    made = os.time(),
    opsh = host.version(),
    operator = system.user() .. "@" .. system.host(),
    runbook = job.runbook.real_path,
    title = job.runbook.title,
    sha256 = job.runbook.sha256,
    params = job.params,
    target = {
      name = place.target.name,
      system_identifier = subject.system_identifier,
      database_oid = subject.database_oid,
      database = subject.database,
    },
    backup = made.backup,
    outcome = err and "failed" or job.outcome,
    seconds = to_milliseconds(made.seconds),
    steps = setmetatable({}, array),
  }
  for at, step in ipairs(job.steps) do
    record.steps[at] = {
      number = step.number,
      name = step.name,
      items = step.planned and step.planned.items or 0,
      rows = rows_of(made, step.number),
      seconds = to_milliseconds(made.step_seconds and made.step_seconds[step.number]),
    }
  end
  record.identity = M.identity(record)
  return record
end

--- Keeps a rehearsal: when this returns, it is on the disk.
---@param directory string of it
---@param record table of M.record
---@param shown { text: string, document: table } what the person sees of it; with statements and rows, as a plan's
function M.keep(directory, record, shown)
  record.format = format
  record.seal = seal_of(record)
  system.write_file(directory .. "/shown.txt", secrets.redacted(shown.text))
  system.write_file(directory .. "/shown.json", json.document(shown.document, true) .. "\n")
  system.write_file(record_path(directory), json.encode(record, true) .. "\n")
end

local function read(directory)
  local ok, record = host.protect(function() return json.decode(system.read_file(record_path(directory))) end)
  if not ok or type(record) ~= "table" or record.format ~= format then return nil end
  local judged, seal = host.protect(seal_of, record)
  return judged and seal == record.seal and record or nil
end

--- The newest rehearsal of this identity that came to its end; nil when there is none. One that is damaged, or that is
--- being made, counts as none.
---@param identity string of M.identity
---@return table|nil record with `age` in seconds
function M.newest(state, identity)
  if system.file_kind(folder_of(state)) ~= "directory" then return nil end
  local ids = {}
  for _, name in ipairs(system.list(folder_of(state))) do
    if name:find(id_pattern) then ids[#ids + 1] = name end
  end
  table.sort(ids, function(one, other) return one > other end)
  for _, id in ipairs(ids) do
    local record = read(M.directory(state, id))
    if record and record.identity == identity and record.outcome == "rehearsed" then
      record.age = math.max(0, os.time() - record.made)
      return record
    end
  end
end

--- How long a planned job will take, by what was rehearsed: each step's time in proportion to its items, and what is
--- not in steps (start, checks) as it was. A step that is not planned yet is taken as it was rehearsed.
---@param record { seconds: number, steps: table[] }
---@param job { steps: table[] } planned
---@return { seconds: number, scaled: boolean, items: integer, rehearsed: integer }
function M.predict(record, job)
  local made = { seconds = record.seconds, scaled = false, items = 0, rehearsed = 0 }
  for _, step in ipairs(record.steps) do
    local planned = job.steps[step.number].planned
    local now = planned and planned.items or step.items
    made.items, made.rehearsed = made.items + now, made.rehearsed + step.items
    if now ~= step.items then
      made.scaled = true
      -- A step that had nothing to do has no rate.
      if step.items > 0 then made.seconds = made.seconds + step.seconds * (now / step.items - 1) end
    end
  end
  return made
end

--- What the newest rehearsal of the same foretells of a planned apply; nil when there was none.
---@param job table planned
---@return table|nil of M.predict, with the rehearsal's `id`, `age` in seconds, and `rows` that it changed
function M.expect(job, state)
  local identity = M.identity({ sha256 = job.runbook.sha256, params = job.params, target = job.identity })
  local found, record = host.protect(M.newest, state, identity)
  if not found or not record then return nil end
  local made = M.predict(record, job)
  made.id, made.age, made.rows = record.id, record.age, 0
  for _, step in ipairs(record.steps) do
    made.rows = made.rows + step.rows
  end
  return made
end

return M
