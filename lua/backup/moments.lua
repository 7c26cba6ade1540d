--- Points in time as certificates and commands write them, in UTC: "2026-11-21T18:45:00Z".
local report = require("opsh.native.report")

local M = {}

-- Two machines' clocks, in seconds: what is no further ahead of ours is not from the future.
local skew = 60

--- Days since 1970-01-01 of a day of the proleptic Gregorian calendar. os.time() would ask the machine's time zone.
local function days(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local century_days = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + century_days + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

--- The seconds since 1970 of an ISO time that says that it is UTC; fractions are dropped.
---@param iso any
---@return integer|nil seconds nothing when it is no such time
function M.seconds(iso)
  if type(iso) ~= "string" then return nil end
  local year, month, day, hour, minute, second, rest =
    iso:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)(.*)$")
  if not year then return nil end
  local zone = rest:gsub("^%.%d+", "")
  if zone ~= "Z" and zone ~= "+00:00" and zone ~= "+00" then return nil end
  month, day, hour, minute, second = tonumber(month), tonumber(day), tonumber(hour), tonumber(minute), tonumber(second)
  if hour > 23 or minute > 59 or second > 60 then return nil end
  local made = days(tonumber(year), month, day) * 86400 + hour * 3600 + minute * 60 + second
  -- The 30th of February comes back as another day.
  if second < 60 and os.date("!%Y-%m-%dT%H:%M:%S", made) ~= iso:sub(1, 19) then return nil end
  return made
end

--- Whether a point in time is ahead of this machine's clock, by more than clocks differ.
---@param seconds integer of M.seconds
function M.is_future(seconds) return seconds > os.time() + skew end

--- How many seconds ago; 0 for what other clocks put a little ahead.
---@param seconds integer of M.seconds
function M.age(seconds) return math.max(0, os.time() - seconds) end

--- "12 min old"
---@param seconds integer of M.age
function M.age_text(seconds) return seconds < 1 and "just made" or report.duration(seconds) .. " old" end

return M
