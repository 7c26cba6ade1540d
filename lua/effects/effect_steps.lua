--- Steps whose work is beyond the database: `effect` does it, `compensate` takes it back when the run fails after it or
--- is undone. `ends = "another step"` does that other step's compensation as the run's own work.
---
--- `step.record` is what the ledger keeps of such a step: { state, deeds, remembered }; `state` is "begun", "done",
--- "compensated" or "compensation failed".
local deeds = require("opsh.host.effects.deeds")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local records = require("opsh.host.effects.records")
local secrets = require("opsh.native.secrets")
local so_far = require("opsh.host.effects.so_far")
local system = require("opsh.native.system")

local object, array = json.metatables()
local null = json.decode("null")

local M = {}

--- What a step without items has where others have their plan's.
function M.without_items(step)
  step.planned = figures.new()
  step.planned.tally, step.planned.sample, step.planned.columns = {}, {}, {}
  step.write_oids, step.failures_allowed = {}, 0
end

local function new_record() return { deeds = setmetatable({}, array), remembered = setmetatable({}, object) } end

local function named(job, name)
  for _, step in ipairs(job.steps) do
    if step.name == name then return step end
  end
end

--- The function that does a step.
local function work_of(job, step) return step.effect or named(job, step.ends).compensate end

--- Whose memory a step uses: that which it ends has its own.
local function remembering(job, step) return step.ends and named(job, step.ends) or step end

--- `ctx:remember(name, value)`: keeps the value the first time, and gives what was kept. So what is put back is what
--- was there before the first attempt, whoever puts it back, and when.
local function remember(job)
  return function(_, name, ...)
    local of = job.memory
    if not of then errors.raise("script.effects", "ctx:remember is for effect and compensate") end
    local kept = of.record.remembered[name]
    if kept == nil then
      if select("#", ...) == 0 then return nil end
      kept = (...)
      if kept == nil then kept = null end
      if secrets.holds(json.encode(kept)) then
        errors.raise(
          "script.effects",
          ("what is remembered as %s has a secret in it, and would stay in the database"):format(name),
          "remember something that tells where it is"
        )
      end
      of.record.remembered[name] = kept
      if job.hands.acts then deeds.save(job, of.saved_as, nil) end
    end
    if kept == null then return nil end
    return kept
  end
end

--- Calls an effect or a compensation with what its `ctx` has beyond that of others.
local function with_context(job, step, work)
  local ctx = job.ctx
  local memory = remembering(job, step)
  memory.record = memory.record or new_record()
  job.memory = { record = memory.record, saved_as = memory }
  ctx.planned, ctx.done, ctx.run = step.planned, figures.new(), job.hands.acts and job.id or nil
  ctx.so_far, ctx.remember = so_far.of(job), remember(job)
  local results = { host.protect(work, ctx) }
  job.memory, ctx.so_far, ctx.remember = nil, nil, nil
  if not results[1] then error(results[2], 0) end
  return unpack(results, 2, table.maxn(results))
end

--- Says what a step would do, and what its compensation would. In the session that plans.
function M.foretell(job, step)
  M.without_items(step)
  if step.after then return end
  local memory = remembering(job, step)
  local record = memory.record
  -- A step that ends another one puts back what that one would remember.
  memory.record = record or (step.ends and memory.foretold_record)
  local function foretold(work)
    return with_context(job, step, function(ctx) return job.hands.foretell(work, ctx) end)
  end
  step.foretold = foretold(work_of(job, step))
  step.foretold_compensation = step.compensate and foretold(step.compensate) or nil
  -- What it remembered meanwhile is what was foretold.
  memory.foretold_record, memory.record = memory.record, record
end

--- Whether a step comes after an effect that this rung does not do: what it works on may not be there.
function M.lacks_effect(job, step)
  local before = not job.hands.acts and step.after and named(job, step.after)
  return before and (before.kind == "effect" or M.lacks_effect(job, before)) or false
end

