--- Report files: the items of a step with what became of each, as JSON and CSV. They are made when a step is over, of
--- the rows of its plan and of what is committed, so that a resume, or anybody later, makes the very same.
local audit = require("opsh.host.runbook.audit")
local audit_files = require("opsh.host.runbook.audit_files")
local deeds = require("opsh.host.effects.deeds")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local items = require("opsh.host.report.items")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local native = require("opsh.native.report")
local plans = require("opsh.host.runbook.plans")
local records = require("opsh.host.report.record")
local system = require("opsh.native.system")
local tables = require("opsh.host.report.tables")

local M = {}

local null = json.decode("null")
local head_keys = { "run", "plan", "timestamp", "dry_run", "mode", "runbook", "step", "outcomes", "stats" }

--- The time and the random part of an id, as names of files have them.
local function parts_of(id) return id:match("(%d%d%d%d%d%d%d%d)%-(%d%d%d%d%d%d)%-(%x+)$") end

--- The folder, and the names that the files may get: with the id when there are others of the same second.
local function places(record)
  local day, time, random = parts_of(record.id)
  local folder, name = record.file:match("^(.*)/(.-)$")
  local stem = ("%s_%s_%s"):format(name or record.file, day, time)
  return folder or "", { stem, stem .. "_" .. random }
end

local function head_of(record)
  local day, time = parts_of(record.id)
  local year, month, date = day:match("(....)(..)(..)")
  return json.document(setmetatable({
    run = record.run or null,
    plan = record.mode == "plan" and record.id or null,
    timestamp = ("%s-%s-%sT%s:%s:%sZ"):format(year, month, date, time:match("(..)(..)(..)")),
    dry_run = record.mode ~= "apply",
    mode = record.mode,
    runbook = record.runbook,
    step = record.name,
    outcomes = record.outcomes,
    stats = record.stats,
  }, { __columns = head_keys }))
end

