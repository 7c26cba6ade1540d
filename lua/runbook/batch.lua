--- One batch of a step: an attempt is one transaction. Attempts are repeated after a deadlock or a lock that did not
--- come, and, where failures are allowed, without the items that fail.
local batch_effects = require("opsh.host.effects.batch_effects")
local budgets = require("opsh.host.runbook.budgets")
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local handles = require("opsh.host.runbook.handles")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local plan = require("opsh.host.runbook.plan")
local result_tables = require("opsh.host.report.tables")
local system = require("opsh.native.system")

local M = {}

local most_attempts = 6
-- An atomic step is one batch whatever its size; `apply` still gets its items in portions.
local portion = 10000

local passing = {
  ["transaction.deadlock"] = true,
  ["transaction.lock_timeout"] = true,
  ["transaction.serialization"] = true,
  ["transaction.tables_changed"] = true,
}

-- What an item's own data can cause. Anything else would fail for every item, or has nothing to do with one.
local kinds_about_items = { "^data", "^constraint", "^json", "^sql%.error$", "^script%.error$" }

local function is_about_items(err)
  for _, kind in ipairs(kinds_about_items) do
    if err.kind:find(kind) then return true end
  end
  return false
end

--- What `apply` returned, which must be counts.
local function counts_of(step, counts)
  if counts == nil then return {} end
  local fits = type(counts) == "table"
  for name, count in pairs(fits and counts or {}) do
    -- NaN and the infinities are numbers that the ledger's JSON does not have.
    fits = fits and type(name) == "string" and type(count) == "number" and math.abs(count) < math.huge
  end
  if not fits then
    errors.raise("script.apply", ("step %s: apply may return counts: a table of names and numbers"):format(step.name))
  end
  return counts
end

--- Runs the author's function over items; returns the counts that it gave.
local function call_apply(run, step, tx, list)
  local ok, counts = host.protect(run.hands.serve, "apply", step.apply, tx, list, run.ctx)
  if not ok then error(counts, 0) end
  return counts_of(step, counts)
end

--- The items as the author's function sees them: a list of rows that also is a relation in SQL.
---@param work? function that gets them; the step's `apply` unless given
local function author_items(items, batch, step, work)
  if not plan.takes_items(work or step.apply) then return nil end
  local list = items:list(batch)
  local function column(name)
    local values = {}
    for at, row in ipairs(list) do
      values[at] = row[name]
    end
    return values
  end
  local function keys()
    if #step.key == 1 then return column(step.key[1]) end
    local values = {}
    for at, row in ipairs(list) do
      values[at] = {}
      for part, name in ipairs(step.key) do
        values[at][part] = row[name]
      end
    end
    return values
  end
  return setmetatable(list, {
    __items = items,
    __metatable = "opsh.items",
    __index = function(_, name)
      if name == "column" then return column end
      if name == "keys" then return keys() end
    end,
  })
end

--- The values by name that a statement over these items sees.
local function with_items(scope, items)
  local made = { items = items }
  for name, value in pairs(scope) do
    made[name] = value
  end
  return made
end

