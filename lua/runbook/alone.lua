--- One item of a schema step with `autocommit`: a statement outside a transaction, which the server takes only so
--- (CREATE INDEX CONCURRENTLY). The ledger's row cannot be part of it. So it is announced before, and what is missing
--- decides when nobody knows whether it was done.
local batches = require("opsh.host.runbook.batch")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local jobs = require("opsh.host.runbook.job")
local ledger_reads = require("opsh.host.runbook.ledger")

local M = {}

--- `tx` of such an item: one statement, and nothing else.
local function transaction(run, step)
  local sent = false
  return setmetatable({
    ddl = function(_, sql)
      if sent then
        errors.raise(
          "sql.refused",
          ("step %s: an item of a step with autocommit is one statement"):format(step.name),
          "let the plan give an item for each"
        )
      end
      sent = true
      local also = run.ledger:define_alone(sql, { defines = step.defines })
      if also ~= "" then run.say(also) end
    end,
  }, {
    __index = function(_, name)
      errors.raise(
        "script.autocommit",
        ("step %s has autocommit: its tx has only ddl, not %s"):format(step.name, tostring(name)),
        "read in the plan, and take what it found from the items"
      )
    end,
    __metatable = "opsh.transaction",
  })
end

--- The items as a function of the author's sees them.
local function listed(run, step, items, work)
  return batches.with_batch(run, step, function(batch)
    local list = batches.author_items(items, batch, step, work)
    batch:rollback()
    return list
  end)
end

--- Calls `work` for the item, again when a lock did not come.
function M.define(run, step, items, work, ctx)
  for number = 1, batches.most_attempts do
    local list = listed(run, step, items, work)
    local ok, counts = host.protect(work, transaction(run, step), list, ctx)
    if ok then return batches.counts_of(step, counts) end
    if number == batches.most_attempts or not batches.passes(counts, step, number, run.say) then error(counts, 0) end
  end
end

--- Records an item that is done.
---@param counts table<string, number>
function M.record(run, step, place, items, counts)
  local outcome, token, result = batches.with_batch(run, step, function(batch)
    local done = items:figures({ tally = {}, totals = step.totals or {}, label_column = step.label_column })
    batch:record({
      step = step.number,
      number = place.number,
      position = place.position,
      first_key = items:key(1),
      last_key = items:key(1),
      items = items:size(),
      left_out = {},
      figures = json.encode({
        counts = counts,
        labels = done.labels,
        totals = done.totals,
      }),
    })
    local outcome, token = batch:finish()
    local made = { items = items:size(), left_out = {}, counts = counts, labels = done.labels, totals = done.totals }
    return outcome, token, made
  end)
  batches.settle(run, step, place, outcome, token)
  return result
end

--- Does one item, which the plan says is missing.
function M.run(run, step, place, items)
  run.ledger:begin_alone({ step = step.number, number = place.number }, items)
  run.begun = true
  return M.record(run, step, place, items, M.define(run, step, items, step.apply, run.ctx))
end

--- Of a run that goes on: an item was begun, and is not among what is missing. So it is done, and is recorded.
---@return integer how many items that are: 0 or 1
function M.settle(run, step, standing, is_missing)
  local number = standing.number + 1
  local begun = jobs.reading_ledger(
    run,
    function(session) return ledger_reads.is_begun(session, run.id, step.number, number) end
  )
  if not begun then return 0 end
  local items = batches.with_batch(run, step, function(batch)
    local kept = batch:kept({ run = run.id, step = step.number, number = number })
    batch:rollback()
    return kept
  end)
  if is_missing(items:key(1)) then return 0 end
  M.record(run, step, { number = number, position = standing.position + 1 }, items, {})
  run.say(("step %s: %s was done before the run was cut off"):format(step.name, table.concat(items:key(1), ", ")))
  return 1
end

return M
