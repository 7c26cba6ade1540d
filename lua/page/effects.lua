--- Steps that reach beyond the database, and those that a person answers.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e, known = html.element, parts.known

local tones = {
  begun = "warn",
  done = "good",
  failed = "bad",
  ["not done"] = "idle",
  compensated = "idle",
  ["compensation failed"] = "bad",
}

local function answer_of(manual)
  local answer = known(manual.answer)
  if answer == "yes" then return parts.state("good", lang.text("yes")) end
  if answer == "no" then return parts.state("bad", lang.text("no")) end
  return parts.state("idle", lang.text("not answered"))
end

--- The question that a person was asked, with the answer and what shows it.
local function manual_of(manual)
  local evidence = known(manual.evidence)
  return {
    e("blockquote", nil, parts.name(manual.question)),
    parts.definitions("dl.pairs", {
      { title = "answer", answer_of(manual) },
      { title = "note", known(manual.note) and e("bdi", nil, manual.note) },
      { title = "by whom", known(manual.by) },
      { title = "when", parts.time(manual.at) },
      { title = "evidence", evidence and { parts.code(evidence.file), " ", parts.bytes(evidence.bytes) } },
      { title = "sha256 of it", evidence and parts.code(evidence.sha256) },
    }),
  }
end

local function done_of(effects)
  local rows = {}
  for at, deed in ipairs(parts.list(effects.done)) do
    rows[at] = {
      parts.code(deed.what),
      parts.state(tones[deed.outcome], lang.text(deed.outcome)),
      parts.number(deed.status),
      parts.seconds(deed.seconds),
      parts.code(deed.output),
    }
  end
  return parts.table({
    { title = "what" },
    { title = "outcome" },
    { title = "status", number = true },
    { title = "took", number = true },
    { title = "output" },
  }, rows)
end

local function foretold(list, title)
  local items = {}
  for at, deed in ipairs(parts.list(list)) do
    local obstacle = known(deed.obstacle)
    items[at] = e("li", nil, {
      parts.mark(obstacle and "bad" or "idle"),
      e("span", nil, { parts.code(deed.what), obstacle and e("small", nil, lang.message(obstacle.message)) }),
    })
  end
  return #items > 0 and { e("p.soft", nil, title), e("ul.checklist", nil, items) } or nil
end

--- What a step does beyond the database, or asks; nothing of a step with items.
---@param step table
---@return any
function M.of(step)
  if known(step.manual) then return manual_of(step.manual) end
  local effects = known(step.effects)
  if not effects then return nil end
  local done, state = done_of(effects), known(effects.state)
  return {
    state and state ~= "done" and e("p", nil, parts.state(tones[state], lang.text(state))),
    done or foretold(effects.would, lang.text("would do")),
    foretold(effects.taken_back_by, lang.text("taken back by")),
  }
end

return M
