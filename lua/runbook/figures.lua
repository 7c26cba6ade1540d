--- `ctx.planned` and `ctx.done`: one shape, and every unknown count is 0.
local decimal = require("opsh.native.decimal")
local json = require("opsh.native.json")

local M = {}

local zero = { __index = function() return 0 end }

local function counts(values)
  local made = {}
  for name, value in pairs(values or {}) do
    local number = tonumber(value)
    -- A sum that a number does not hold exactly stays text; so do NaN and the infinities.
    local exact = number
      and math.abs(number) <= 2 ^ 53
      and decimal.compare(("%.17g"):format(number), tostring(value)) == 0
    made[name] = exact and number or value
  end
  return setmetatable(made, zero)
end

---@param figures? table with any of seen, items, skipped, rejected, failed, labels, totals, counts
function M.new(figures)
  figures = figures or {}
  return {
    seen = figures.seen or 0,
    items = figures.items or 0,
    skipped = figures.skipped or 0,
    rejected = figures.rejected or 0,
    failed = figures.failed or 0,
    labels = counts(figures.labels),
    totals = counts(figures.totals),
    counts = counts(figures.counts),
  }
end

--- How many items a limit of the runbook's allows: a number of its own, or a percentage, rounded down.
---@param limit { count?: integer, percent?: number }
---@param items integer
---@return integer
function M.allowed(limit, items)
  -- 7 percent of 100 is 7, although a double makes a little less of it.
  return limit.count or math.floor(limit.percent * items / 100 + 1e-9)
end

--- A copy of values by name, for JSON: an object also when there are none.
---@param values? table<string, any>
---@return table
function M.object(values)
  local made = {}
  for name, value in pairs(values or {}) do
    made[name] = value
  end
  return setmetatable(made, (json.metatables()))
end

--- Adds the counts that `apply` returned to those of the batch.
function M.add(sums, counted)
  for name, count in pairs(counted or {}) do
    sums[name] = (sums[name] or 0) + count
  end
end

return M
