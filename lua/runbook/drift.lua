--- Whether an apply is what was planned: the plan that it is compared with, and what came, went and changed since.
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local native_plan = require("opsh.native.plan")
local plans = require("opsh.host.runbook.plans")
local redaction = require("opsh.host.runbook.redaction")
local report = require("opsh.native.report")

local M = {}

local shown_items = 10

local function plan_again(job) return "plan again, and look at it: " .. job.plan_command end

local function same_values(left, right)
  for name, texts in pairs(left) do
    local other = rawget(right, name)
    if not other or #other ~= #texts then return false end
    for at, one in ipairs(texts) do
      if one ~= other[at] then return false end
    end
  end
  for name in pairs(right) do
    if not rawget(left, name) then return false end
  end
  return true
end

local function same_database(left, right)
  return left.system_identifier == right.system_identifier
    and left.database_oid == right.database_oid
    and left.sandbox == right.sandbox
end

--- Why a plan is good for no apply any more; nil when it is.
local function spent(plan, place)
  if plan.state == "applied" then return ("plan %s was applied by run %s"):format(plan.id, plan.applied_by) end
  if plan.state ~= "expired" then return nil end
  return ("plan %s was made %s ago, and expired after %s"):format(
    plan.id,
    report.duration(plan.age),
    report.duration(plans.max_age(place.config.targets, plan.target.name))
  )
end

--- Which file is not what it was when the plan was made; nil when all are.
local function changed_source(plan, runbook)
  for path, sha256 in pairs(plan.sources) do
    local now = runbook.sources[path]
    if not now then return ("%s was part of plan %s, and is not any more"):format(path, plan.id) end
    if now ~= sha256 then return ("%s has changed since plan %s was made"):format(path, plan.id) end
  end
  for path in pairs(runbook.sources) do
    if not rawget(plan.sources, path) then return ("%s was not part of plan %s"):format(path, plan.id) end
  end
end

local function refuse(kind, job, message) errors.raise(kind, message, plan_again(job)) end

--- The plan that --plan names, before anything is asked of the server. Refuses one that is spent, or of another script
--- or other params.
function M.wanted(job, place, id)
  local plan = plans.named(place.state, place.config.targets, id)
  local is_spent = spent(plan, place)
  if is_spent then refuse("refused.plan", job, is_spent) end
  if plan.runbook ~= job.runbook.real_path then
    refuse("refused.plan", job, ("plan %s is of the runbook %s"):format(plan.id, plan.runbook))
  end
  local source = changed_source(plan, job.runbook)
  if source then refuse("refused.script", job, source) end
  if not same_values(plan.params, job.params) then
    refuse("refused.params", job, ("plan %s was made with other params"):format(plan.id))
  end
  return plan
end

--- The newest plan of this runbook, with these params, on this database; first of all those made for this target, since
--- the schemas of a database may be the targets of as many tenants.
local function newest(job, place, target)
  local of_another
  for _, plan in ipairs(plans.list(place.state, place.config.targets)) do
    if plan.state == "damaged" then
      job.say(plan.message .. "; it is left out")
    elseif
      plan.runbook == job.runbook.real_path
      and same_database(plan.target, target)
      and same_values(plan.params, job.params)
    then
      if plan.target.name == job.target.name then return plan end
      of_another = of_another or plan
    end
  end
  return of_another
end

