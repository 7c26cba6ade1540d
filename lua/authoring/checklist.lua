--- A runbook as the checklist that people work through: preparation, backup, plan, apply, checks, undo, record.
local facts_words = require("opsh.host.report.words")
local lang = require("opsh.host.lang")
local markdown = require("opsh.host.authoring.markdown")
local params = require("opsh.host.runbook.params")
local pasted = require("opsh.host.authoring.pasted")
local steps_text = require("opsh.host.authoring.checklist_steps")
local told = require("opsh.host.authoring.told")

local M = {}

local blank = "____________"

local function plain(value) return markdown.new().plain(lang.message(value)) end
local function code(value) return markdown.new().code(value) end

--- Whether there is anything that a backup is for: rows or a schema.
local function writes(about)
  for _, step in ipairs(about.steps) do
    if step.kind == "items" then return true end
  end
  return false
end

local function default_of(param)
  if param.default == nil then return "" end
  return code(type(param.default) == "table" and table.concat(param.default, ", ") or param.default)
end

local function params_table(page, about)
  if #about.runbook.params == 0 then return end
  local rows = {}
  for at, param in ipairs(about.runbook.params) do
    local name = params.option_name(param.name)
    local values = not param.secret and about.given[name]
    local choices = param.choices and ": " .. table.concat(param.choices, ", ") or ""
    rows[at] = {
      code("--" .. name),
      param.type .. markdown.new().plain(choices),
      lang.text(param.required and "yes" or "no"),
      values and (values[1] == "" and lang.text("yes") or code(table.concat(values, ", ")))
        or default_of(param),
      param.help and plain(param.help) or "",
    }
  end
  page:heading(2, lang.text("Params"))
  page:table(
    { lang.text("param"), lang.text("type"), lang.text("required"), lang.text("value"), lang.text("what for") },
    rows
  )
end

