--- `ctx.planned` and `ctx.done`: one shape, and every unknown count is 0.
local M = {}

local zero = { __index = function() return 0 end }

local function counts(values)
  local made = {}
  for name, value in pairs(values or {}) do
    made[name] = tonumber(value) and ("%.17g"):format(tonumber(value)) == tostring(value) and tonumber(value)
      or (tonumber(value) and math.abs(tonumber(value)) <= 2 ^ 53 and tonumber(value))
      or value
  end
  return setmetatable(made, zero)
end

---@param figures? table with any of seen, items, skipped, failed, labels, totals, counts
function M.new(figures)
  figures = figures or {}
  return {
    seen = figures.seen or 0,
    items = figures.items or 0,
    skipped = figures.skipped or 0,
    failed = figures.failed or 0,
    labels = counts(figures.labels),
    totals = counts(figures.totals),
    counts = counts(figures.counts),
  }
end

--- Adds the counts that `apply` returned to those of the batch.
function M.add(sums, counted)
  for name, count in pairs(counted or {}) do
    sums[name] = (sums[name] or 0) + count
  end
end

return M