--- The items, at most `portion` at a time.
local function portions(items)
  local at = 0
  return function()
    if at >= items:size() then return nil end
    local rows = {}
    for row = at + 1, math.min(at + portion, items:size()) do
      rows[#rows + 1] = row
    end
    at = at + #rows
    return #rows == items:size() and items or items:only(rows)
  end
end

--- Those that still qualify, and the others as left out.
local function rechecked(step, batch, items, scope)
  if not step.recheck or items:size() == 0 then return items, {} end
  local rows = batch:recheck(step.recheck, { scope = scope }, items)
  if #rows == items:size() then return items, {} end
  local still, left_out = {}, {}
  for _, row in ipairs(rows) do
    still[row] = true
  end
  for row = 1, items:size() do
    if not still[row] then left_out[#left_out + 1] = { key = items:key(row), outcome = "changed" } end
  end
  return items:only(rows), left_out
end

--- Begins a batch that is committed with its row in the ledger.
local function begin_recorded(run, step)
  -- Over the session that writes, and again when somebody has changed a table since.
  if step.journaled then step.tables_to_write = step.tables_to_write or run.ledger:examine(step.writes) end
  return run.ledger:begin({
    tables = step.tables_to_write,
    oids = step.write_oids,
    atomic = step.atomic,
    columns = step.column_limits,
    defines = step.defines,
  })
end

--- Begins a batch whose session is what `ctx` reads, and ends it whatever happens.
local function with_batch(run, step, work)
  local batch = (run.begin_batch or begin_recorded)(run, step)
  run.state.batch = batch
  local results = { host.protect(work, batch) }
  run.state.batch = nil
  if not results[1] then
    batch:rollback()
    error(results[2], 0)
  end
  return unpack(results, 2, table.maxn(results))
end

--- One attempt. `failures` are items that are left out because they failed before, with their errors; `number` is that
--- of the attempt.
local function attempt(run, step, place, items, failures, number)
  return with_batch(run, step, function(batch)
    batch_effects.begin(run)
    result_tables.begin(run, step)
    local qualified, left_out = rechecked(step, batch, items, with_items(run.scope, items))
    local counts = {}
    for part in portions(qualified) do
      local tx = handles.transaction(batch, with_items(run.scope, part))
      figures.add(counts, call_apply(run, step, tx, author_items(part, batch, step)))
    end
    for _, failure in ipairs(failures) do
      if step.on_failure then
        local tx = handles.transaction(batch, with_items(run.scope, failure.items))
        local item = failure.items:list(batch)[1]
        local ok, err = host.protect(run.hands.serve, "apply", step.on_failure, tx, item, failure.err)
        if not ok then error(err, 0) end
      end
      left_out[#left_out + 1] = failure.left_out
    end
    for _, written in ipairs(step.writes) do
      if written.rows then batch:watch(written.name, written.rows, { scope = with_items(run.scope, items) }) end
    end
    local done = qualified:figures({ tally = {}, totals = step.totals, label_column = step.label_column })
    batch:record({
      step = step.number,
      number = place.number,
      position = place.position,
      first_key = place.first_key,
      last_key = place.last_key,
      items = qualified:size(),
      left_out = left_out,
      figures = json.encode({
        counts = counts,
        labels = done.labels,
        totals = done.totals,
        -- What a resume cannot count in the journal.
        rows = not step.journaled and batch:changed_rows() or nil,
        effects = batch_effects.list(run),
        attempts = number > 1 and number or nil,
        tables = result_tables.take(run),
      }),
    })
    if step.schema then batch:keep({ step = step.number, number = place.number }, qualified) end
    local changed = batch:changed_rows()
    budgets.require_rows(run, changed)
    if place.gate then place.gate(batch, counts, qualified:size(), done) end
    if run.observe then run.observe(batch) end
    local outcome, token = batch:finish()
    return outcome,
      token,
      {
        items = qualified:size(),
        left_out = left_out,
        counts = counts,
        labels = done.labels,
        totals = done.totals,
        changed_rows = changed,
        effects = batch_effects.list(run),
      }
  end)
end

--- Which items fail: each in a savepoint, deferred constraints checked after each, all of it rolled back.
local function diagnose(run, step, items)
  return with_batch(run, step, function(batch)
    result_tables.begin(run, step)
    local qualified = rechecked(step, batch, items, with_items(run.scope, items))
    local failures, failed = {}, {}
    for row = 1, qualified:size() do
      local single = qualified:only({ row })
      batch:savepoint()
      local ok, err = host.protect(function()
        local tx = handles.transaction(batch, with_items(run.scope, single))
        call_apply(run, step, tx, author_items(single, batch, step))
        batch:check_deferred()
      end)
      if ok then
        batch:release_savepoint()
      else
        if not is_about_items(err) then error(err, 0) end
        batch:rollback_to_savepoint()
        local key = qualified:key(row)
        failed[table.concat(key, "\0")] = true
        failures[#failures + 1] = {
          err = err,
          items = single,
          left_out = { key = key, outcome = "failed", sqlstate = err.sqlstate, message = err.message },
        }
      end
    end
    batch:rollback()
    local rest = {}
    for row = 1, items:size() do
      if not failed[table.concat(items:key(row), "\0")] then rest[#rest + 1] = row end
    end
    return failures, items:only(rest)
  end)
end

--- Asks the server, over a new connection, whether a COMMIT without an answer took place.
local function decide(run, token)
  local last
  for _ = 1, 15 do
    local ok, answer = host.protect(function() return run.open_ledger():committed(run.id, token) end)
    if ok then return answer end
    last = answer
    system.sleep(1)
  end
  return nil, last
end

local function settle(run, step, place, outcome, token)
  if outcome == "kept" then return end
  if outcome == "committed" then
    run.committed = run.committed + 1
    return
  end
  if outcome == "rolled_back" then
    errors.raise("batch.doomed", "the server answered COMMIT with ROLLBACK: nothing of the batch was kept")
  end
  local committed, err = decide(run, token)
  if committed == nil then
    local what = "the connection was lost during the COMMIT of batch %d of step %s, and the server cannot be asked: %s"
    local look =
      "it is committed if this finds a row: select from opsh.batch where token = '%s'; this asks it and goes on: %s"
    errors.raise("in_doubt", what:format(place.number, step.name, err.message), look:format(token, run.resume))
  end
  if committed then run.committed = run.committed + 1 end
  errors.raise(
    "connection.lost",
    ("the connection was lost during the COMMIT of batch %d of step %s; the server says that it %s"):format(
      place.number,
      step.name,
      committed and "is committed" or "was rolled back"
    )
  )
end

M.with_batch, M.settle, M.most_attempts = with_batch, settle, most_attempts
M.author_items, M.with_items, M.counts_of = author_items, with_items, counts_of

--- Whether an attempt that ended like this may succeed when it is made again; then waits a moment.
---@param number integer of the attempt
---@param say? fun(line: string)
function M.passes(err, step, number, say)
  if not passing[err.kind] then return false end
  if err.kind == "transaction.tables_changed" then step.tables_to_write = nil end
  local pause = 0.05 * 2 ^ number
  if step.schema then
    -- What queued behind the lock that did not come has to get through first.
    pause = 2 ^ (number - 1)
    if say then say(("step %s: %s; again in %d s"):format(step.name, err.message, pause)) end
  end
  system.sleep(pause)
  return true
end

--- Does one batch, exactly once.
---@param run table { ledger, open_ledger, id, ctx, scope, state, failures_left, begin_batch? (of a simulation),
--- observe? (of a rehearsal: called with the batch right before its COMMIT) }
---@param step table
---@param place { number: integer, position: integer, first_key: string[], last_key: string[], gate?: function }
---@param items userdata
---@return { items: integer, left_out: table[], counts: table, labels: table, totals: table }
function M.run(run, step, place, items)
  local failures, todo = {}, items
  for number = 1, most_attempts do
    local ok, outcome, token, result = host.protect(attempt, run, step, place, todo, failures, number)
    if ok then
      settle(run, step, place, outcome, token)
      run.failures_left[step.number] = run.failures_left[step.number] - #failures
      budgets.spend(run, result.changed_rows)
      batch_effects.release(run, step, place.number, result.effects)
      return result
    end
    local err = outcome
    if number == most_attempts then error(err, 0) end
    local again = M.passes(err, step, number, run.say)
    if not again and is_about_items(err) and run.failures_left[step.number] > 0 then
      local found, rest = diagnose(run, step, todo)
      if #found == 0 then error(err, 0) end
      for _, failure in ipairs(found) do
        failures[#failures + 1] = failure
      end
      todo = rest
      if #failures > run.failures_left[step.number] then
        errors.raise(
          "batch.failures",
          ("%s of batch %d failed, more than max_failures allows; the first: %s"):format(
            counted(#failures, "item"),
            place.number,
            failures[1].err.message
          ),
          failures[1].err.hint,
          failures[1].err.where
        )
      end
    elseif not again then
      error(err, 0)
    end
  end
end

return M