--- The spools of a step, by the item that they begin at. One that was lost was planned again behind what was done.
local function spools_of(directory, number)
  local list = { { first = 0, path = plans.spool_path(directory, { number = number }) } }
  for _, name in ipairs(system.list(directory)) do
    local first = name:match(("^step%%-%d%%-from%%-(%%d+)%%.plan$"):format(number))
    local path = directory .. "/" .. name
    if first == "0" then
      list[1].path = path
    elseif first then
      list[#list + 1] = { first = tonumber(first), path = path }
    end
  end
  table.sort(list, function(one, other) return one.first < other.first end)
  return list
end

local function require_equal(record, counts)
  local names = {}
  for _, values in ipairs({ record.outcomes, counts }) do
    for name in pairs(values) do
      names[name] = true
    end
  end
  for name in pairs(names) do
    local said, found = record.outcomes[name] or 0, counts[name] or 0
    if said ~= found then
      errors.raise(
        "report.items",
        ("the report of step %s has %d items that are %s, and %d are known"):format(record.name, found, name, said)
      )
    end
  end
end

--- Makes the files of a report.
---@param record table complete: of opsh.host.report.record
---@param directory string the folder of the run or plan, with the step's spools
---@param batches fun(): table|nil of opsh.host.report.items
---@return { path: string, sha256: string, bytes: integer, rows: integer }[]
function M.make(record, directory, batches)
  local folder, names = places(record)
  local spools = spools_of(directory, record.step)
  local report = native.items({
    base = record.output,
    folder = folder,
    names = names,
    head = head_of(record),
    list = record.rows,
    columns = record.columns,
    masked = record.masked,
    key = record.key,
    label = record.label,
    spools = spools,
  })
  local ok, result = host.protect(function()
    local rows = 0
    for batch in batches do
      report:add(batch.position, batch.outcome, batch.left_out, batch.last_key)
      rows = batch.position
    end
    report:add_rejected(plans.rejections_path(spools[1].path))
    local counts = report:counts()
    require_equal(record, counts)
    local files = report:publish()
    for _, file in ipairs(files) do
      file.step, file.rows = record.step, rows + (counts.rejected or 0)
    end
    return files
  end)
  report:close()
  if not ok then error(result, 0) end
  return result
end

--- The folder that --output names, absolute.
function M.folder(wanted)
  if system.file_kind(wanted) == "directory" then return system.real_path(wanted) end
  errors.raise("usage.value", ("--output: there is no folder %s"):format(wanted), "make it first")
end

--- The folder that report files begin in, absolute: `job.output`.
---@param given table<string, string[]> options
---@return string
function M.output(given, runbook)
  local wanted = given.output and given.output[1]
  if not wanted then return system.working_directory() end
  local has_report = false
  for _, step in ipairs(runbook.steps) do
    has_report = has_report or step.report ~= nil
  end
  if not has_report then
    errors.raise("usage.option", "--output is for report files, and no step has a report", "leave it out")
  end
  return M.folder(wanted)
end

--- Refuses an apply whose report files could not be written, and remembers where they go.
function M.prepare(job)
  for _, step in ipairs(job.steps) do
    tables.keep(job.directory, step)
    if step.report then
      local record = records.new(job, step, "apply", job.id)
      local folder, names = places(record)
      local ok, err = host.attempt(native.probe_folder, job.output, folder, names[2])
      if not ok then
        errors.raise(
          "refused.report",
          ("step %s: its report files cannot be written: %s"):format(step.name, err.message),
          "nothing was written; mend that, or name another folder with --output"
        )
      end
      records.keep(job.directory, record)
    end
  end
end

--- What stops a run as it would anywhere: who interrupts wants no more, and without a session nothing goes on.
local function stops(err) return err.kind == "interrupted" or err.kind:find("^connection") ~= nil end

--- Makes files that are no part of what was asked for: that they cannot be made is said.
local function try(work, failed)
  local ok, result = host.protect(work)
  if ok then return result end
  if stops(result) then error(result, 0) end
  failed(result)
end

local function note(job, step, files)
  step.reports = files
  for _, file in ipairs(files) do
    job.audit:append("report written", {
      step = step.number,
      name = step.name,
      path = file.path,
      sha256 = file.sha256,
      bytes = file.bytes,
      rows = file.rows,
    })
  end
end

---@param hint string what the person can do
local function incident(job, step, hint)
  return function(err)
    local message = ("%s; %s"):format(err.message, hint)
    deeds.incident(job, { step = step.name, what = "report files", kind = err.kind, message = message })
  end
end

--- What was written before this opsh took the run over.
local function written_before(job, step)
  local files = {}
  for _, entry in ipairs(audit_files.entries(job.directory .. "/" .. audit.file_name)) do
    local details = entry.details
    if entry.event == "report written" and details.step == step.number then files[#files + 1] = details end
  end
  return #files > 0 and files or nil
end

--- Writes the report files of a step whose last batch is committed. What goes wrong is an incident.
function M.finish(job, step)
  local again = "this makes them: opsh report " .. job.id
  if step.result_tables then
    try(function()
      jobs.reading_ledger(
        job,
        function(session) tables.write(session, job.id, job.directory, job.directory, step.number) end
      )
    end, incident(job, step, again))
  end
  local record = step.report and records.kept(job.directory, step.number)
  if not record then return end
  step.reports = step.is_done and written_before(job, step)
  if step.reports then return end
  local files = try(function()
    records.add_done(job, record, step)
    records.keep(job.directory, record)
    return jobs.reading_ledger(
      job,
      function(session) return M.make(record, job.directory, items.committed(session, job.id, step.number)) end
    )
  end, incident(job, step, again))
  if files then note(job, step, files) end
end

--- Writes the report files of what is planned. What goes wrong is a warning.
---@param mode "plan"|"apply" an apply that has nothing to do
---@param id string of the plan, or that the run would have had
function M.plan(job, mode, id)
  for _, step in ipairs(job.steps) do
    if step.report and step.planned then
      step.reports = try(function()
        local record = records.new(job, step, mode, id)
        records.add_plan(record, step)
        return M.make(record, job.directory, items.planned(step))
      end, function(err) job.say(("step %s: no report files: %s"):format(step.name, err.message)) end)
    end
  end
end

--- Writes the report files of what was simulated, after it was rolled back.
function M.simulate(job)
  for _, step in ipairs(job.steps) do
    if step.report and step.done then
      local files = try(function()
        local record = records.new(job, step, "simulate", job.id)
        records.add_done(job, record, step)
        record.outcomes.planned = step.planned.items - step.done.seen
        return M.make(record, job.directory, items.simulated(step, step.simulated_batches))
      end, incident(job, step, "the simulation stands without them"))
      if files then note(job, step, files) end
    end
  end
end

--- Makes the report files of a run again: of its folder and the ledger.
---@param session userdata that reads the ledger
---@param directory string of the run
---@param id string of the run
---@param output? string another folder than that of the run
---@return { path: string, sha256: string, bytes: integer, rows: integer }[]
function M.again(session, directory, id, output)
  local made = {}
  for _, name in ipairs(system.file_kind(directory) == "directory" and system.list(directory) or {}) do
    local number = tonumber(name:match("^step%-(%d+)%.report%.json$"))
    local record = number and records.kept(directory, number)
    if record and record.outcomes then
      record.output = output or record.output
      for _, file in ipairs(M.make(record, directory, items.committed(session, id, number))) do
        made[#made + 1] = file
      end
    end
  end
  return made
end

return M
