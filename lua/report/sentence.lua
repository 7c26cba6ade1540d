--- How a run went, in one sentence, in the chosen language; values in it are as they are.
local lang = require("opsh.host.lang")
local report = require("opsh.native.report")
local shape = require("opsh.host.report.shape")

local M = {}

local null, there = shape.null, shape.there

--- How many checks passed; nil where there were none.
---@param counts table<string, integer> by outcome
function M.checks(counts)
  local judged = counts.pass + counts.fail + counts.error
  if judged == 0 then return nil end
  local bad = counts.fail + counts.error
  if bad == 0 then return lang.format("%s passed", lang.counted(judged, "check")) end
  return lang.format("%s did not pass, %s did", lang.counted(bad, "check"), report.number(counts.pass))
end

local function left_out_words(summary)
  local count = (summary.skipped or 0) + (summary.failed or 0) + (summary.rejected or 0)
  return count > 0 and lang.format("%s left out", lang.counted(count, "item")) or nil
end

local function joined(...)
  local parts = {}
  for at = 1, select("#", ...) do
    parts[#parts + 1] = (select(at, ...))
  end
  return table.concat(parts, "; ") .. "."
end

--- nil in the place of null, so that `or` works.
local function plain(summary)
  local made = {}
  for name, value in pairs(summary) do
    made[name] = value ~= null and value or nil
  end
  return made
end

local function why(facts)
  if not there(facts.error) then return nil end
  return ("%s: %s"):format(facts.error.kind, lang.message(facts.error.message))
end

local sentences = {}

function sentences.plan(facts, summary)
  return joined(
    lang.format("Planned %s in %s; nothing was written", lang.counted(summary.planned, "item"), facts.target.database)
  )
end

function sentences.simulate(facts, summary)
  if facts.outcome == "failed" then
    return joined(lang.text("The simulation failed, and was rolled back"), why(facts))
  end
  return joined(
    lang.format(
      "Simulated %s of %s, and rolled them back",
      report.number(summary.items or 0),
      lang.counted(summary.planned, "item")
    ),
    left_out_words(summary),
    M.checks(summary.checks)
  )
end

function sentences.rehearse(facts, summary)
  if facts.outcome == "failed" then return joined(lang.text("The rehearsal failed"), why(facts)) end
  if facts.outcome == "nothing to do" then return joined(lang.text("There was nothing to rehearse")) end
  local taken = facts.rehearsal.undo
  return joined(
    lang.format("Rehearsed %s in a restored backup", lang.counted(summary.items or 0, "item")),
    M.checks(summary.checks),
    there(taken) and taken.equal == true and lang.text("undo brought every row back")
      or lang.text("undo did not bring every row back")
  )
end

function sentences.apply(facts, summary)
  local done, planned = report.number(summary.items or 0), lang.counted(summary.planned, "item")
  if facts.outcome == "running" then return joined(lang.format("At work: %s of %s are committed", done, planned)) end
  if facts.outcome == "interrupted" then
    return joined(lang.format("Interrupted: %s of %s are committed", done, planned))
  end
  if facts.outcome == "failed" and facts.state ~= "check_failed" then
    local part_way = (summary.batches or 0) > 0
    return joined(
      part_way and lang.format("Stopped part-way: %s of %s are committed", done, planned)
        or lang.text("Failed; no batch was committed"),
      why(facts)
    )
  end
  return joined(
    lang.format(
      "Applied %s in %s to %s",
      lang.counted(summary.items or 0, "item"),
      M.batches(summary.batches or 0),
      facts.target.database
    ),
    there(summary.rows) and lang.format("%s changed", lang.counted(summary.rows, "row")) or nil,
    left_out_words(summary),
    M.checks(summary.checks)
  )
end

function sentences.undo(facts)
  local undo = facts.undo
  if facts.outcome ~= "done" then
    return joined(lang.format("The undo of run %s did not come to its end", undo.of), why(facts))
  end
  return joined(
    lang.format("Took back run %s", undo.of),
    there(undo.restored) and lang.format("%s restored", lang.counted(undo.restored, "row")) or nil,
    there(undo.left) and undo.left > 0 and lang.format("%s left as they were", lang.counted(undo.left, "row")) or nil
  )
end

function sentences.verify(facts)
  local looks = facts.verify.total
  local words = looks == 1 and lang.text("once") or lang.format("%d times", looks)
  if facts.outcome == "held" then
    return joined(lang.format("All checks of run %s held, %s", facts.verify.of, words))
  end
  return joined(lang.format("A check of run %s does not hold any more", facts.verify.of))
end

--- "1 batch", "7 batches".
function M.batches(count)
  return ("%s %s"):format(report.number(count), lang.text(count == 1 and "batch" or "batches"))
end

--- How it went, in one sentence.
---@param facts table of facts.lua
---@return string
function M.of(facts) return sentences[facts.rung](facts, plain(facts.summary)) end

return M
