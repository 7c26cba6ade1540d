--- What a plan rejects, as text and as JSON: rows that are not worked on and that somebody should look at.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")
local _, array = json.metatables()

local shown = 20
local widest_reason = 100

--- Under a step of the plan; empty when it rejects nothing.
function M.render(out, step)
  local planned, rows = step.planned, {}
  if planned.rejected == 0 then return "" end
  for at = 1, math.min(#planned.rejections, shown) do
    local rejection = planned.rejections[at]
    rows[at] = {
      text.printable(table.concat(rejection.key, ", ")),
      text.printable(rejection.label),
      text.fit(rejection.reason or "", widest_reason),
    }
  end
  local more = planned.rejected - #rows
  local heading = lang.format("%s rejected, not worked on", lang.counted(planned.rejected, "item"))
  return ("\n  %s\n"):format(out.color(31, heading))
    .. out.table({ { name = table.concat(step.key, ", ") }, { title = "label" }, { title = "reason" } }, rows, 2)
    .. (more > 0 and lang.format("\n  and %s\n", lang.counted(more, "more item")) or "")
end

--- The first of them; empty for a step without a plan.
function M.document(step)
  local list = setmetatable({}, array)
  for at, rejection in ipairs(step.planned and step.planned.rejections or {}) do
    list[at] = setmetatable({
      key = setmetatable({ unpack(rejection.key) }, array),
      label = rejection.label,
      reason = rejection.reason or null,
    }, { __columns = { "key", "label", "reason" } })
  end
  return list
end

return M
