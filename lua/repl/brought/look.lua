--- The items of a step as rows: what its plan finds now, or what was planned for \apply.
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local layouts = require("opsh.host.repl.brought.layout")
local native = require("opsh.native.plan")
local plan = require("opsh.host.runbook.plan")
local plans = require("opsh.host.runbook.plans")
local sample = require("opsh.host.repl.sample")

local M = {}

local block_rows = 500
-- So many rejected items of a kept plan are shown; the file that it keeps has no more of them than their keys.
local most_rejections = 1000

--- What the plan finds now, in blocks.
---@param brought table of brought/runbook.lua
---@param job table that was there when it was asked for
---@return fun(): table|nil blocks
---@return fun(): integer total
local function found_now(brought, job, step)
  local next_row, columns, types, finish = plan.rows(step, {
    reader = brought:reader(),
    ctx = job.ctx,
    scope = job.scope,
    runbook = job.runbook,
  })
  local layout, begun, ended = layouts.new(step, columns, types), false, false
  local function blocks()
    local block = {}
    while not ended and #block < block_rows do
      local row, label, added, reason = next_row()
      ended = row == nil
      if row then
        layout:judge(row, label, added, reason)
        block[#block + 1] = row
      end
    end
    if #block == 0 and begun then return nil end
    begun = true
    return layout:shape(block)
  end
  return blocks, function()
    local found = finish()
    local unread = found.labels.undecodable
    if unread > 0 then
      brought.bench.say(("left out: %s with JSON that cannot be read"):format(counted(unread, "row")))
    end
    return found.seen - unread
  end
end

--- The rejected items of a kept plan: their keys.
local function rejected(step)
  local label = type(step.classify) == "string" and step.classify or "label"
  local list = {}
  for at, item in ipairs(native.rejections(plans.rejections_path(step.spool_path), most_rejections)) do
    local row = { [label] = item.label }
    for part, name in ipairs(step.key) do
      row[name] = item.key[part]
    end
    layouts.mark(row, "rejected", item.reason)
    list[at] = row
  end
  return list
end

--- The items of a kept plan in blocks, and those that it rejects behind them; as found_now.
local function planned_items(brought, step)
  local spool, layout, ended = native.spool(step.spool_path, 0, step.key), nil, false
  local function blocks()
    if ended then return nil end
    local items = spool:take(block_rows)
    ended = items == nil
    local list = items and items:list(brought:reader()) or rejected(step)
    if ended and layout and #list == 0 then return nil end
    local shape = items and debug.getmetatable(list[1]) or { __columns = step.planned.columns, __types = {} }
    layout = layout or layouts.new(step, shape.__columns, shape.__types, step.planned.rejected > 0)
    return layout:shape(list)
  end
  return blocks, function() return spool:rows() + math.min(step.planned.rejected, most_rejections) end
end

--- The first 1000 rows of what `read` gives in blocks; the list knows the way to the others.
---@param read fun(): fun(): table|nil, fun(): integer
local function beginning(read)
  local blocks, total = read()
  local kept = blocks()
  while #kept < sample.most do
    local block = blocks()
    if not block then break end
    for at = 1, math.min(#block, sample.most - #kept) do
      kept[#kept + 1] = block[at]
    end
    -- What a classifier adds may be known only now.
    debug.setmetatable(kept, debug.getmetatable(block))
  end
  sample.begin(kept, total(), function() return (read()) end)
  return kept
end

--- The rows of a step's plan.
---@param brought table of brought/runbook.lua, fresh
---@param name string|nil of the step; without it, the first that works on rows
function M.rows(brought, name)
  local job, step = brought.job, brought:step(name)
  if step.kind ~= "items" then
    errors.raise(
      "script.step",
      ("step %s has no items: it is %s"):format(step.name, step.kind == "manual" and "a question" or "an effect"),
      "=rb.steps shows what the steps do"
    )
  end
  local planned = brought:planned_job()
  local of_plan = planned and planned.steps[step.number]
  if of_plan and of_plan.planned then return beginning(function() return planned_items(brought, of_plan) end) end
  return beginning(function() return found_now(brought, job, step) end)
end

return M
