--- A job is one runbook with its parameters on one target; and the read sessions that its functions see as `ctx`.
local checks = require("opsh.host.runbook.checks")
local conditional_steps = require("opsh.host.runbook.conditional_steps")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local handles = require("opsh.host.runbook.handles")
local hands = require("opsh.host.effects.hands")
local host = require("opsh.native.host")
local native_db = require("opsh.native.db")
local params = require("opsh.host.runbook.params")
local reading = require("opsh.host.runbook.reading")
local result_tables = require("opsh.host.report.tables")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local M = {}

local function params_for_lua(declared, values)
  local names = {}
  for at, param in ipairs(declared) do
    names[at] = param.name
  end
  return setmetatable(values, {
    __index = function(_, name)
      for _, known in ipairs(names) do
        if known == name then return nil end
      end
      local meant = text.nearest(tostring(name), names)
      errors.raise(
        "script.param",
        ("the runbook declares no param %s"):format(tostring(name)),
        meant and ("did you mean %s?"):format(meant) or "add it to params"
      )
    end,
    __metatable = "opsh.params",
  })
end

--- A job, nothing opened yet.
---@param runbook table loaded and checked
---@param target table { conninfo, reader_conninfo, ... }
---@param given table<string, string[]> parameters as texts
---@param options { directory: string, sample: integer, recorded?: boolean, values?: function } `recorded`: `given` is
--- what a run recorded; `values` in the place of params.values
function M.new(runbook, target, given, options)
  local values, scope, texts = (options.values or params.values)(runbook.params, given, options.recorded)
  if target then
    target.functions, target.foreign_tables = runbook.functions, runbook.foreign_tables
  end
  local state = { scope = scope }
  local job = {
    runbook = runbook,
    target = target,
    params = texts,
    scope = scope,
    state = state,
    failures_left = {},
    directory = options.directory,
    sample = options.sample,
    committed = 0,
    began = system.clock(),
    say = function() end,
    incidents = {},
    compensations = {},
  }
  job.ctx = handles.context(state, {
    params = params_for_lua(runbook.params, values),
    planned = figures.new(),
    done = figures.new(),
    report = result_tables.handle(state),
  })
  job.steps, job.steps_left_out = conditional_steps.split(runbook.steps, values)
  for _, step in ipairs(job.steps) do
    step.label_column = type(step.classify) == "string" and step.classify or step.classify and "label" or nil
  end
  job.hands = hands.looking(job)
  job.hands.default()
  return job
end

--- A read session on the target's reader login, where it names one.
function M.open_reader(job) return workplace.reader(job.target) end

--- Says what helps when a reader login may not see something: what a schema step makes is its owner's.
function M.explain_denied(job, err)
  if err.kind ~= "permission.denied" or not job.target.reader then return err end
  local message = job.reading and "%s, for the reader login %s" or "%s, for the reader login"
  err.message = message:format(err.message, job.reading and job.reading.user)
  err.hint = "let it read what the other one makes: alter default privileges for role ... grant select on tables to ..."
  return err
end

--- Lets reading_ledger keep its session from one time to the next: to open one costs more than what is read.
function M.keep_ledger_session(job) job.ledger_session = {} end

--- Closes what is kept; from now on reading_ledger opens one each time.
function M.drop_ledger_session(job)
  local kept = job.ledger_session
  job.ledger_session = nil
  if kept and kept.reader then kept.reader:close() end
end

-- In a snapshot of its own; nothing when none is kept, or it is gone.
local function take_kept_session(job)
  local kept = job.ledger_session
  local session = kept and kept.reader
  if not session then return nil end
  kept.reader = nil
  if host.protect(session.refresh, session) then return session end
  session:close()
end

--- Reads the ledger, over the login that writes it: the reader login need not see the schema opsh. Each time what is
--- committed by then.
function M.reading_ledger(job, work)
  local session = take_kept_session(job) or native_db.host_reader(job.target)
  local results = { host.attempt(work, session) }
  local kept = job.ledger_session
  if results[1] and kept and not kept.reader and host.protect(session.rest, session) then
    kept.reader = session
  else
    session:close()
  end
  if not results[1] then error(results[2], 0) end
  return unpack(results, 2, table.maxn(results))
end

--- Opens a read session for `ctx`, with a snapshot of its own, and closes it whatever happens. `job.evidence` is what
--- shows that it wrote nothing; that it wrote is worse than any other error.
function M.reading(job, work)
  local session = M.open_reader(job)
  job.state.session = session
  local results = { host.protect(work, session) }
  job.state.session = nil
  if not results[1] then M.explain_denied(job, results[2]) end
  local proved, evidence = host.attempt(reading.evidence, session)
  session:close()
  if not proved and (results[1] or evidence.kind == "in_doubt.evidence") then error(evidence, 0) end
  if not results[1] then error(results[2], 0) end
  job.evidence = evidence
  return unpack(results, 2, table.maxn(results))
end

-- A check may fail in the middle: the snapshot must survive it.
local function guarded_query(job, session)
  return function(work, ...)
    session:savepoint()
    local results = { host.attempt(work, ...) }
    session:rollback_to_savepoint()
    if not results[1] then M.explain_denied(job, results[2]) end
    return unpack(results, 1, table.maxn(results))
  end
end

--- Runs a checking function of the runbook over a session.
function M.check(job, work, session)
  local function serve(...) return job.hands.serve("check", work, ...) end
  return checks.run(serve, job.ctx, guarded_query(job, session), job.runbook.redact)
end

--- Runs a step's `verify`.
function M.verify(job, step, session)
  if not step.verify then return {} end
  job.ctx.planned, job.ctx.done = step.planned, step.done or figures.new()
  return M.check(job, step.verify, session)
end

-- Settings that change what a statement means; those that opsh does not fix, and those that it does, for the record.
local meaningful = {
  "DateStyle",
  "IntervalStyle",
  "TimeZone",
  "lock_timeout",
  "row_security",
  "search_path",
  "server_encoding",
  "session_replication_role",
  "statement_timeout",
}

--- Which database this is, by what the server says of itself, not by how it was reached; and the session's settings.
--- `sandbox`: it is in a throw-away server, which is known by the name that only its start can give it.
function M.identify(session)
  return session:read([[
    select c.system_identifier::pg_catalog.text as system_identifier, d.oid::pg_catalog.text as database_oid,
           d.datname::pg_catalog.text as database, current_user::pg_catalog.text as "user",
           pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) as server_version,
           pg_catalog.current_setting('cluster_name') = 'opsh sandbox' as sandbox,
           (select pg_catalog.jsonb_object_agg(s.name, pg_catalog.current_setting(s.name))
            from pg_catalog.unnest($1::pg_catalog.text[]) as s (name)) as settings
    from pg_catalog.pg_control_system() as c, pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database()]], { n = 1, "{" .. table.concat(meaningful, ",") .. "}" })[1]
end

return M