--- What is to be filled in before anything is pasted.
local function variables(page, about)
  local lines = {}
  for _, param in ipairs(pasted.open(about.runbook.params, about.given)) do
    local help = param.help and ("  # %s"):format((lang.message(param.help):gsub("%s+", " "))) or ""
    lines[#lines + 1] = ("%s=%s"):format(pasted.variable(param), help)
  end
  if #lines == 0 then return end
  page:paragraph(lang.text("Fill in, then paste; the commands below use it:"))
  page:block("bash", table.concat(lines, "\n"))
end

local function preparation(page, about)
  page:heading(2, lang.text("1. Preparation"))
  variables(page, about)
  page:box(lang.text("A maintenance window, or a time with little traffic, is agreed; those concerned know."))
  page:box(lang.format("Whom to call if something goes wrong: %s", blank))
  page:box(
    lang.format(
      "The script is the one that was reviewed: sha256 %s. Commit and tag go into the audit log.",
      code(about.runbook.sha256:sub(1, 12))
    )
  )
  page:box(lang.text("opsh can work there: server, rights, tables, plan, disk space."))
  page:block("bash", about.commands.file("doctor"))
  for _, param in ipairs(about.runbook.params) do
    if param.secret then
      local name = params.environment_name(param.name)
      page:box(
        lang.format(
          "%s is in the environment (%s, or a file that %s names)%s.",
          code("--" .. params.option_name(param.name)),
          code(name),
          code(name .. "_FILE"),
          param.required and "" or lang.text("; only where it is wanted")
        )
      )
    end
  end
  local checks, whole = told.checks(about.runbook.preconditions, about.values)
  if #checks > 0 then
    page:paragraph("")
    page:paragraph(lang.text("opsh looks at these itself, and refuses the apply (exit 5) unless all hold:"))
    for _, check in ipairs(checks) do
      page:box(plain(check.name))
    end
  end
  if not whole then page:box(lang.text("more preconditions, which depend on the database: the plan shows them")) end
end

local function backup(page, about)
  if not writes(about) then return end
  local settings = about.target and about.target.backup or {}
  page:heading(2, lang.text("2. Backup"))
  page:block("bash", about.commands.database("backup"))
  page:paragraph(
    lang.format(
      "Expected: level %s or better, not older than %s; without it opsh refuses the apply. It is restored into a"
        .. " scratch database and compared, so that nobody has to look at its size.",
      code(settings.level or "restored"),
      settings.max_age or "2h"
    )
  )
  page:box(lang.format("Backup: %s", about.recorded.backup or blank))
end

local function plan(page, about)
  page:heading(2, lang.text("3. Plan (dry run)"))
  page:block("bash", about.commands.rung())
  page:paragraph(lang.text("Expected: exit 0, no error, and \"nothing was written\" with the evidence for it."))
  steps_text.planned(page, about)
  page:paragraph(
    lang.text(
      "Truer, and still without a trace: all writes in one transaction that is rolled back; then apply, checks and"
        .. " undo in a restored backup, which measures the time:"
    )
  )
  local rehearse = writes(about) and "\n" .. about.commands.rung("--rehearse") or ""
  page:block("bash", about.commands.rung("--simulate") .. rehearse)
  page:box(lang.format("Somebody has looked at the figures and at the sample: %s", blank))
  if #about.runbook.redact > 0 then
    page:item(lang.format("hidden in everything that is shown: %s", steps_text.listed(about.runbook.redact)))
  end
end

local function apply(page, about)
  page:heading(2, lang.text("4. Apply"))
  page:block("bash", about.commands.rung("--apply"))
  page:paragraph(
    lang.text(
      "It plans again first, and refuses when more came, went or changed since the plan than the runbook tolerates."
    )
  )
  local budgets = about.target and about.target.budgets or {}
  if about.target and about.target.protected then
    page:paragraph(lang.text("The target is protected: opsh asks for the database's name before the first write."))
  end
  if budgets.max_rows or budgets.max_seconds then
    page:paragraph(
      lang.format(
        "Budgets of the target: %s rows, %s seconds; what is beyond them stops the run.",
        budgets.max_rows and tostring(budgets.max_rows) or "–",
        budgets.max_seconds and tostring(budgets.max_seconds) or "–"
      )
    )
  end
  steps_text.applied(page, about)
  page:paragraph("")
  if about.run then
    page:paragraph(lang.format("The run is %s.", code(about.run)))
  else
    page:paragraph(lang.text("The id of the run is in the first lines; the commands below use it:"))
    page:block("bash", "RUN=")
  end
  page:paragraph(
    lang.text("Interrupted, or stopped part-way (exit 4): what is committed stays, and each batch is done once.")
  )
  page:block("bash", about.commands.run_there("resume"))
end

local function checks(page, about)
  page:heading(2, lang.text("5. Checks"))
  page:paragraph(
    lang.text("The apply makes them itself after each step; one that fails ends it with exit 6 and shows the rows.")
  )
  steps_text.checks(page, about)
  page:paragraph(lang.text("Again, for some hours:"))
  local watch = about.commands.run_there("watch", "--for=2h", "--every=5m")
  page:block("bash", about.commands.run_there("show") .. "\n" .. watch)
end

local function people(page, about)
  local steps = {}
  for _, step in ipairs(about.steps) do
    if step.kind == "manual" then steps[#steps + 1] = step end
  end
  if #steps == 0 then return end
  page:heading(2, lang.text("6. By people"))
  page:paragraph(lang.text("Asked on the terminal when their turn comes, or answered beforehand by --answers FILE:"))
  for _, step in ipairs(steps) do
    steps_text.manual(page, about, step)
  end
end

local function undo(page, about)
  page:heading(2, lang.text("Undo (if something goes wrong)"))
  page:paragraph(
    lang.text("First what it would be, then really. Rows that somebody edited since are left alone and listed:")
  )
  page:block("bash", about.commands.run_there("undo") .. "\n" .. about.commands.run_there("undo", "--apply"))
  steps_text.undone(page, about)
  if writes(about) then
    page:paragraph("")
    page:paragraph(
      lang.text(
        "The whole database, only when the undo is not enough: it takes everybody's work since the backup. The list"
          .. " has the id; without --apply it only looks:"
      )
    )
    page:block(
      "bash",
      about.commands.database("backup list") .. "\nBACKUP=\n" .. about.commands.database('restore "$BACKUP"')
    )
  end
end

local function record(page, about)
  page:heading(2, lang.text("Audit record"))
  page:paragraph(lang.text("opsh writes it before it acts; this is for the ticket."))
  local rows = {}
  if about.facts then
    for at, entry in ipairs(facts_words.register(about.facts)) do
      rows[at] = { markdown.new().plain(entry.label), markdown.new().plain(entry.value) }
    end
  else
    for at, label in ipairs({
      lang.text("dry run, date and time"),
      lang.text("dry run, figures"),
      lang.text("apply, date and time"),
      lang.text("figures after it"),
      lang.text("checks"),
      lang.text("smoke test, evidence"),
      lang.text("carried out by"),
      lang.text("reason"),
    }) do
      rows[at] = { label, blank }
    end
  end
  page:table({ lang.text("what"), lang.text("value") }, rows)
  page:block(
    "bash",
    table.concat({
      about.commands.run("audit show"),
      about.commands.run_there("audit verify"),
      about.commands.run_there("report", "--format=md"),
    }, "\n")
  )
end

--- The document.
---@param about table { runbook, steps, left_out, given, values, scope, target?, run?, facts?, commands, recorded }
---@return string
function M.text(about)
  local page, runbook = markdown.new(), about.runbook
  page:heading(1, lang.format("Runbook: %s", plain(runbook.title)))
  if runbook.description then page:paragraph(plain(runbook.description)) end
  page:paragraph(
    lang.format(
      "Made by opsh doc from %s: what stands here is what is done. Each command can be pasted as it is.",
      code(runbook.path)
    )
  )
  params_table(page, about)
  preparation(page, about)
  backup(page, about)
  plan(page, about)
  apply(page, about)
  checks(page, about)
  people(page, about)
  undo(page, about)
  if runbook.finally then
    page:paragraph("")
    page:box(lang.text("Those concerned are told: the runbook does that at the end, however the run went."))
  end
  record(page, about)
  return page:text()
end

return M
