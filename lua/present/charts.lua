--- Small charts of block characters, for a terminal.
local M = {}

local steps = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local eighths = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }

--- Values as a line of bars, from nothing to the largest; of more values than columns several are one, their mean.
---@param values number[] none below 0
---@param columns integer at most so many
---@return string
function M.spark(values, columns)
  local width, most, means = math.min(columns, #values), 0, {}
  for at = 1, width do
    local from, to = math.floor((at - 1) * #values / width) + 1, math.floor(at * #values / width)
    local sum = 0
    for place = from, to do
      sum = sum + values[place]
    end
    means[at] = sum / (to - from + 1)
    most = math.max(most, means[at])
  end
  for at, mean in ipairs(means) do
    means[at] = steps[most > 0 and math.max(1, math.ceil(mean / most * #steps)) or 1]
  end
  return table.concat(means)
end

--- A bar whose length is to `columns` as the value is to the largest; of what is there at least a line.
---@return string
function M.bar(value, most, columns)
  if most <= 0 or value <= 0 then return "" end
  local length = math.max(1, math.floor(value / most * columns * 8 + 0.5))
  return ("█"):rep(math.floor(length / 8)) .. (eighths[length % 8] or "")
end

return M
