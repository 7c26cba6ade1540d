--- What stands before what is typed: where it goes, and what it may do there.
local text = require("opsh.native.text")

local M = {}

-- The prompt leaves at least as much of the line to what is typed.
local most = 0.5

local red = "1;31"

--- Where the session is, as the server named it when it connected: the login may have another name there.
---@param session table of session.new
---@return table { database, user, environment, protected }
function M.whereabouts(session)
  local place = session:place()
  if not place.whereabouts then
    local database, user = session:reader():login()
    place.whereabouts = {
      database = text.printable(database),
      user = text.printable(user),
      environment = place.target.name and text.printable(place.target.name),
      protected = place.target.protected == true,
    }
  end
  return place.whereabouts
end

--- The longest of the forms that fits, and a part of the shortest when none does.
local function fitting(forms, columns)
  local room = columns > 0 and math.max(math.floor(columns * most), 6) or math.huge
  for _, form in ipairs(forms) do
    if text.width(form) <= room then return form end
  end
  return text.fit(forms[#forms], room)
end

--- The prompt. "staging app@shop=> " reads; "shop safe=> " reads for good; "shop writing*=> " has a transaction open,
--- "shop writing!=> " one that failed.
---@param at table of whereabouts
---@param state? { mode?: "safe"|"writing", transaction?: "open"|"failed", lost?: boolean }
---@param columns integer of the terminal; 0 when they are not known
---@return table { prompt, next, style } as the editor wants them
function M.of(at, state, columns)
  state = state or {}
  local mark = state.transaction == "failed" and "!" or state.transaction == "open" and "*" or ""
  local mode = (state.mode and " " .. state.mode or "") .. (state.lost and " lost" or "") .. mark
  local environment = at.environment and at.environment .. " " or ""
  local head = fitting({
    environment .. at.user .. "@" .. at.database .. mode,
    environment .. at.database .. mode,
    at.database .. mode,
    at.database .. mark,
  }, columns)
  return { prompt = head .. "=> ", next = head, style = at.protected and red or nil }
end

return M
