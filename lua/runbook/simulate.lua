--- The rung `--simulate`: the real writes of the whole run in one transaction, a savepoint for each batch, always
--- rolled back. Later batches and steps see what earlier ones wrote, as in an apply; nobody else sees anything.
local apply = require("opsh.host.runbook.apply")
local audit = require("opsh.host.runbook.audit")
local batches = require("opsh.host.runbook.batch")
local checks = require("opsh.host.runbook.checks")
local counted = require("opsh.host.counted")
local decimal = require("opsh.native.decimal")
local effect_steps = require("opsh.host.effects.effect_steps")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local hands = require("opsh.host.effects.hands")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local ladder = require("opsh.host.runbook.ladder")
local native = require("opsh.native.simulation")
local planning = require("opsh.host.runbook.planning")
local report_files = require("opsh.host.report.files")
local system = require("opsh.native.system")

local M = {}

--- So many items are simulated unless more are asked for: until the rollback their rows are locked.
M.usual_items = 10000

-- Items that were left out are kept up to this many of each kind; their number is exact.
local kept_left_out = 1000

local function begin_batch(run, step)
  return run.simulation:begin({
    tables = step.tables,
    oids = step.write_oids,
    atomic = step.atomic,
    columns = step.column_limits,
    defines = step.defines,
  })
end

--- Lets `ctx` read inside the transaction, where nothing can be written meanwhile.
local function reading(job, work)
  return batches.with_batch(job, {}, function(batch)
    batch:begin_checks()
    local results = { work(batch) }
    batch:rollback()
    return unpack(results)
  end)
end

local function add(sums, values)
  for name, value in pairs(values or {}) do
    sums[name] = decimal.add(sums[name] or 0, value)
  end
end

--- What adds a step's batches up, and the figures that they make, in the shape that the ledger gives after an apply.
local function adder(job, step)
  local done = { seen = 0, items = 0, skipped = 0, failed = 0, counts = {}, labels = {}, totals = {} }
  done.rejected = step.planned.rejected
  local count = 0
  local left_out, kept = job.simulated.left_out, job.simulated.kept
  local function add_batch(items, result)
    count = count + 1
    done.seen, done.items = done.seen + items, done.items + result.items
    if step.report then
      step.simulated_batches = step.simulated_batches or {}
      table.insert(step.simulated_batches, { position = done.seen, left_out = result.left_out })
    end
    for _, kind in ipairs({ "counts", "labels", "totals" }) do
      add(done[kind], result[kind])
    end
    for _, item in ipairs(result.left_out) do
      local outcome = item.outcome == "failed" and "failed" or "skipped"
      done[outcome] = done[outcome] + 1
      kept[outcome] = kept[outcome] + 1
      if kept[outcome] <= kept_left_out then
        left_out[#left_out + 1] = {
          step = step.number,
          batch = count,
          key = item.key,
          outcome = item.outcome,
          sqlstate = item.sqlstate ~= "" and item.sqlstate or nil,
          message = item.message,
        }
      end
    end
  end
  return add_batch, function()
    local made = figures.new(done)
    made.batches = count
    return made
  end
end

--- Whether a step is simulated, all of it or at least its beginning.
local function is_within(job, step)
  local left = job.simulated.most - job.simulated.items
  if step.planned.items == 0 then return true end
  -- An atomic step is one batch: half of it says nothing.
  return left > 0 and not (step.atomic and step.planned.items > left)
end

local function work_on(job, step, progress)
  job.ctx.planned, job.ctx.done, job.ctx.run = step.planned, figures.new(), job.id
  local add_batch, sum = adder(job, step)
  local shown = progress(step)
  local ok, err = host.protect(apply.from, job, step, shown, { number = 0, position = 0, failed = 0 }, {
    most = job.simulated.most - job.simulated.items,
    done = add_batch,
  })
  shown.finish()
  step.done = sum()
  job.simulated.items = job.simulated.items + step.done.seen
  if not ok then error(err, 0) end
end

local function verify(job, step)
  if not (step.atomic and step.checks) then
    step.checks = reading(job, function(batch) return jobs.verify(job, step, batch) end)
  end
  if checks.passed(step.checks) then return end
  errors.raise(
    "check.failed",
    ("step %s is simulated, and its checks do not pass"):format(step.name),
    "the checks show what would be wrong after an apply"
  )
end

