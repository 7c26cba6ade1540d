--- Mends what is mechanical: a misspelt name that can only be one other, a dot for a colon, a table missing in writes.
local system = require("opsh.native.system")

local M = {}

--- The findings that can be mended, the last one first; of two at one place only one.
local function mendable(review)
  local list = {}
  for _, finding in ipairs(review.findings) do
    if finding.fix then list[#list + 1] = finding end
  end
  table.sort(list, function(one, other) return one.fix.at > other.fix.at end)
  local kept, before, inserted = {}, math.huge, {}
  for _, finding in ipairs(list) do
    local fix = finding.fix
    local is_insert = fix.last < fix.at
    local again = is_insert and inserted[fix.at .. fix.text]
    if (fix.last < before or is_insert and fix.at <= before) and not again then
      kept[#kept + 1], before = finding, fix.at
      if is_insert then inserted[fix.at .. fix.text] = true end
    end
  end
  return kept
end

--- Rewrites a file by what its findings say. Returns what changed, in the order of the file.
---@param review table
---@return { file: string, line: integer, rule: string, before: string, after: string }[]
function M.apply(review)
  local list = mendable(review)
  if #list == 0 then return {} end
  local source, changes = review.source, {}
  for _, finding in ipairs(list) do
    local fix = finding.fix
    source = source:sub(1, fix.at - 1) .. fix.text .. source:sub(fix.last + 1)
    local line = review:position(fix.at)
    local before = review:line(line)
    local column = fix.at - review.starts[line] + 1
    local after = before:sub(1, column - 1) .. fix.text .. before:sub(column + fix.last - fix.at + 1)
    table.insert(changes, 1, { file = review.path, line = line, rule = finding.rule, before = before, after = after })
  end
  system.replace_file(system.real_path(review.path), source)
  return changes
end

return M
