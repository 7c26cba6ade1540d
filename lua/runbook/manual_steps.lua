--- Steps that a person does, or looks at: `manual` is the question. What was answered, by whom, and what shows it is in
--- the ledger, the audit log and the run's folder.
local deeds = require("opsh.host.effects.deeds")
local digest = require("opsh.native.digest")
local effect_steps = require("opsh.host.effects.effect_steps")
local errors = require("opsh.host.errors")
local input = require("opsh.native.input")
local lang = require("opsh.host.lang")
local records = require("opsh.host.effects.records")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local most_bytes = 64 * 2 ^ 20

function M.foretell(_, step) effect_steps.without_items(step) end

function M.stands(step) return step.record ~= nil and step.record.answer == "yes" end

local function can_ask() return system.terminal(0).terminal and system.terminal(2).terminal end

local function line(prompt)
  system.write_error(prompt)
  local given = input.line()
  return given and given:match("^%s*(.-)%s*$")
end

-- As people type them; what is recorded is the same in every language.
local words = { y = "yes", yes = "yes", s = "yes", si = "yes", ["sí"] = "yes", ["SÍ"] = "yes", n = "no", no = "no" }

--- Whether the terminal was closed, and the file that was named.
local function ask_for_evidence(step, answer)
  local wanted = step.evidence and answer == "yes"
  while true do
    local given = line(lang.text(wanted and "the file that shows it: " or "a file that shows it, or nothing: "))
    if given == nil then return true end
    if given == "" and not wanted then return false end
    if given ~= "" and system.file_kind(given) == "file" then return false, given end
    if given ~= "" then system.write_error(lang.format("there is no file %s\n", text.printable(given))) end
  end
end

--- Asks on the terminal; nil for later.
local function ask(step)
  local name, question = text.printable(lang.message(step.name)), text.printable(lang.message(step.manual))
  system.write_error(("\n%s\n  %s\n"):format(name, question))
  local answer
  repeat
    local given = line(lang.text("yes, no, or nothing for later: "))
    if not given or given == "" then return nil end
    answer = words[given:lower()] or words[given]
  until answer
  local note = line(lang.text("a note, or nothing: "))
  local ended, evidence = ask_for_evidence(step, answer)
  if ended then return nil end
  return { answer = answer, note = note ~= "" and note or nil, evidence = evidence, how = "terminal" }
end

--- Copies the file into the run's folder; what stands for it in the records.
local function keep(job, step, path)
  local content = system.read_file(path)
  if #content > most_bytes then
    errors.raise("usage.answers", ("%s is larger than 64 MiB"):format(path), "name a smaller file as evidence")
  end
  local folder = job.directory .. "/evidence"
  system.make_directory(folder)
  local kept = ("%s/%d-%s"):format(folder, step.number, path:match("[^/]*$"))
  system.write_file(kept, content)
  return { name = path:match("[^/]*$"), file = kept, sha256 = digest.sha256(content), bytes = #content }
end

local function unanswered(job, step)
  errors.raise(
    "manual.unanswered",
    ("step %s waits for a person: %s"):format(step.name, step.manual),
    ("answer it on a terminal, or with %s --answers FILE"):format(job.resume)
  )
end

--- Gets the answer; raises when there is none yet ("manual.unanswered"), or when it is no ("check.answer").
function M.work(job, step)
  effect_steps.without_items(step)
  if not job.hands.acts then return end
  local given = job.answers and job.answers[step.name] or can_ask() and ask(step) or unanswered(job, step)
  if step.evidence and given.answer == "yes" and not given.evidence then
    errors.raise(
      "manual.evidence",
      ("step %s wants a file that shows it, and the answer names none"):format(step.name),
      'evidence = "FILE" beside the answer'
    )
  end
  step.record = {
    question = step.manual,
    answer = given.answer,
    note = given.note and secrets.redacted(given.note),
    how = given.how == "terminal" and "terminal" or "--answers",
    by = system.user() .. "@" .. system.host(),
    at = system.utc_now(),
    evidence = given.evidence and keep(job, step, given.evidence) or nil,
  }
  deeds.save(job, step, records.answered(job.audit, step, step.record))
  if given.answer == "yes" then return end
  errors.raise(
    "check.answer",
    ("step %s: the answer is no%s"):format(step.name, given.note and ": " .. given.note or ""),
    "when it is mended, this asks again: " .. job.resume
  )
end

return M
