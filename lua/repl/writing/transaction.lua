--- A transaction that a person works on at the prompt: the one batch of a run of its own. Each statement that writes is
--- in a savepoint, is proved, and shows what it changed; \commit keeps all of it or nothing.
local asking = require("opsh.host.repl.writing.asking")
local budgets = require("opsh.host.runbook.budgets")
local counted = require("opsh.host.counted")
local diff = require("opsh.host.repl.writing.diff")
local errors = require("opsh.host.errors")
local explaining = require("opsh.host.repl.writing.explaining")
local host = require("opsh.native.host")
local ladder = require("opsh.host.runbook.ladder")
local reading = require("opsh.host.repl.writing.reading")
local record = require("opsh.host.repl.writing.record")
local settling = require("opsh.host.repl.writing.settling")
local sql = require("opsh.native.sql")
local system = require("opsh.native.system")
local tables = require("opsh.host.repl.writing.tables")
local text = require("opsh.native.text")

local M = {}

local Transaction = {}
Transaction.__index = Transaction

-- As many rows of a statement as a person reads.
local shown = 20

--- Begins one; its run has begun.
---@param bench table of workbench.open
---@param job table of opening.lua: the run
---@param seconds number so long it may wait for its person
function M.begin(bench, job, seconds)
  local self = setmetatable({
    bench = bench,
    job = job,
    step = job.steps[1],
    held = 0,
    rows = 0,
    totals = {},
    seconds = seconds,
  }, Transaction)
  self.batch = job.ledger:begin({ tables = job.ledger:examine({}), atomic = true })
  self:show_waiting()
  self.user = text.printable(self.batch:read("select current_user::pg_catalog.text as name", { n = 0 })[1].name)
  self.tables = tables.new(job, self.batch)
  self.tried = { name = "w" .. #bench.tried + 1, outcome = "open", run = job.id, statements = {} }
  table.insert(bench.tried, self.tried)
  bench.writing, bench.session.within = self, reading.of(self)
  bench.state.mode, bench.state.transaction = "writing", "open"
  self:touch()
  return self
end

--- On a terminal a long statement says so, over the login that writes.
function Transaction:show_waiting()
  local on_connect, login = self.bench.session.on_connect, {}
  if not on_connect then return end
  for name, value in pairs(self.job.target) do
    login[name] = value
  end
  login.reader = nil
  on_connect(self.batch, login)
end

--- Where the prompt is meanwhile: the login that writes may have another name.
---@param before table of prompt_line.whereabouts
function Transaction:whereabouts(before)
  return {
    database = before.database,
    user = self.user,
    environment = before.environment,
    protected = self.job.target.protected == true,
  }
end

--- What is typed from here on is read, and seen by others, as before.
function Transaction:over(outcome)
  self.tried.outcome = outcome
  local bench = self.bench
  bench.writing, bench.session.within = nil, nil
  bench.state.mode, bench.state.transaction = nil, nil
  if self.job.ledger then self.job.ledger:close() end
end

--- The time from which on it waits for its person (waiting.lua).
function Transaction:touch() self.touched, self.reminded = system.clock(), false end

function Transaction:require_usable()
  if not self.failure then return end
  errors.raise(
    "connection.lost",
    "the transaction is over: its connection was lost, and nothing of it was committed",
    "\\rollback leaves it"
  )
end

--- The session is gone, and the server rolls back what it had. Raises the error that said so.
function Transaction:lose(err)
  self.failure = err
  self.bench.state.transaction = "failed"
  self.tried.outcome = "rolled back"
  self.batch:rollback()
  -- It is said at once: whether the ledger can be asked may take ten seconds to find out.
  self.job.reached = false
  host.protect(ladder.stop, self.job, err)
  err.run = nil
  err.message = err.message .. ": nothing of the transaction was committed"
  err.hint = "\\rollback leaves it, \\reconnect connects anew; the values of Lua are kept"
  error(err, 0)
end

--- Runs work in a savepoint; when it raises, what it did is taken back and the error comes back.
---@return boolean ok
---@return any ... or the error
function Transaction:savepointed(work, ...)
  self:tidy()
  local results = {
    host.protect(function(...)
      self.batch:savepoint()
      return work(...)
    end, ...),
  }
  local ended = results[1] and self.batch.release_savepoint or self.batch.rollback_to_savepoint
  local ok, err = host.protect(ended, self.batch)
  if not ok then self:lose(results[1] and err or results[2]) end
  return unpack(results, 1, table.maxn(results))
end

--- Ends the savepoints that rows which are still being read have: the chunk is over.
function Transaction:tidy()
  while self.held > 0 and not self.failure do
    self.held = self.held - 1
    local ok, err = host.protect(self.batch.rollback_to_savepoint, self.batch)
    if not ok then self:lose(err) end
  end
end

--- Does what was typed.
function Transaction:around(work, ...)
  local results = { host.protect(work, ...) }
  if self.bench.writing == self then self:tidy() end
  self:touch()
  -- Whoever reads or computes is at work too, and the server hears nothing of it. What is lost shows by itself.
  if self.bench.writing == self and not self.failure then host.protect(self.batch.wake, self.batch) end
  if not results[1] then error(results[2], 0) end
  return unpack(results, 2, table.maxn(results))
end

--- Adds rows to what \commit asks about.
local function add_total(totals, table_name, kind, rows)
  if rows == 0 then return end
  for _, total in ipairs(totals) do
    if total.table == table_name and total.kind == kind then
      total.rows = total.rows + rows
      return
    end
  end
  totals[#totals + 1] = { table = table_name, kind = kind, rows = rows }
end

local function rows_of(result)
  local rows = result.affected
  for _, count in pairs(result.indirect) do
    rows = rows + count
  end
  return rows
end

function Transaction:write(statement, bindings, operation)
  local entry = {
    text = statement.text,
    bindings = bindings.names,
    kind = operation.kind,
    table = operation.table,
    columns = operation.columns[1] and operation.columns or nil,
    affected = 0,
    keys = {},
    rolled_back = false,
  }
  table.insert(self.tried.statements, entry)
  local ok, result = self:savepointed(function()
    local known, name = host.attempt(self.tables.declare, self.tables, operation.table)
    -- Of a table that is not there the server says more.
    if not known and name.kind ~= "sql.undefined_table" then error(name, 0) end
    entry.table = known and name or entry.table
    local made = self.batch:write(statement.text, bindings, shown)
    budgets.require_rows(self.job, self.rows + rows_of(made))
    return made
  end)
  if not ok then
    entry.rolled_back = true
    local err = explaining.of(result)
    local now = self.bench.ends_with_errors and "the first error is the end, and the transaction ends with it"
      or "the statement is rolled back, the transaction goes on"
    err.hint = (err.hint or "") ~= "" and ("%s; %s"):format(err.hint, now) or now
    error(err, 0)
  end
  entry.affected, entry.keys = result.affected, result.keys
  self.rows = self.rows + rows_of(result)
  add_total(self.totals, entry.table, operation.kind, result.affected)
  for name, rows in pairs(result.indirect) do
    add_total(self.totals, name, "indirect", rows)
  end
  diff.show(self.bench, entry, result, self.step.redact)
  return result.rows, "written"
end

--- Runs a statement of SQL.
---@param statement { text: string, word: string }
---@param bindings table
---@param read fun(): table, string what reads it, when it reads
---@return table|nil rows
---@return string mode of runner.lua; "written" when the rows are those of RETURNING, or none
function Transaction:run(statement, bindings, read)
  self:require_usable()
  if host.attempt(sql.check_read, statement.text) then return read() end
  local ok, operation = host.attempt(self.batch.operation, self.batch, statement.text, bindings)
  if not ok then error(explaining.of(operation), 0) end
  budgets.require_time(self.job, system.clock())
  if operation.kind ~= "select" then return self:write(statement, bindings, operation) end
  local locked, rows = self:savepointed(self.batch.query, self.batch, statement.text, bindings)
  if not locked then error(rows, 0) end
  return rows, "all"
end

--- Declares a table that cascades and triggers may change.
function Transaction:also(name)
  self:require_usable()
  local ok, result = self:savepointed(self.tables.declare, self.tables, sql.qualified(name))
  if not ok then error(explaining.of(result), 0) end
  return result
end

--- What has changed, in a few words: "3 rows of public.orders".
function Transaction:described()
  local parts = {}
  for at, total in ipairs(self.totals) do
    local how = total.kind == "indirect" and "changed by cascades and triggers" or diff.done[total.kind]
    parts[at] = ("%s: %s %s"):format(total.table, counted(total.rows, "row"), how)
  end
  return #parts > 0 and table.concat(parts, "; ") or "nothing was changed"
end

--- Takes it back, and records why.
function Transaction:give_up(why)
  if not self.failure then
    self.batch:rollback()
    local message = ("%s: nothing of it was committed"):format(why)
    host.protect(ladder.stop, self.job, { kind = "run.given_up", message = message })
  end
  self:over("rolled back")
end

--- After a COMMIT whose session was lost the server was asked over another one, which writes down what it said.
---@return boolean committed
function Transaction:settled(problem)
  if problem.kind == "in_doubt" then return false end
  local job = self.job
  local run = { id = job.id, epoch = job.epoch, state = "running", interrupted = true }
  local ok = host.protect(settling.settle, run, {
    target = job.target,
    identity = job.identity,
    state = self.bench.session:place().state,
    say = self.bench.say,
    command = job.command,
  })
  return ok and job.committed > 0
end

--- Asks, proves and commits. What stands in the way leaves it open; an error from the COMMIT on does not.
function Transaction:commit()
  self:require_usable()
  local bench, job = self.bench, self.job
  if #self.totals == 0 then
    self:give_up("nothing was changed")
    return bench.say("nothing was changed: the transaction is over")
  end
  asking.require_commit(bench, self)
  local ok, err = self:savepointed(record.last_word, self)
  if not ok then error(explaining.of(err), 0) end
  self.rows = self.batch:changed_rows()
  -- From here on it is over, whatever comes of it.
  local kept, problem = host.protect(record.commit, self)
  local in_doubt = not kept and problem.kind == "in_doubt"
  self:over(job.committed > 0 and "committed" or in_doubt and "in doubt" or "rolled back")
  if kept then
    bench.say(("run %s is committed: %s"):format(job.id, counted(self.rows, "row")))
  elseif not self:settled(problem) then
    error(problem, 0)
  end
  bench.say("to take it back: " .. job.undo)
  record.report(bench, job)
  if bench.out.json then bench.show({ run = job.id, rows = self.rows }) end
end

function Transaction:descriptor()
  if self.failure then return nil end
  return self.batch:descriptor()
end

--- Takes what the server said on its own; raises when the session is gone.
function Transaction:stir()
  local ok, err = host.attempt(self.batch.stir, self.batch)
  if not ok then self:lose(err) end
end

return M