--- Columns by name: what is another one in `now`, in words.
local function column_changes(before, now, of)
  local changes, then_, there = {}, {}, {}
  for _, column in ipairs(before) do
    then_[column.name] = column.type
  end
  for _, column in ipairs(now) do
    there[column.name] = true
    local type_ = then_[column.name]
    if not type_ then
      changes[#changes + 1] = ("the column %s (%s) of %s was not there"):format(column.name, column.type, of)
    elseif type_ ~= column.type then
      changes[#changes + 1] = ("the column %s of %s is %s, and was %s"):format(column.name, of, column.type, type_)
    end
  end
  for _, column in ipairs(before) do
    if not there[column.name] then changes[#changes + 1] = ("the column %s of %s is gone"):format(column.name, of) end
  end
  return changes
end

--- Tables may stand there twice: a step that is planned behind a schema step writes what that one changes.
local function table_changes(before, now)
  local changes, then_, there = {}, {}, {}
  for _, written in ipairs(before) do
    then_[written.name] = written.columns
  end
  for _, written in ipairs(now) do
    local columns = then_[written.name]
    if not columns then
      changes[#changes + 1] = ("the table %s was not among those to be written"):format(written.name)
    else
      for _, change in ipairs(column_changes(columns, written.columns, written.name)) do
        changes[#changes + 1] = change
      end
    end
    there[written.name] = true
  end
  for name in pairs(then_) do
    if not there[name] then
      changes[#changes + 1] = ("the table %s is not among those to be written any more"):format(name)
    end
  end
  table.sort(changes)
  return changes
end

--- Steps behind a schema step that are planned at once where they were not, or the other way round, as after an undo of
--- what it made: neither their tables nor their items can be compared.
local function turn_changes(job, plan)
  local changes = {}
  for _, step in ipairs(job.steps) do
    local is_planned = step.planned ~= nil
    if step.kind == "items" and is_planned ~= (plan.steps[step.number].items ~= nil) then
      local message = is_planned and "step %s is planned at once this time, and cannot be compared"
        or "step %s is planned when its turn comes this time, and cannot be compared"
      changes[#changes + 1] = message:format(step.name)
    end
  end
  return changes
end

--- The columns of a step's rows. What a classifying function adds has the type of its first value, whatever the others
--- are: of those only the names.
local function columns_of(step, path)
  local columns, adds = native_plan.spool_columns(path), false
  for _, column in ipairs(columns) do
    adds = adds or (type(step.classify) == "function" and column.name == "label")
    if adds then column.type = "any type" end
  end
  return columns
end

local function compare_rows(job, step, path)
  local made = { number = step.number, name = step.name }
  local found = native_plan.compare(path, step.spool_path, {
    key = step.key,
    folder = job.directory,
    shown = shown_items,
  })
  local hidden = redaction.set(step.redact)
  for _, item in ipairs(found.first_changed) do
    for _, value in ipairs(item.values) do
      if hidden[value.column] then
        value.before, value.now = redaction.mask(value.before), redaction.mask(value.now)
      end
    end
  end
  for name, value in pairs(found) do
    made[name] = value
  end
  made.tolerated = figures.allowed(step.tolerance, made.before)
  return made
end

--- How a step's plan differs from the one in `plan`.
local function compare_step(job, step, plan)
  local path = plans.spool_path(plan.directory, step)
  local ok, made = host.protect(function()
    local before, now = columns_of(step, path), columns_of(step, step.spool_path)
    -- Without items what a classifier adds is not known.
    local both = plan.steps[step.number].items > 0 and step.planned.items > 0
    local columns = both and column_changes(before, now, ("the plan of step %s"):format(step.name)) or {}
    if #columns > 0 then return { number = step.number, name = step.name, columns = columns } end
    return compare_rows(job, step, path)
  end)
  if ok and (made.columns or made.before == plan.steps[step.number].items) then return made end
  if ok then made = { kind = "spool.damaged", message = ("the rows in %s are of another plan"):format(path) } end
  if made.kind ~= "spool.damaged" and made.kind ~= "spool.read" then error(made, 0) end
  refuse("refused.plan", job, ("plan %s cannot be compared: %s"):format(plan.id, made.message))
end

local function exceeds(step) return step.columns or step.came + step.went + step.changed > step.tolerated end

local function counts_text(step)
  return ("%s came, %s went, %s changed of %s planned, and %s tolerated"):format(
    report.number(step.came),
    report.number(step.went),
    report.number(step.changed),
    report.number(step.before),
    report.number(step.tolerated)
  )
end

--- What stands against applying, by kind and in words; nil when nothing does.
local function objection(drift)
  if #drift.tables > 0 then return "refused.drift", ("since plan %s: %s"):format(drift.plan.id, drift.tables[1]) end
  for _, step in ipairs(drift.steps) do
    if exceeds(step) then
      local what = step.columns and step.columns[1] or ("step %s: %s"):format(step.name, counts_text(step))
      return "refused.drift", ("since plan %s: %s"):format(drift.plan.id, what)
    end
  end
end

local function not_compared(job, note)
  job.drift = { note = note, tables = {}, steps = {} }
  if job.target.protected then
    local message = "the target is protected and needs a fresh plan: " .. note
    job.drift.objection = { kind = "refused.plan", message = message }
  end
end

--- Compares a planned job with the plan that --plan named, else with the newest of the same runbook, params and
--- database: `job.drift`. Refuses a named plan of another database; the rest is for `require_planned`.
---@param wanted? table of M.wanted
function M.examine(job, place, wanted)
  -- Read again: planning took its time, and another apply may have been faster.
  local facts = plans.facts(job)
  local plan = wanted and plans.named(place.state, place.config.targets, wanted.id) or newest(job, place, facts.target)
  job.plan = { identity = facts.identity }
  if not plan then return not_compared(job, "no earlier plan to compare with") end
  if plan.target.sandbox ~= facts.target.sandbox then
    refuse("refused.target", job, ("plan %s was made in another sandbox, or in none"):format(plan.id))
  end
  if not same_database(plan.target, facts.target) then
    local message = "plan %s is of database %s (system %s, oid %s); this is %s (system %s, oid %s)"
    local there, here = plan.target, facts.target
    refuse(
      "refused.target",
      job,
      message:format(
        plan.id,
        there.database,
        there.system_identifier,
        there.database_oid,
        here.database,
        here.system_identifier,
        here.database_oid
      )
    )
  end
  local reason = spent(plan, place) or changed_source(plan, job.runbook)
  if reason and wanted then refuse("refused.plan", job, reason) end
  if reason then return not_compared(job, reason .. ": not compared with it") end
  local turns = turn_changes(job, plan)
  local drift = { plan = plan, tables = turns[1] and turns or table_changes(plan.tables, facts.tables), steps = {} }
  for _, step in ipairs(job.steps) do
    local both = step.planned and plan.steps[step.number].items
    if both and step.kind == "items" then drift.steps[#drift.steps + 1] = compare_step(job, step, plan) end
  end
  job.drift = drift
  local kind, message = objection(drift)
  drift.objection = kind and { kind = kind, message = message }
end

--- Raises when the job is not what was planned, or was not planned where it must be.
function M.require_planned(job)
  local found = job.drift.objection
  if found then refuse(found.kind, job, found.message) end
end

--- What the audit log says of it: no keys, no values.
function M.audit_facts(job)
  if not job.drift then return nil end
  local drift, steps = job.drift, {}
  for at, step in ipairs(drift.steps) do
    steps[at] = {
      step = step.number,
      items = step.before,
      came = step.came,
      went = step.went,
      changed = step.changed,
      tolerated = step.tolerated,
    }
  end
  local compared = drift.plan ~= nil
  return {
    identity = job.plan.identity,
    id = compared and drift.plan.id or nil,
    note = drift.note,
    since = compared and steps or nil,
  }
end

return M
