--- What an undo does about what the run did beyond the database: it runs the compensations of the steps that are still
--- in effect, in their place in the reverse order, and says what nothing takes back. Which they are is in the ledger;
--- to run them it needs the script that the run was started with.
local compensation = require("opsh.host.effects.compensation")
local effect_steps = require("opsh.host.effects.effect_steps")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local hands = require("opsh.host.effects.hands")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local ledger_reads = require("opsh.host.runbook.ledger")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local recorded_script = require("opsh.host.runbook.recorded_script")

local M = {}

local function is_ended(steps, name)
  for _, step in ipairs(steps) do
    local record = step.effects
    if record and record.ends == name and record.state == "done" then return true end
  end
  return false
end

local function describe_deeds(found, step, list)
  for _, deed in ipairs(list) do
    if not deed.compensates and (deed.outcome == "done" or deed.outcome == "failed" or deed.outcome == "begun") then
      found.stays[#found.stays + 1] = { step = step.name, what = deed.what }
    end
  end
end

--- Reads what a run has in effect.
---@return table found { due = { { number, name, record } }, stays = { { step, what } } } the last step first
function M.find(reader, run)
  local found, steps = { due = {}, stays = {} }, ledger_reads.steps(reader, run)
  for at = #steps, 1, -1 do
    local step, record = steps[at], steps[at].effects
    if record and record.deeds and not record.ends and effect_steps.may_be_on(record) then
      if record.compensable and not is_ended(steps, step.name) then
        found.due[#found.due + 1] = { number = step.number, name = step.name, record = record }
      elseif not record.compensable then
        describe_deeds(found, step, record.deeds)
      end
    end
    for _, row in ipairs(ledger_reads.batch_effects(reader, run, step.number)) do
      describe_deeds(found, step, row.effects)
    end
  end
  return found
end

local Effects = {}
Effects.__index = Effects

--- Loads the script, once it is needed. Raises "refused.script".
function Effects:open()
  if self.job or self.left then return end
  local ok, runbook = host.protect(
    recorded_script.load,
    self.original,
    function(path) return load.load(path, options.taken()) end
  )
  if not ok then
    errors.raise(
      "refused.script",
      ("what run %s did beyond the database is taken back by its script: %s"):format(self.original.id, runbook.message),
      "put back the version that the run was started with, or take back the rows alone: --leave-effects"
    )
  end
  local job = jobs.new(runbook, self.target, self.original.params, {
    directory = self.directory,
    sample = 0,
    recorded = true,
  })
  job.hands = hands.acting(job)
  self.job = job
  self.incidents = job.incidents
end

local function take_back(self)
  return function(undo, step)
    local job = self.job
    job.id, job.audit, job.ledger, job.identity, job.say = undo.id, undo.audit, undo.ledger, undo.identity, undo.say
    local own = job.steps[step.number]
    own.record = step.record
    local ok, err = host.protect(
      effect_steps.compensate,
      job,
      own,
      function(head) undo.ledger:record_effects(step.number, 0, json.encode(own.record), head or undo.audit:head()) end
    )
    if ok then return end
    if err.kind == "interrupted" then error(err, 0) end
    error(compensation.undo_failure({ step = own, err = err, by_hand = effect_steps.by_hand(job, own) }), 0)
  end
end

--- Steps of the undo, from what the run has in effect now.
function Effects:steps(reader)
  self.found = M.find(reader, self.original.id)
  local steps = {}
  if self.left then return steps end
  for at, due in ipairs(self.found.due) do
    self:open()
    steps[at] = {
      kind = "effect",
      number = due.number,
      name = due.name,
      record = due.record,
      planned = figures.new(),
      writes = {},
      batches = {},
      journaled = true,
      failures_allowed = 0,
      take_back = take_back(self),
    }
    steps[at].planned.tally = {}
  end
  return steps
end

--- What an undo does about the effects of a run.
---@param original table its record
---@param settings { target: table, directory: string, leave?: boolean }
function M.of(original, settings)
  return setmetatable({
    original = original,
    target = settings.target,
    directory = settings.directory,
    left = settings.leave,
  }, Effects)
end

return M
