--- What a runbook says of itself without a database: the names of its checks and figures. Its functions are called with
--- handles that reach nothing; what depends on an answer is told as far as it goes.
local host = require("opsh.native.host")

local M = {}

-- NaN, for what a run counts: what is computed with it is NaN as well, and equal to nothing.
local unknown = 0 / 0

local function nothing() end

--- A table that has this for every name.
local function all(value)
  return setmetatable({}, { __index = function() return value end })
end

local function figures_of(value)
  local made = { labels = all(value), totals = all(value), counts = all(value) }
  for _, name in ipairs({ "seen", "items", "skipped", "rejected", "failed" }) do
    made[name] = value
  end
  return made
end

--- A `ctx` whose queries find nothing, and whose figures are all this number.
local function context(params, run, figure)
  local ctx = {
    params = params,
    run = run,
    planned = figures_of(figure),
    done = figures_of(figure),
    so_far = { title = "", database = "", rows = 0, incidents = {}, steps = {}, outcome = "done" },
  }
  ctx.planned.tally = {}
  function ctx.query() return {} end
  function ctx.one() return all(figure) end
  function ctx.value() return figure end
  function ctx.rows() return nothing end
  function ctx.sample() return {}, 0 end
  ctx.first, ctx.remember = nothing, nothing
  return ctx
end

--- A `check` that passes, and keeps what it is asked.
local function recorder(list)
  local check = {}
  local function keep(name, sql, wanted, ...)
    list[#list + 1] =
      { name = tostring(name), sql = type(sql) == "string" and sql or nil, wanted = wanted, values = { ... } }
    return true
  end
  function check.equal(_, name) return keep(name) end
  function check.that(_, name) return keep(name) end
  function check.skip(_, name) return keep(name) end
  function check.none(_, name, sql, ...)
    keep(name, sql, nil, ...)
    list[#list].no_rows = true
    return true
  end
  function check.count(_, name, sql, expected, ...) return keep(name, sql, expected, ...) end
  function check.http(_, name, url)
    keep(name)
    list[#list].url = tostring(url)
    return true
  end
  return check
end

local function asked(make, params, run, figure)
  local list = {}
  local ok, err = host.protect(make, recorder(list), context(params, run, figure))
  if not ok and err.kind == "interrupted" then error(err, 0) end
  return list, ok
end

--- The values of a query by name, or by number for `$n`.
local function named(check)
  local first = check and check.values[1]
  if type(first) == "table" and #check.values == 1 and #first == 0 then return first end
  return check and check.values or {}
end

--- The checks that a function makes. A value that would be another one if the run counted something else, or had
--- another id, is left out.
---@param make function|nil `preconditions` or `verify`
---@param params table<string, any>
---@param run? string the id of the run that it is about
---@return { name: string, sql?: string, no_rows?: boolean, wanted?: any, values: table, url?: string }[] list
---@return boolean whole whether there may not be more
function M.checks(make, params, run)
  if not make then return {}, true end
  local list, whole = asked(make, params, run, 0)
  local others, by_name = asked(make, params, run or "\1", unknown), {}
  for _, other in ipairs(others) do
    by_name[other.name] = other
  end
  for _, check in ipairs(list) do
    local other, values = by_name[check.name], {}
    local theirs = named(other)
    if not other or other.wanted ~= check.wanted then check.wanted = nil end
    for name, value in pairs(named(check)) do
      if theirs[name] == value then values[name] = value end
    end
    check.values = values
  end
  return list, whole
end

--- The names of the figures that `summary` gives, sorted.
function M.figures(step, params)
  if not step.summary then return {} end
  local ctx = context(params, nil, 0)
  local ok, found = host.protect(step.summary, ctx.planned, ctx)
  local names = {}
  for name in pairs(ok and type(found) == "table" and found or {}) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

return M
