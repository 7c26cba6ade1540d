--- Checks have values: what was expected, what was found, and the rows that are wrong. Pass, fail and error are three.
local smoke = require("opsh.host.effects.smoke")
local decimal = require("opsh.native.decimal")
local host = require("opsh.native.host")
local redaction = require("opsh.host.runbook.redaction")
local rows = require("opsh.host.runbook.rows")

local M = {}

-- Rows that break a check are kept up to this many; their number is exact.
local kept_rows = 20

local function same(found, expected)
  if found == expected then return true end
  local order = type(found) ~= "table"
    and type(expected) ~= "table"
    and decimal.compare(tostring(found), tostring(expected))
  return order == 0
end

local function shown(value)
  if value == nil then return "nothing" end
  if type(value) == "number" and value == math.floor(value) and math.abs(value) < 2 ^ 63 then
    return ("%d"):format(value)
  end
  return tostring(value)
end

-- Rows are shown as JSON, which has no NaN and no infinity: such a number becomes PostgreSQL's text for it.
local function without_endless(values)
  for name, value in pairs(values) do
    if type(value) == "table" then
      without_endless(value)
    elseif value ~= value then
      values[name] = "NaN"
    elseif value == math.huge or value == -math.huge then
      values[name] = value > 0 and "Infinity" or "-Infinity"
    end
  end
end

--- Makes the `check` that a runbook's function gets.
---@param sample fun(limit: integer, sql: string, ...): table, integer the first rows, and how many there are
---@param guard fun(work: function) runs a query that may fail, keeping the session alive
---@param redact? string[] columns whose values are hidden
---@return table check
---@return table results in order: { name, outcome = "pass"|"fail"|"error", found, expected, rows, columns, message }
function M.new(sample, guard, redact)
  local check, results = {}, {}

  local function add(name, result)
    result.name = tostring(name)
    results[#results + 1] = result
    return result.outcome == "pass" or result.outcome == "skip"
  end

  local function failed(name, err)
    if err.kind == "interrupted" or err.kind:find("^connection") then error(err, 0) end
    if err.kind == "effect.unasked" then return add(name, { outcome = "skip", message = err.message }) end
    return add(
      name,
      { outcome = "error", message = err.message, sqlstate = err.sqlstate, where = err.where, excerpt = err.excerpt }
    )
  end

  --- Two values are the same; numbers and numeric texts by value.
  function check.equal(_, name, found, expected)
    return add(
      name,
      { outcome = same(found, expected) and "pass" or "fail", found = shown(found), expected = shown(expected) }
    )
  end

  --- A condition holds.
  function check.that(_, name, condition, message)
    return add(
      name,
      { outcome = condition and "pass" or "fail", found = shown(condition), expected = "true", message = message }
    )
  end

  --- What cannot be looked at here, and why; it fails nothing.
  function check.skip(_, name, message) return add(name, { outcome = "skip", message = message }) end

  --- A query gives no rows; those that it gives are shown.
  function check.none(_, name, sql, ...)
    local ok, found, total = guard(sample, kept_rows, sql, ...)
    if not ok then return failed(name, found) end
    redaction.rows(found, redact)
    for _, row in ipairs(found) do
      without_endless(row)
    end
    return add(name, {
      outcome = total == 0 and "pass" or "fail",
      found = shown(total),
      expected = "0",
      rows = found,
      columns = rows.columns(found),
      counts = true,
    })
  end

  --- A query that counts gives this number.
  function check.count(_, name, sql, expected, ...)
    local ok, found, total = guard(sample, 1, sql, ...)
    if not ok then return failed(name, found) end
    local columns = rows.columns(found)
    local count = total
    -- Not `and ... or`: one value that is NULL or false is no number of rows.
    if total == 1 and #columns == 1 then count = found[1][columns[1]] end
    return add(
      name,
      {
        outcome = same(count, expected) and "pass" or "fail",
        found = shown(count),
        expected = shown(expected),
        counts = true,
      }
    )
  end

  --- An address answers as it should.
  function check.http(_, name, url, wanted)
    local ok, answer = host.attempt(smoke.get, url, wanted)
    if not ok and not smoke.is_wrong(answer) then return failed(name, answer) end
    return add(name, smoke.judge(ok, answer, wanted))
  end

  return check, results
end

--- Runs a runbook's checking function; an error in it is a result too.
function M.run(work, ctx, guard, redact)
  local check, results = M.new(function(...) return ctx:sample(...) end, guard, redact)
  -- A query of its own that fails must not doom what comes after the checks.
  local ok, err = guard(work, check, ctx)
  if not ok then
    if err.kind == "interrupted" or err.kind:find("^connection") then error(err, 0) end
    results[#results + 1] = {
      name = err.kind == "effect.unasked" and "(the checks from here on)" or "(the checks themselves)",
      outcome = err.kind == "effect.unasked" and "skip" or "error",
      message = err.message,
      where = err.where,
    }
  end
  return results
end

--- Whether all passed that were made: what this rung does not ask is not judged.
function M.passed(results)
  for _, result in ipairs(results) do
    if result.outcome ~= "pass" and result.outcome ~= "skip" then return false end
  end
  return true
end

return M
