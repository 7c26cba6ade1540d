--- `ctx` and `tx` as runbooks see them: the same queries over a session that reads, or over a batch.
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local rows = require("opsh.host.runbook.rows")

local M = {}

--- `{ made = rows }` and no list, row or JSON: values by name.
local function is_names(value)
  if type(value) ~= "table" or debug.getmetatable(value) then return false end
  for name in pairs(value) do
    if type(name) ~= "string" then return false end
  end
  return true
end

local function bindings(scope, ...)
  local count = select("#", ...)
  if count == 1 and is_names((...)) then
    -- An empty table is either: no names, or an empty list for $1.
    return { n = next((...)) == nil and 1 or 0, names = (...), scope = scope, (...) }
  end
  return { n = count, scope = scope, ... }
end

local function iterate(cursor)
  local block, at = nil, 0
  return function()
    at = at + 1
    if not block or at > #block then
      block, at = cursor:next(), 1
      if not block then return nil end
    end
    return block[at]
  end
end

--- The queries. `session(self)` gives what runs them, `read` names its function for rows.
local function queries(handle, session, read, scope)
  --- All rows.
  function handle.query(_, sql, ...)
    local on = session()
    return on[read](on, sql, bindings(scope(), ...))
  end

  --- Exactly one row.
  function handle:one(sql, ...)
    local found = self:query(sql, ...)
    if #found ~= 1 then
      errors.raise(
        #found == 0 and "rows.none" or "rows.many",
        ("the query gave %d rows where one is expected"):format(#found),
        #found == 0 and "use first, which gives nil when there is none" or "make it precise, or use query"
      )
    end
    return found[1]
  end

  --- The first row, or nil.
  function handle:first(sql, ...) return self:query(sql, ...)[1] end

  --- The only column of the only row; nil when there is no row, or it is NULL.
  function handle:value(sql, ...)
    local found = self:query(sql, ...)
    local columns = rows.columns(found)
    if #found > 1 or #columns ~= 1 then
      errors.raise(
        "rows.many",
        ("value wants one row with one column; the query gave %s with %s"):format(
          counted(#found, "row"),
          counted(#columns, "column")
        ),
        "use one, first or query"
      )
    end
    return found[1] and found[1][columns[1]]
  end

  --- The first `limit` rows, and how many there are; the others are not sent.
  function handle.sample(_, limit, sql, ...)
    local on = session()
    return on:sample(sql, bindings(scope(), ...), limit)
  end

  --- The rows one after the other, in constant memory: `for row in ctx:rows(sql) do ... end`.
  function handle.rows(_, sql, ...)
    local on = session()
    return iterate(on:cursor(sql, bindings(scope(), ...)))
  end
end

--- `ctx`: reads, and what is known of the run. `state` is the host's: its session changes as the run goes on.
---@param state { session: userdata, batch: userdata|nil, scope: table }
function M.context(state, fields)
  local ctx = fields

  local function session()
    if state.batch then return state.batch end
    if not state.session then
      errors.raise(
        "session.closed",
        "ctx reads in plan, classify, preconditions and verify",
        "read through tx inside apply"
      )
    end
    return state.session
  end

  --- Gives each row of a query to a function, as texts in the order of the columns, opsh.null for NULL: with COPY, for
  --- large amounts. The query takes no parameters, and the function runs no other query. Returns the number of rows.
  function ctx.copy_out(_, sql, each)
    local on = session()
    return on:copy_out(sql, each)
  end

  queries(ctx, session, "read", function() return state.scope end)
  return ctx
end

--- `tx`: reads and writes in a batch.
---@param batch userdata
---@param scope table values by name
function M.transaction(batch, scope)
  local tx = {}
  queries(tx, function() return batch end, "query", function() return scope end)

  --- Runs a statement; returns how many rows it touched.
  function tx.exec(_, sql, ...) return batch:exec(sql, bindings(scope, ...)) end

  --- Defines or changes objects, in a schema step: one statement, without values.
  function tx.ddl(_, sql) return batch:define(sql) end

  --- Sends rows with COPY: the fastest way in, for rows that do not come from the database. `rows` is a list of tables
  --- by column name, or a function that gives the next one. Returns how many the server took.
  function tx.copy_in(_, into, columns, rows_)
    local at = 0
    local function listed()
      at = at + 1
      return rows_[at]
    end
    local next_row = type(rows_) == "function" and rows_ or listed
    return batch:copy_in(into, columns, function()
      local row = next_row()
      if row == nil then return nil end
      local values = {}
      for number, name in ipairs(columns) do
        values[number] = row[name]
      end
      return values
    end)
  end

  --- Runs a function; when it raises, what it wrote is taken back and the error goes on.
  function tx.savepoint(_, work, ...)
    batch:savepoint()
    local results = { host.attempt(work, ...) }
    if not results[1] then
      batch:rollback_to_savepoint()
      error(results[2], 0)
    end
    batch:release_savepoint()
    return unpack(results, 2, table.maxn(results))
  end

  --- Runs a function; when it raises, what it wrote is taken back, and nil and the error are returned.
  function tx:try_savepoint(work, ...)
    local results = { host.attempt(self.savepoint, self, work, ...) }
    if results[1] then return unpack(results, 2, table.maxn(results)) end
    local err = results[2]
    if err.kind == "interrupted" or err.kind:find("^connection") then error(err, 0) end
    return nil, err
  end
  return tx
end

return M