local function work_through(job, progress)
  for _, step in ipairs(job.steps) do
    if effect_steps.lacks_effect(job, step) then job.simulated.whole = false end
    if job.simulated.whole and not step.planned and step.kind == "items" then
      reading(job, function(batch) planning.inside(job, step, batch) end)
      audit.planned(job.audit, { planning.record(step) })
    end
    job.simulated.whole = job.simulated.whole and is_within(job, step)
    if not job.simulated.whole then return end
    -- What runs outside a transaction cannot be taken back.
    step.not_simulated = step.autocommit and step.planned.items > 0
    if step.kind == "items" and not step.not_simulated then
      work_on(job, step, progress)
    else
      step.done = figures.new()
      step.done.batches = 0
    end
    -- What a check would say of the first few of many items judges nothing.
    job.simulated.whole = step.not_simulated or step.done.seen == step.planned.items
    if not job.simulated.whole then return end
    if not step.not_simulated then verify(job, step) end
  end
end

--- What is found although everything went through: the proof of an apply, which a simulation cannot make, would refuse.
local function findings(tables)
  local found = {}
  for _, entry in ipairs(tables) do
    if entry.undeclared then
      found[#found + 1] = {
        table = entry.name,
        message = ("rows of %s are written, and no step that does it declares the table"):format(entry.name),
        hint = ("add %s to the step's writes"):format(entry.name),
      }
    end
    if entry.forbidden then
      found[#found + 1] = {
        table = entry.name,
        message = ("%s is locked with %s, which is more than writing rows takes"):format(
          entry.name,
          entry.lock or "AccessExclusiveLock"
        ),
        hint = "a function or trigger truncates it, locks it or changes it; no step with a journal may do that",
      }
    end
  end
  return found
end

--- Raises when an apply would be refused for what was found.
local function refuse_findings(found)
  if #found == 0 then return end
  local others = #found > 1 and ("; and %s"):format(counted(#found - 1, "more finding")) or ""
  errors.raise(
    "simulation.findings",
    ("an apply would be refused: %s%s"):format(found[1].message, others),
    found[1].hint
  )
end

--- Rolls back, and says what is left of it.
local function finish(job)
  local ok, traces = host.protect(job.simulation.finish, job.simulation)
  job.simulation:close()
  if not ok then error(traces, 0) end
  local simulated = job.simulated
  simulated.traces, simulated.findings = traces, findings(traces.tables)
  if traces.status and traces.status ~= "aborted" and traces.status ~= "in progress" then
    errors.raise(
      "in_doubt",
      ("the simulation was rolled back, and the server says of its transaction %s: %s"):format(
        traces.transaction,
        traces.status
      ),
      "look whether rows of the tables in writes have changed, before anything else is done"
    )
  end
  refuse_findings(simulated.findings)
end

local function totals_of(job)
  local totals = { items = 0, skipped = 0, rejected = 0, failed = 0, batches = 0 }
  for _, step in ipairs(job.steps) do
    for name in pairs(totals) do
      totals[name] = totals[name] + (step.done and step.done[name] or 0)
    end
  end
  return totals
end

local function record_end(job, err)
  for _, step in ipairs(job.steps) do
    if step.checks and #step.checks > 0 then audit.checked(job.audit, step, step.checks) end
  end
  local traces = job.simulated.traces or {}
  audit.simulation_finished(job.audit, {
    outcome = err and "failed" or "done",
    transaction = traces.transaction,
    status = traces.status,
    totals = totals_of(job),
    err = err,
  }, system.clock() - job.began)
end

--- Simulates what was planned. `job.simulated` says what came of it, also when it fails.
---@param most number of items; math.huge for all
---@param progress fun(step: table): { advance: fun(items: integer) }
function M.run(job, most, progress)
  job.hands = hands.resting(job)
  ladder.refuse_unmet(job)
  ladder.announce(job, audit.simulation_started)
  job.simulated =
    { most = most, items = 0, whole = true, findings = {}, left_out = {}, kept = { failed = 0, skipped = 0 } }
  job.begin_batch = begin_batch
  local ok, err = host.protect(function() job.simulation = native.open(job.target, job.id) end)
  if ok then
    ok, err = host.protect(work_through, job, progress)
    local rolled_back, problem = host.protect(finish, job)
    if not rolled_back and (ok or problem.kind == "in_doubt") then
      ok, err = false, problem
    end
  end
  if ok then
    ok, err = host.protect(report_files.simulate, job)
  end
  for _, step in ipairs(job.steps) do
    if step.spool_path then host.protect(system.remove_tree, step.spool_path) end
  end
  local recorded, problem = host.protect(record_end, job, not ok and err or nil)
  if not ok then error(err, 0) end
  if not recorded then error(problem, 0) end
end

return M
