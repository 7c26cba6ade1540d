--- A page with what commands print today, where that is something else than the page says.
local alike = require("alike")

local M = {}

--- Whether what a command prints can be written for a person: where a line "..." leaves something out, it cannot.
---@param action manual.Action
function M.can(action)
  for _, line in ipairs(action.expected or {}) do
    if line.text == "..." then return false end
  end
  return action.expected ~= nil
end

--- The page's lines, with those of one command replaced.
local function replaced(lines, expected, found, page_ids)
  local first = expected[1].line
  local margin = lines[first]:sub(1, #lines[first] - #expected[1].text)
  for _ = 1, #expected do
    table.remove(lines, first)
  end
  for at, line in ipairs(found) do
    -- What the page calls a run stays: the commands behind it do too.
    table.insert(lines, first + at - 1, (margin .. line.text:gsub(alike.id, page_ids)))
  end
end

---@param text string
---@param actions manual.Action[]
---@param outcomes { status: integer, lines: { text: string }[] }[] of the actions
---@param here { ids: table<string, string>, today: string }
---@return string
function M.text(text, actions, outcomes, here)
  local lines, page_ids = {}, {}
  for line in text:gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line
  end
  for of_page, of_run in pairs(here.ids) do
    page_ids[of_run] = of_page
  end
  for number = #actions, 1, -1 do
    local action, outcome = actions[number], outcomes[number]
    if M.can(action) and alike.difference(action.expected, outcome.lines, here.today) then
      replaced(lines, action.expected, outcome.lines, page_ids)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

return M
