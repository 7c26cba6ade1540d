--- Retention: which runs are old enough to lose their journal, and dropping it. What else the ledger has of them stays.
local audit = require("opsh.host.runbook.audit")
local host = require("opsh.native.host")
local ladder = require("opsh.host.runbook.ladder")
local ledger_reads = require("opsh.host.runbook.ledger")
local native_journal = require("opsh.native.journal")
local system = require("opsh.native.system")

local M = {}

local every_run = 2 ^ 31

--- The rows of a plan, which are in a file of this machine.
local function spools_of(state, run)
  local directory = ("%s/runs/%s"):format(state, run)
  local found = {}
  if system.file_kind(directory) ~= "directory" then return found end
  for _, name in ipairs(system.list(directory)) do
    if name:find("^step%-%d+%.plan$") then found[#found + 1] = directory .. "/" .. name end
  end
  return found
end

--- The runs that ended, or began and did not end, so long ago; with the size of their journals.
local function old_runs(reader, seconds)
  local sizes = "0 as chunks, 0 as rows, 0 as bytes"
  local from = ""
  if ledger_reads.has_journal(reader) then
    sizes = "coalesce(j.chunks, 0) as chunks, coalesce(j.rows, 0) as rows, coalesce(j.bytes, 0) as bytes"
    from = [[
      left join lateral (
        select pg_catalog.count(*) as chunks, pg_catalog.sum(pg_catalog.cardinality(c.keys))::pg_catalog.int8 as rows,
               pg_catalog.sum(pg_catalog.pg_column_size(c.keys) + coalesce(pg_catalog.pg_column_size(c.old), 0)
                              + coalesce(pg_catalog.pg_column_size(c.new), 0))::pg_catalog.int8 as bytes
        from opsh.journal as c where c.run = r.id) as j on true]]
  end
  local found = reader:read(
    ([[
    select r.id, pg_catalog.to_char(r.finished_at, 'YYYY-MM-DD HH24:MI:SS') as finished, %s
    from opsh.run as r %s
    where coalesce(r.finished_at, r.started_at)
      <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1::pg_catalog.float8)
    order by r.started_at, r.id]]):format(sizes, from),
    { n = 1, seconds }
  )
  local by_id = {}
  for _, run in ipairs(ledger_reads.runs(reader, every_run)) do
    by_id[run.id] = run
  end
  return found, by_id
end

--- Why a run still needs its journal and its plan, or nil.
local function reason_to_keep(run)
  local undone = ledger_reads.undone(run)
  if undone == "being undone" then return ("it is being undone, by run %s"):format(run.last_undo) end
  if run.state == "running" then
    return run.interrupted and "it was interrupted, and opsh resume goes on with it" or "it is at work"
  end
  -- What nothing is committed of has left nothing that a resume could go on with.
  local ended = run.state == "done" or undone == "undone" or (run.state == "failed" and run.batches == 0)
  return not ended and "it stopped part-way, and opsh resume goes on with it" or nil
end

--- What would be dropped, and what is as old and is left. Reads only.
---@param state string the state folder
---@return table { runs, left }: lists of { id, title, state, finished, chunks, rows, bytes, spools }; of those left
--- also the reason
function M.plan(reader, state, seconds)
  local plan = { runs = {}, left = {} }
  if not ledger_reads.exists(reader) then return plan end
  local found, by_id = old_runs(reader, seconds)
  for _, sized in ipairs(found) do
    local run = by_id[sized.id]
    local spools, reason = spools_of(state, run.id), reason_to_keep(run)
    if sized.chunks > 0 or #spools > 0 then
      local list = reason and plan.left or plan.runs
      list[#list + 1] = {
        id = run.id,
        title = run.title,
        state = run.interrupted and "interrupted" or run.state,
        finished = sized.finished,
        chunks = sized.chunks,
        rows = sized.rows,
        bytes = sized.bytes,
        spools = spools,
        reason = reason,
      }
    end
  end
  return plan
end

local function drop_journal(job, run, circumstances)
  local directory = ("%s/runs/%s"):format(job.state, run.id)
  local recorded = job.recorded(run.id)
  system.make_directory(directory)
  local log = audit.open(directory, run.id, recorded)
  local ok, err = host.protect(function()
    local head = audit.journal_pruned(log, circumstances, { rows = run.rows, older_than = job.older_than })
    job.ledger:prune(run.id, job.seconds, head)
  end)
  log:close()
  if not ok then error(err, 0) end
end

--- What does not keep the other runs from being pruned.
local function is_of_one_run(err) return err.kind == "run.busy" or err.kind:find("^audit") ~= nil end

--- Drops what the plan names, a run at a time. A run that could not be pruned moves to `left`.
---@param job { target: table, state: string, seconds: number, older_than: string, command: string, reason?: string }
---@param identity table of the login that writes (jobs.identify)
---@param recorded fun(run: string): table|nil the head that the database has of a run's audit log
function M.carry_out(job, plan, identity, recorded)
  job.recorded = recorded
  local circumstances = ladder.circumstances(job, identity)
  job.ledger = native_journal.ledger(job.target)
  local ok, err = host.protect(function()
    job.ledger:install("opsh " .. host.version())
    local pruned = {}
    for _, run in ipairs(plan.runs) do
      local done, failure = true, nil
      if run.chunks > 0 then
        done, failure = host.protect(drop_journal, job, run, circumstances)
      end
      if done then
        for _, spool in ipairs(run.spools) do
          system.remove_tree(spool)
        end
        pruned[#pruned + 1] = run
      elseif is_of_one_run(failure) then
        run.reason = failure.message
        plan.left[#plan.left + 1], plan.failed = run, true
      else
        error(failure, 0)
      end
    end
    plan.runs = pruned
  end)
  job.ledger:close()
  if not ok then error(err, 0) end
end

return M
