--- How many items the next batch takes. Starts at 1000, aims for 0.5 to 1 s, and grows only while rows per second do
--- not fall: a larger batch that is slower per row holds locks longer for nothing.
local M = {}

local first, most = 1000, 10000
local short, long = 0.5, 1.0
local still_as_fast = 0.9

---@param fixed? integer the runbook's own choice
function M.new(fixed)
  local self = { size = fixed or first, best = 0, ceiling = most }

  --- Learns from a batch of `items` that took `seconds`.
  function self.learn(items, seconds)
    if fixed or items < self.size then return end
    local rate = items / math.max(seconds, 1e-6)
    if seconds > long then
      self.size = math.max(1, math.floor(self.size * math.max(0.25, 0.75 * long / seconds)))
    elseif rate < self.best * still_as_fast then
      self.size = math.max(first, math.floor(self.size / 2))
      self.ceiling = self.size
    elseif seconds < short then
      self.size = math.min(self.ceiling, self.size * 2)
    end
    self.best = math.max(self.best, rate)
  end

  return self
end

return M
