--- The runs of opsh in this database, one of them, and what it would take to take it back.
local again = require("opsh.host.commands.again")
local findings = require("opsh.host.repl.investigate.findings")
local ladder = require("opsh.host.runbook.ladder")
local lang = require("opsh.host.lang")
local ledger = require("opsh.host.runbook.ledger")
local present = require("opsh.host.present.undo")
local redaction = require("opsh.host.runbook.redaction")
local report = require("opsh.native.report")
local sample = require("opsh.host.repl.sample")
local text = require("opsh.native.text")
local undo = require("opsh.host.runbook.undo")
local undone_effects = require("opsh.host.effects.undone_effects")

local M = {}

local function state_of(run) return ledger.undone(run) or run.interrupted and "interrupted" or run.state end

local shown = { "run", "state", "runbook", "items#", "left out#", "started", "took", "by" }

--- The newest runs as rows.
function M.newest(bench, most)
  local list = {}
  for at, run in ipairs(ledger.runs(bench.session:reader(), most)) do
    list[at] = {
      run = run.id,
      state = state_of(run),
      runbook = run.title,
      items = run.items,
      ["left out"] = run.left_out,
      started = run.started,
      took = report.duration(run.seconds),
      by = run.operator,
    }
  end
  return findings.rows(shown, list)
end

local function heading(bench, run)
  local lines = { ("%s  %s\n"):format(bench.out.strong("run " .. run.id), text.printable(run.title)) }
  local function add(name, value)
    if value then lines[#lines + 1] = ("%s  %s\n"):format(text.pad_right(name, 7), text.printable(value)) end
  end
  add("state", run.message and ("%s: %s"):format(state_of(run), run.message) or state_of(run))
  add("undoes", run.undo_of and "run " .. run.undo_of)
  add("undone", ledger.undone(run) and "by run " .. run.last_undo)
  add("journal", run.pruned_at and "dropped on " .. run.pruned_at)
  add("runbook", run.runbook)
  add("by", run.operator)
  add("why", run.reason)
  add("started", run.started .. " UTC" .. (run.finished and ", finished " .. run.finished or ""))
  return table.concat(lines)
end

local function steps(bench, run)
  local list = {}
  for at, step in ipairs(ledger.steps(bench.session:reader(), run.id)) do
    list[at] = {
      step = step.number,
      name = step.name,
      state = step.done and "done" or "open",
      planned = step.planned.items,
      items = step.items,
      ["left out"] = step.skipped + step.rejected,
      failed = step.failed,
    }
  end
  return findings.rows({ "step#", "name", "state", "planned#", "items#", "left out#", "failed#" }, list)
end

-- Values of columns that the runbook hides are masked where they are read.
local changes_of = [[
  select c.step, c.batch, c.table_name as "table", pg_catalog.array_to_string(c.key, ', ') as key, c.operation,
         v.name as "column",
         case when v.name = any (:hidden::pg_catalog.text[]) and v.old is not null then :mask else v.old end as old,
         case when v.name = any (:hidden::pg_catalog.text[]) and v.new is not null then :mask else v.new end as new
  from opsh.change as c
  left join lateral rows from (pg_catalog.unnest(c.names), pg_catalog.unnest(c.old), pg_catalog.unnest(c.new))
    as v (name, old, new) on c.operation <> 'insert'
  where c.run = :run
  order by c.step, c.batch, c.part, c.key, v.name]]

--- One run as text, and its changes as rows: the first of them, with the way to the others.
---@param id string or the beginning of it
---@return table rows
---@return string text
function M.one(bench, id)
  local reader = bench.session:reader()
  local run = ledger.run(reader, id)
  lang.of(run.sources, run.runbook)
  local about = heading(bench, run) .. findings.section(bench, "steps", steps(bench, run))
  if not ledger.has_journal(reader) then return findings.rows({ "step#" }, {}), about end
  local hidden = {}
  for name in pairs(redaction.of_run(reader, run.id)) do
    hidden[#hidden + 1] = name
  end
  local names = { run = run.id, hidden = hidden, mask = redaction.mask("") }
  return sample.take(bench.session, changes_of, { n = 0, names = names }), about
end

--- The command line that takes a run back, on the database where the prompt is now, which need not be where it began;
--- nil when none can name it.
local function command_of(bench, id)
  local place = bench.session:place()
  local target, given = place.target, bench.given
  if place.ends then return nil end
  if #bench.session.left > 0 then
    if target.dbname and (target.name or target.conninfo:find("://", 1, true)) then return nil end
    -- Of a word that is given twice libpq takes the last.
    local database = target.dbname and (" dbname='%s'"):format(target.dbname:gsub("[\\']", "\\%0")) or ""
    given = target.name and { target = { target.name } } or { db = { target.conninfo .. database } }
  end
  return again.command(given, "undo", id)
end

--- What it would take to take a run back: its conflicts as rows, and the plan as text. Changes nothing.
function M.undo_plan(bench, id)
  local reader, place = bench.session:own_reader(), bench.session:place()
  local original, identity = undo.original(reader, id)
  lang.of(original.sources, original.runbook)
  local undo_id = ladder.new_run_id()
  local directory = ("%s/runs/%s"):format(place.state, undo_id)
  local effects = undone_effects.of(original, { target = place.target, directory = directory })
  effects:steps(reader)
  local plan = undo.plan(reader, original, sample.most, bench.out.progress)
  local command = command_of(bench, original.id)
  local job = undo.job(original, identity, undo_id, {
    target = place.target,
    state = place.state,
    say = bench.say,
    command = command or "opsh undo " .. original.id,
    resume = "",
    effects = effects,
  })
  job.undo_plan, job.planned_only = plan, true
  local about = present.plan(job, place, bench.out, command)
  if not command then about = about .. "\nNothing was written. opsh undo, on this database, takes it back.\n" end
  return present.conflict_rows(plan.conflicts), about
end

return M
