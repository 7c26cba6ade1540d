--- The record of a deploy and the list to tick after it, as written checklists ask for them: filled in.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")
local words = require("opsh.host.report.words")

local M = {}

local e = html.element

-- By the state of a line: its shape, and the word for who sees none.
local states = {
  yes = { tone = "good", title = "yes" },
  no = { tone = "bad", title = "no" },
  open = { tone = "idle", title = "open" },
  none = { tone = "idle", title = "not asked for" },
}

local function checklist(lines)
  local items = {}
  for at, line in ipairs(lines) do
    local state = states[line.state]
    items[at] = e("li", nil, {
      parts.mark(state.tone),
      e("span", nil, { e("span.unseen", nil, lang.text(state.title) .. ": "), e("bdi", nil, line.text) }),
    })
  end
  return #items > 0 and e("div", nil, { e("h3", nil, lang.text("checklist")), e("ul.checklist", nil, items) })
end

local function record(facts)
  local content = {}
  for at, line in ipairs(words.register(facts)) do
    content[at] = { e("dt", nil, line.label), e("dd", nil, e("bdi", nil, line.value)) }
  end
  return e("dl.pairs", nil, content)
end

--- The section.
---@param facts table
---@return table
function M.section(facts)
  local lines = words.checklist(facts)
  local ticked, asked = 0, 0
  for _, line in ipairs(lines) do
    if line.state ~= "none" then asked = asked + 1 end
    if line.state == "yes" then ticked = ticked + 1 end
  end
  return {
    id = "record",
    title = lang.text("record of the deploy"),
    count = asked > 0 and ("%d/%d"):format(ticked, asked) or nil,
    content = e("div.columns", nil, { e("div", nil, record(facts)), checklist(lines) }),
  }
end

return M
