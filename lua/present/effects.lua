--- Steps without items, effects that waited for a COMMIT, compensations and incidents: as text and as JSON.
local counted = require("opsh.host.counted")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local report = require("opsh.native.report")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")
local _, array = json.metatables()

local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end

local function as_array(list) return setmetatable(list, array) end

local function foretold_lines(out, list, lead)
  local lines = {}
  for _, entry in ipairs(list or {}) do
    lines[#lines + 1] = ("  %s %s\n"):format(lang.text(lead), text.printable(lang.message(entry.what)))
    local obstacle = entry.obstacle
    if obstacle then
      local words = ("%s: %s"):format(
        lang.text(entry.best_effort and "it would not arrive" or "an apply would be refused"),
        text.printable(lang.message(obstacle.message))
      )
      lines[#lines + 1] = ("    %s\n"):format(out.color(31, words))
      if obstacle.hint and obstacle.hint ~= "" then
        lines[#lines + 1] = lang.format("    next: %s\n", text.printable(lang.message(obstacle.hint)))
      end
    end
  end
  return table.concat(lines)
end

--- Of a plan: what a step without items would do.
function M.planned(out, step)
  if step.kind == "manual" then return lang.format("  would ask: %s\n", text.printable(lang.message(step.manual))) end
  if step.after then return lang.format("  known after %s\n", text.printable(lang.message(step.after))) end
  local lines = foretold_lines(out, step.foretold, "would")
  if lines == "" then lines = lang.text("  would do nothing beyond the database\n") end
  if step.compensate then
    lines = lines .. foretold_lines(out, step.foretold_compensation, "taken back by:")
  elseif not step.ends then
    lines = lines .. lang.text("  nothing takes it back\n")
  end
  return lines
end

--- Of a plan: what `finally` would do.
function M.planned_finally(out, job)
  local lines = job.foretold_finally and foretold_lines(out, job.foretold_finally, "would") or ""
  return lines ~= "" and lang.text("\nwhen it is over, however it ends\n") .. lines or ""
end

local words = {
  begun = "begun, and nobody knows how far it came",
  done = "done",
  failed = "failed",
  ["not done"] = "not done",
  waiting = "waiting",
}

local function deed_line(deed)
  return ("  %s%s%s%s\n"):format(
    deed.compensates and lang.text("taken back: ") or "",
    text.printable(lang.message(deed.what)),
    ("  %s%s"):format(lang.text(words[deed.outcome]), deed.status and (" (%d)"):format(deed.status) or ""),
    deed.seconds and ", " .. report.duration(deed.seconds) or ""
  )
end

local function answer_lines(record)
  local evidence = record.evidence
  return lang.format(
    "  %s\n  %s, by %s%s\n",
    text.printable(lang.message(record.question)),
    lang.text(record.answer),
    text.printable(record.by),
    record.note and ": " .. text.printable(record.note) or ""
  ) .. (evidence and lang.format("  evidence %s, sha256 %s\n", text.printable(evidence.name), evidence.sha256) or "")
end

--- What became of a step without items.
---@param record table of the ledger
function M.done(record)
  if not record then return "" end
  if record.answer then return answer_lines(record) end
  local lines = {}
  for at, deed in ipairs(record.deeds) do
    lines[at] = deed_line(deed)
  end
  return table.concat(lines)
end

--- Of a simulation or rehearsal: what was not done.
function M.not_done(job)
  local lines = {}
  for _, step in ipairs(job.steps) do
    if step.left_out then
      lines[#lines + 1] = ("step %s, which comes after %s, beyond the database"):format(step.name, step.after)
    end
  end
  for _, step in ipairs(job.steps) do
    for _, entry in ipairs(step.foretold or {}) do
      lines[#lines + 1] = ("%s: would %s"):format(step.name, entry.what)
    end
    if step.kind == "manual" then lines[#lines + 1] = ("%s: would ask"):format(step.name) end
  end
  local batches = job.foretold_in_batches
  if batches then
    lines[#lines + 1] = ("after the commit of batches: would do %s, the first: %s"):format(
      counted(batches.count, "effect"),
      batches.first[1]
    )
  end
  return lines
end

--- Effects that steps with items had done after COMMIT.
function M.released(step)
  return step.released and lang.format("  %s done after the commit\n", lang.counted(step.released, "effect")) or ""
end

-- Of what waited for commits so much is shown.
local shown_of_batches = 20

--- What waited for the commits of a step's batches.
---@param batches { number: integer, effects: table[] }[] of the ledger
function M.of_batches(name, batches)
  local lines, count = {}, 0
  for _, batch in ipairs(batches) do
    for _, deed in ipairs(batch.effects) do
      count = count + 1
      if count <= shown_of_batches then lines[count] = deed_line(deed) end
    end
  end
  if count == 0 then return "" end
  if count > shown_of_batches then
    lines[#lines + 1] = lang.format("  and %s more\n", report.number(count - shown_of_batches))
  end
  return lang.format("\n%s, after commits\n", text.printable(lang.message(name))) .. table.concat(lines)
end

--- What went wrong and stopped nothing.
function M.incidents(out, job)
  local lines = {}
  for _, incident in ipairs(job.incidents or {}) do
    lines[#lines + 1] = ("  %s: %s\n"):format(
      text.printable(lang.message(incident.what)),
      text.printable(lang.message(incident.message))
    )
  end
  if #lines == 0 then return "" end
  return ("\n%s\n"):format(out.color(31, lang.counted(#lines, "incident"))) .. table.concat(lines)
end

--- What was taken back when a run failed: for the error.
function M.compensations(job)
  local lines = {}
  for _, one in ipairs(job.compensations or {}) do
    local step = text.printable(lang.message(one.step))
    lines[#lines + 1] = one.outcome == "done" and lang.format("  taken back: %s\n", step)
      or lang.format("  NOT taken back: %s: %s\n", step, text.printable(lang.message(one.err.message)))
  end
  return table.concat(lines)
end

--- What is in effect while a run waits for a person.
function M.still_on(steps)
  local names = {}
  for at, step in ipairs(steps) do
    names[at] = text.printable(lang.message(step.name))
  end
  return #names > 0 and lang.format("  still on: %s\n", table.concat(names, ", ")) or ""
end

local function foretold_document(list)
  if not list then return null end
  local made = {}
  for at, entry in ipairs(list) do
    made[at] = ordered({ "what", "obstacle" }, {
      what = entry.what,
      obstacle = entry.obstacle and ordered(
        { "kind", "message" },
        { kind = entry.obstacle.kind, message = entry.obstacle.message }
      ) or null,
    })
  end
  return as_array(made)
end

local function deeds_document(record)
  local made = {}
  for at, deed in ipairs(record and record.deeds or {}) do
    made[at] = ordered({ "what", "outcome", "status", "seconds", "compensates", "output" }, {
      what = deed.what,
      outcome = deed.outcome,
      status = deed.status or null,
      seconds = deed.seconds or null,
      compensates = deed.compensates or false,
      output = deed.output or null,
    })
  end
  return as_array(made)
end

local function manual_document(step)
  if step.kind ~= "manual" then return null end
  local record = step.record or {}
  local evidence = record.evidence
  return ordered({ "question", "answer", "note", "by", "at", "evidence" }, {
    question = step.manual,
    answer = record.answer or null,
    note = record.note or null,
    by = record.by or null,
    at = record.at or null,
    evidence = evidence and ordered({ "file", "sha256", "bytes" }, {
      file = evidence.file,
      sha256 = evidence.sha256,
      bytes = evidence.bytes,
    }) or null,
  })
end

--- The fields of a step in the document, by name; null for steps with items.
function M.document(step)
  if step.kind ~= "effect" then return { manual = manual_document(step), effects = null } end
  return {
    manual = null,
    effects = ordered({ "state", "would", "taken_back_by", "done" }, {
      state = step.record and step.record.state or null,
      would = foretold_document(step.foretold),
      taken_back_by = foretold_document(step.foretold_compensation),
      done = deeds_document(step.record),
    }),
  }
end

function M.incidents_document(job)
  local made = {}
  for at, incident in ipairs(job.incidents or {}) do
    made[at] = ordered({ "step", "what", "kind", "message" }, {
      step = incident.step or null,
      what = incident.what,
      kind = incident.kind,
      message = incident.message,
    })
  end
  return as_array(made)
end

function M.compensations_document(job)
  local made = {}
  for at, one in ipairs(job.compensations or {}) do
    made[at] = ordered({ "step", "outcome", "message" }, {
      step = one.step,
      outcome = one.outcome,
      message = one.err and one.err.message or null,
    })
  end
  return as_array(made)
end

return M
