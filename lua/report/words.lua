--- A report in words, the same in every format: the record of a deploy, and the checklist.
--- Texts are in the chosen language, values as they are: whoever shows them escapes them.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local report = require("opsh.native.report")
local sentence = require("opsh.host.report.sentence")
local shape = require("opsh.host.report.shape")

local M = {}

local there = shape.there

--- How it went, in one sentence.
M.sentence = sentence.of

local function figure(value)
  if type(value) == "number" and value == math.floor(value) and math.abs(value) < 2 ^ 53 then
    return report.number(value)
  end
  return type(value) == "table" and json.encode(value) or tostring(value)
end

local function pairs_of(values)
  local names, parts = {}, {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  for at, name in ipairs(names) do
    parts[at] = ("%s %s"):format(name, figure(values[name]))
  end
  return parts
end

--- The figures of a step's plan, as its author names them where he does.
function M.planned(step)
  if not there(step.planned) then return nil end
  if there(step.summary) then return table.concat(pairs_of(step.summary), ", ") end
  local parts, skipped = { lang.counted(step.planned.items, "item") }, step.planned.skipped
  if skipped > 0 then parts[2] = ("%s %s"):format(lang.text("skipped"), report.number(skipped)) end
  for _, part in ipairs(pairs_of(step.planned.totals)) do
    parts[#parts + 1] = part
  end
  return table.concat(parts, ", ")
end

--- The figures of what is done of a step.
function M.done(step)
  local done = step.done
  if not there(done) then return nil end
  local parts = { lang.counted(done.items, "item") }
  for _, one in ipairs({ { "skipped", done.skipped }, { "failed", done.failed }, { "rejected", done.rejected } }) do
    if one[2] > 0 then parts[#parts + 1] = ("%s %s"):format(lang.text(one[1]), report.number(one[2])) end
  end
  for _, values in ipairs({ done.counts, done.totals }) do
    for _, part in ipairs(pairs_of(values)) do
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, ", ")
end

--- What each step says of itself; with its name where there are several.
local function of_steps(steps, words)
  local parts, many = {}, #steps > 1
  for _, step in ipairs(steps) do
    local said = step.kind == "items" and words(step)
    if said then parts[#parts + 1] = many and ("%s: %s"):format(lang.message(step.name), said) or said end
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

--- "2026-11-21 03:26:15 UTC"
function M.time(value)
  if not there(value) then return nil end
  return ("%s %s UTC"):format(value:sub(1, 10), value:sub(12, 19))
end

local function span(times)
  local from, to = M.time(times.started), M.time(times.finished)
  if not from or not to or from == to then return from end
  return ("%s – %s"):format(from, to:sub(1, 10) == from:sub(1, 10) and to:sub(12) or to)
end

local function answers(facts)
  local parts = {}
  for _, step in ipairs(facts.steps) do
    local manual = step.manual
    if there(manual) and there(manual.answer) then
      local evidence = there(manual.evidence) and (" (%s, sha256 %s)"):format(
        manual.evidence.file:match("[^/]*$"),
        manual.evidence.sha256:sub(1, 12)
      ) or ""
      parts[#parts + 1] = ("%s: %s, %s%s"):format(
        lang.message(step.name),
        lang.text(manual.answer),
        there(manual.by) and manual.by or "?",
        evidence
      )
    end
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

--- What came, went and changed since the plan that an apply was compared with; nil where there is none.
function M.drift(facts)
  local drift = facts.drift
  if not there(drift) or not there(drift.plan) then return nil end
  local came, went, changed = 0, 0, 0
  for _, step in ipairs(drift.steps) do
    if there(step.came) then
      came, went, changed = came + step.came, went + step.went, changed + step.changed
    end
  end
  return lang.format(
    "%s: %s came, %s went, %s changed since",
    drift.plan,
    report.number(came),
    report.number(went),
    report.number(changed)
  )
end

--- How an apply went beside its rehearsal; nil where there is none.
function M.rehearsed(facts)
  local found = facts.rehearsed
  if not there(found) or not there(found.took_seconds) then return nil end
  return lang.format(
    "%s: %s and %s foretold, %s and %s taken",
    found.id,
    report.duration(found.seconds),
    lang.counted(found.rows, "row"),
    report.duration(found.took_seconds),
    lang.counted(found.changed_rows, "row")
  )
end

-- How the rungs beside plan and apply are called in the record.
local times_of_rungs = {
  plan = "dry run, date and time",
  simulate = "simulation, date and time",
  rehearse = "rehearsal, date and time",
  apply = "apply, date and time",
  undo = "undo, date and time",
  verify = "verification, date and time",
}

--- The record of a deploy: what a checklist asks to be written down, filled in.
---@return { label: string, value: string }[]
function M.register(facts)
  local list = {}
  local function add(label, value)
    if there(value) then list[#list + 1] = { label = label, value = value } end
  end
  local applies = facts.rung == "apply"
  if applies then add(lang.text("dry run, date and time"), M.time(facts.times.planned)) end
  if facts.rung ~= "plan" then add(lang.text("dry run, figures"), of_steps(facts.steps, M.planned)) end
  add(lang.text(times_of_rungs[facts.rung]), facts.rung == "plan" and M.time(facts.times.started) or span(facts.times))
  if facts.rung == "plan" then
    add(lang.text("dry run, figures"), of_steps(facts.steps, M.planned))
  else
    add(lang.text("figures after it"), of_steps(facts.steps, M.done))
  end
  add(lang.text("checks"), sentence.checks(facts.summary.checks))
  add(lang.text("smoke test, evidence"), answers(facts))
  add(lang.text("carried out by"), facts.operator.name)
  add(lang.text("reason"), facts.reason)
  return list
end

local function backup_words(_, item)
  if item.state == "none" then return lang.text("backup: none is asked for here") end
  if item.state == "no" then return lang.text("no backup was verified") end
  return lang.format("backup verified: %s", lang.text(item.name))
end

local states = { yes = "done", no = "not done", open = "open" }

local tellers = {
  backup = backup_words,
  check = function(_, item)
    local name = lang.message(item.name)
    if item.state == "none" then return lang.format("%s: not asked here", name) end
    if not there(item.found) then return name end
    if item.found == item.expected then return ("%s: %s"):format(name, lang.message(item.found)) end
    return lang.format("%s: %s, expected %s", name, lang.message(item.found), lang.message(tostring(item.expected)))
  end,
  items = function(_, item)
    local name = lang.message(item.name)
    if not there(item.found) then return lang.format("%s: %s planned", name, figure(item.expected or 0)) end
    if item.expected < item.found then return ("%s: %s"):format(name, lang.counted(item.found, "item")) end
    return lang.format("%s: %s of %s", name, figure(item.found), lang.counted(item.expected, "item"))
  end,
  undo = function(facts, item)
    if there(facts.undone) then return lang.format("taken back by run %s", facts.undone.by) end
    if item.state == "no" then return lang.text("not all of it can be taken back") end
    return lang.format("can be taken back: opsh undo %s", facts.id)
  end,
  audit = function(_, item)
    return lang.text(item.state == "yes" and "audit log verified" or "audit log: not verified")
  end,
}
tellers.schema = tellers.items

--- The checklist in words. `state`: "yes", "no", "open" or "none".
---@return { state: string, text: string }[]
function M.checklist(facts)
  local list = {}
  for at, item in ipairs(facts.checklist) do
    local teller = tellers[item.what]
    local words = teller and teller(facts, item)
      or ("%s: %s"):format(lang.message(item.name), lang.text(states[item.state]))
    list[at] = { state = item.state, text = words }
  end
  return list
end

return M
