--- How many items the next batch takes. Starts at 1000, aims for 0.5 to 1 s, and grows only while rows per second do
--- not fall: a larger batch that is slower per row holds locks longer for nothing.
local M = {}

local first, largest = 1000, 10000
local short, long = 0.5, 1.0
-- One batch says little: a checkpoint or a neighbour slows any. A size is judged by the mean of some.
local judged_by = 3
local still_as_fast = 0.9
-- After a size turned out slower, so many batches pass before it is tried again.
local rest = 50

---@param fixed? integer the runbook's own choice
---@param limit? integer what whoever runs it allows
---@return { size: integer, learn: fun(items: integer, seconds: number) }
function M.new(fixed, limit)
  local most = math.min(largest, limit or largest)
  local self = { size = math.min(fixed or first, most) }
  local batches, items_seen, seconds_seen = 0, 0, 0
  local smaller_size, smaller_rate, resting = nil, nil, 0

  local function change(size)
    self.size = math.max(1, math.min(most, math.floor(size)))
    batches, items_seen, seconds_seen = 0, 0, 0
  end

  local function judge()
    local rate, mean = items_seen / seconds_seen, seconds_seen / batches
    if smaller_rate and rate < smaller_rate * still_as_fast then
      resting = rest
      change(smaller_size)
      smaller_rate = nil
    elseif mean < short and self.size < most and resting == 0 then
      smaller_size, smaller_rate = self.size, rate
      change(self.size * 2)
    else
      change(self.size)
    end
  end

  --- Learns from a batch of `items` that took `seconds`.
  function self.learn(items, seconds)
    if fixed or items < self.size then return end
    resting = math.max(0, resting - 1)
    batches, items_seen, seconds_seen = batches + 1, items_seen + items, seconds_seen + math.max(seconds, 1e-6)
    if seconds > long then
      smaller_rate = nil
      change(self.size * math.max(0.25, 0.75 * long / seconds))
    elseif batches == judged_by then
      judge()
    end
  end

  return self
end

return M
