--- How many of what, for people: "1 item", "1,000 items".
local report = require("opsh.native.report")

---@param count integer
---@param noun string in the singular
---@return string
return function(count, noun) return ("%s %s%s"):format(report.number(count), noun, count == 1 and "" or "s") end
