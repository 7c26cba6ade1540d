--- The plan compared with the apply, the rehearsal with the apply, and what an undo could and could not take back.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e, known = html.element, parts.known

local function joined(key) return table.concat(parts.list(key), ", ") end

--- Keys that came, went or changed: the first of each.
local function moved(keys)
  local rows = {}
  local function add(what, key, column, before, now)
    rows[#rows + 1] = { what, parts.value(key), column and e("bdi", nil, column), before, now }
  end
  for _, key in ipairs(parts.list(keys.came)) do
    add(lang.text("came"), joined(key))
  end
  for _, key in ipairs(parts.list(keys.went)) do
    add(lang.text("went"), joined(key))
  end
  for _, change in ipairs(parts.list(keys.changed)) do
    for _, value in ipairs(parts.list(change.values)) do
      add(lang.text("changed"), joined(change.key), value.column, parts.value(value.before), parts.value(value.now))
    end
  end
  return parts.table({
    { title = "what" },
    { title = "key" },
    { title = "column" },
    { title = "before" },
    { title = "now" },
  }, rows)
end

local function drift_of(drift)
  local rows, below = {}, {}
  for at, step in ipairs(parts.list(drift.steps)) do
    rows[at] = {
      tostring(step.step),
      parts.number(step.before),
      parts.number(step.now),
      parts.number(step.came),
      parts.number(step.went),
      parts.number(step.changed),
      parts.number(step.tolerated),
    }
    below[at] = known(step.keys) and moved(step.keys)
  end
  local plan, note = known(drift.plan), known(drift.note)
  return {
    plan and e("p", nil, {
      lang.text("Compared with plan "),
      parts.code(plan),
      known(drift.age_seconds) and lang.format(", made %s before.", parts.seconds(drift.age_seconds)),
    }),
    note and e("p", nil, parts.name(note)),
    parts.table({
      { title = "step" },
      { title = "items planned", number = true },
      { title = "items now", number = true },
      { title = "came", number = true },
      { title = "went", number = true },
      { title = "changed", number = true },
      { title = "tolerated", number = true },
    }, rows),
    below,
  }
end

local function compared(rows)
  return parts.table({
    { title = "" },
    { title = "rehearsal", number = true },
    { title = "this apply", number = true },
  }, rows)
end

local function rehearsed_of(rehearsed)
  return {
    e("h3", nil, { lang.text("Rehearsal "), parts.code(rehearsed.id) }),
    compared({
      { lang.text("items"), parts.number(rehearsed.rehearsed_items), parts.number(rehearsed.items) },
      { lang.text("rows changed"), parts.number(rehearsed.rows), parts.number(rehearsed.changed_rows) },
      {
        lang.text("time, in proportion to the items"),
        parts.seconds(rehearsed.seconds),
        parts.seconds(rehearsed.took_seconds),
      },
    }),
  }
end

local function differences(list)
  local rows = {}
  for at, found in ipairs(parts.list(list)) do
    local reason = known(found.reason)
    rows[at] = {
      found.what,
      e("bdi", nil, found.name),
      parts.value(found.wanted),
      parts.value(found.found),
      reason and parts.name(reason) or parts.state("bad", lang.text("not expected")),
    }
  end
  return parts.table({
    { title = "what" },
    { title = "name" },
    { title = "expected" },
    { title = "found" },
    { title = "why" },
  }, rows)
end

local function equal_said(equal)
  if known(equal) == nil then return parts.state("idle", lang.text("not known")) end
  return equal and parts.state("good", lang.text("equal")) or parts.state("bad", lang.text("different"))
end

local function rehearsal_of(rehearsal)
  local undo, prediction = known(rehearsal.undo), known(rehearsal.prediction)
  return {
    parts.definitions("dl.pairs", {
      { title = "the restored backup against its certificate", equal_said(rehearsal.restore.equal) },
      {
        title = "an apply of today is foretold to take",
        prediction and {
          parts.seconds(prediction.seconds),
          lang.format(" for %s", lang.counted(prediction.items, "item")),
        },
      },
      { title = "rows that the undo brought back", undo and parts.number(undo.rows) },
      { title = "rows that it left", undo and parts.number(undo.left) },
      { title = "undone in", undo and parts.seconds(undo.seconds) },
      { title = "after the undo against before", undo and equal_said(undo.equal) },
    }),
    undo and known(undo.message) and e("p", nil, parts.name(undo.message)),
    differences(rehearsal.restore.differences),
    undo and differences(undo.differences),
  }
end

local function conflicts(list)
  local rows = {}
  for at, conflict in ipairs(parts.list(list)) do
    local column = known(conflict.column)
    rows[at] = {
      e("bdi", nil, conflict.table),
      parts.value(joined(conflict.key)),
      lang.message(conflict.reason),
      column and e("bdi", nil, column),
      column and parts.value(conflict.wrote),
      column and parts.value(conflict.found),
      column and parts.value(conflict.old),
    }
  end
  return parts.table({
    { title = "table" },
    { title = "key" },
    { title = "why" },
    { title = "column" },
    { title = "run wrote" },
    { title = "found" },
    { title = "before the run" },
  }, rows, lang.text("Rows that were left alone"))
end

local function unrestored(list)
  local rows = {}
  for at, entry in ipairs(parts.list(list)) do
    rows[at] = { e("bdi", nil, entry.table), e("bdi", nil, entry.column), parts.number(entry.rows) }
  end
  return parts.table(
    { { title = "table" }, { title = "column" }, { title = "rows", number = true } },
    rows,
    lang.text("Columns that no statement can set back")
  )
end

local function undo_of(undo)
  return {
    parts.definitions("dl.pairs", {
      { title = "takes back run", parts.code(undo.of) },
      { title = "rows taken back", known(undo.restored) and parts.number(undo.restored) },
      { title = "rows left alone", known(undo.left) and parts.number(undo.left) },
    }),
    conflicts(undo.conflicts),
    unrestored(undo.unrestored),
  }
end

--- The section; nothing where there was nothing to compare with.
---@param facts table
---@return table|nil
function M.section(facts)
  local drift, rehearsed = known(facts.drift), known(facts.rehearsed)
  local rehearsal, undo = known(facts.rehearsal), known(facts.undo)
  local content = {
    drift and drift_of(drift),
    rehearsed and rehearsed_of(rehearsed),
    rehearsal and rehearsal_of(rehearsal),
    undo and undo_of(undo),
  }
  if not (drift or rehearsed or rehearsal or undo) then return nil end
  local title = undo and lang.text("Taken back") or lang.text("Compared")
  return { id = "compared", title = title, content = content }
end

return M