--- What is in the way of effects, of all steps: { step, what, obstacle }.
function M.obstacles(job)
  local found = {}
  for _, step in ipairs(job.steps) do
    for _, list in ipairs({ step.foretold or {}, step.foretold_compensation or {} }) do
      for _, entry in ipairs(list) do
        if entry.obstacle and not entry.best_effort then
          found[#found + 1] = { step = step.name, what = entry.what, obstacle = entry.obstacle }
        end
      end
    end
  end
  return found
end

--- Refuses an apply whose effects cannot succeed, before anything is written.
function M.refuse_obstacles(job)
  local found = M.obstacles(job)
  if #found == 0 then return end
  local first = found[1]
  errors.raise(
    "refused.effect",
    ("step %s cannot %s: %s%s"):format(
      first.step,
      first.what,
      first.obstacle.message,
      #found > 1 and ("; and %d more"):format(#found - 1) or ""
    ),
    (first.obstacle.hint ~= "" and first.obstacle.hint or "mend it") .. "; nothing was written"
  )
end

--- Whether a step has been done and stays done.
function M.stands(step) return step.record ~= nil and step.record.state == "done" end

--- Whether something of a step is, or may be, in effect.
local function may_be_on(record)
  if not record then return false end
  if record.state == "done" or record.state == "compensation failed" then return true end
  if record.state ~= "begun" then return false end
  for at = (record.since or 0) + 1, #record.deeds do
    local deed = record.deeds[at]
    if not deed.compensates and deed.outcome ~= "not done" then return true end
  end
  return false
end

M.may_be_on = may_be_on

local function is_ended(job, step)
  for _, other in ipairs(job.steps) do
    if other.ends == step.name and M.stands(other) then return true end
  end
  return false
end

--- The steps that are, or may be, in effect, that nothing ended and that can be taken back, the last one first.
---@return table[]
function M.on(job)
  local found = {}
  for _, step in ipairs(job.steps) do
    if step.compensate and may_be_on(step.record) and not is_ended(job, step) then table.insert(found, 1, step) end
  end
  return found
end

--- Whether anything was done beyond the database that was not taken back.
function M.any(job)
  for _, step in ipairs(job.steps) do
    if step.kind == "effect" and may_be_on(step.record) then return true end
  end
  return false
end

--- What a person would do to take a step back.
function M.by_hand(job, step)
  local function foretell(ctx) return job.hands.foretell(step.compensate, ctx) end
  local ok, list = host.protect(with_context, job, step, foretell)
  local words = {}
  for at, entry in ipairs(ok and list or {}) do
    words[at] = entry.by_hand or entry.what
  end
  return table.concat(words, "; ")
end

--- Runs a function of a step's whose effects are recorded with the step.
---@param doing table of deeds.doing
local function act(job, step, work, doing)
  job.doing = doing
  local ok, err = host.protect(with_context, job, step, function(ctx) return job.hands.serve("effect", work, ctx) end)
  job.doing = nil
  if not ok then error(err, 0) end
end

--- Does a step.
function M.work(job, step)
  M.without_items(step)
  if not job.hands.acts then return end
  local again = step.record and step.record.state == "begun"
  if again then
    job.say(("step %s was begun and not finished: it is done again"):format(step.name))
  end
  local record = step.record or new_record()
  step.record = record
  if record.state == "compensated" then
    record.remembered, record.since = setmetatable({}, object), #record.deeds
  end
  record.state, record.ends, record.compensable = "begun", step.ends, step.compensate ~= nil
  deeds.save(job, step)
  jobs.reading(job, function()
    act(job, step, work_of(job, step), {
      step = step,
      deeds = record.deeds,
      again = again or nil,
      save = function(head) deeds.save(job, step, head) end,
    })
  end)
  record.state = "done"
  deeds.save(job, step)
end

--- Takes a step back. Keeps going where nothing can be recorded: that the application stays down is worse.
---@param saved fun(head: table|nil) keeps the step's record
function M.compensate(job, step, saved)
  local record, began = step.record, system.clock()
  local function save(head) host.protect(saved, head) end
  local ok, err = host.protect(
    act,
    job,
    step,
    step.compensate,
    { step = step, deeds = record.deeds, compensates = true, save = save }
  )
  record.state = ok and "compensated" or "compensation failed"
  local _, head =
    host.protect(records.compensated, job.audit, step, { ok = ok, err = not ok and err or nil }, system.clock() - began)
  save(type(head) == "table" and head.entries and head or nil)
  if not ok then error(err, 0) end
end

return M
