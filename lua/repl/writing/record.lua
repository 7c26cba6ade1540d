--- What a transaction at the prompt leaves behind: its statements in the run's folder, its row in the ledger, and the
--- entries of the audit log.
local audit = require("opsh.host.runbook.audit")
local batches = require("opsh.host.runbook.batch")
local budgets = require("opsh.host.runbook.budgets")
local errors = require("opsh.host.errors")
local digest = require("opsh.native.digest")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local json = require("opsh.native.json")
local ladder = require("opsh.host.runbook.ladder")
local ledger_reads = require("opsh.host.runbook.ledger")
local places = require("opsh.host.report.places")
local reports = require("opsh.host.report.writing")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")

local object = json.metatables()
local null = json.decode("null")

local M = {}

--- The file with its statements, in the run's folder.
M.file_name = "prompt.sql"

local function value_text(value)
  if value == nil or value == null then return "null" end
  local ok, shown = host.attempt(json.encode, value)
  return ok and shown or tostring(value)
end

--- The statements that count, with the values of their parameters as comments.
local function script_of(transaction)
  local parts = {}
  for _, entry in ipairs(transaction.tried.statements) do
    if not entry.rolled_back then
      local names = {}
      for name in pairs(entry.bindings) do
        names[#names + 1] = name
      end
      table.sort(names)
      for _, name in ipairs(names) do
        parts[#parts + 1] = ("-- :%s = %s\n"):format(name, value_text(entry.bindings[name]))
      end
      parts[#parts + 1] = entry.text:gsub(";?%s*$", ";\n")
    end
  end
  return table.concat(parts)
end

local function kept_statements(transaction)
  local count = 0
  for _, entry in ipairs(transaction.tried.statements) do
    if not entry.rolled_back then count = count + 1 end
  end
  return count
end

--- Keeps the statements and proves the batch; its row in the ledger has their hash. Then announces the COMMIT.
function M.last_word(transaction)
  local job, counts, changed = transaction.job, {}, {}
  for at, total in ipairs(transaction.totals) do
    counts[("%s %s"):format(total.table, total.kind)] = total.rows
    changed[at] = { table = total.table, operation = total.kind, rows = total.rows }
  end
  local text = secrets.redacted(script_of(transaction))
  system.write_file(("%s/%s"):format(job.directory, M.file_name), text)
  local script = { sha256 = digest.sha256(text), statements = kept_statements(transaction) }
  transaction.batch:record({
    step = 1,
    number = 1,
    position = transaction.rows,
    first_key = {},
    last_key = {},
    items = transaction.rows,
    left_out = {},
    figures = json.encode({
      counts = setmetatable(counts, object),
      labels = setmetatable({}, object),
      totals = setmetatable({}, object),
      script = script,
    }),
  })
  budgets.require_rows(job, transaction.batch:changed_rows())
  audit.committing(job.audit, transaction.step, script, changed)
end

--- Writes down that it is done.
---@param job table the run, with its ledger and its audit log
---@param step table
---@param seconds number
function M.done(job, step, seconds)
  step.done = jobs.reading_ledger(job, function(session) return ledger_reads.done(session, job.id, step.number) end)
  job.ledger:finish_step(step.number, audit.step_finished(job.audit, step, step.done, seconds))
  ladder.finish(job)
end

--- Makes the report of a run that is committed, as every rung does at its end.
---@param bench table of workbench.open
function M.report(bench, job)
  local place = bench.session:place()
  reports.finish(job, place, bench.out, places.at(place.state, "runs", job.id), "apply", 0, false)
end

--- Commits, and finds out what became of it. `job.committed` says whether it is there, also when this raises.
function M.commit(transaction)
  local job, step = transaction.job, transaction.step
  local ok, err = host.protect(function()
    local outcome, token = transaction.batch:finish()
    batches.settle(job, step, { number = 1 }, outcome, token)
  end)
  if ok then
    ok, err = host.protect(M.done, job, step, system.clock() - job.began)
    if ok then return end
    err = { kind = err.kind, message = err.message, sqlstate = err.sqlstate }
  else
    host.protect(ladder.stop, job, err)
    -- Nothing is left to be gone on with.
    err.run = nil
    if err.kind == "in_doubt" or job.committed == 0 then error(err, 0) end
  end
  errors.raise(
    err.kind,
    ("run %s is committed, and its state could not be written: %s"):format(job.id, err.message),
    job.resume .. " writes it; to take it back: " .. job.undo
  )
end

return M
