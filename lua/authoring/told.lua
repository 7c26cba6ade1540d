--- What a runbook says of itself without a database: the names of its checks and figures. Its functions are called with
--- handles that reach nothing; what depends on an answer is told as far as it goes.
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")

local M = {}

-- A row of which every column is 0.
local any_row = { __index = function() return 0 end }

local function nothing() end

--- A `ctx` whose queries find nothing.
local function context(params)
  local ctx = {
    params = params,
    planned = figures.new(),
    done = figures.new(),
    so_far = { title = "", database = "", rows = 0, incidents = {}, steps = {}, outcome = "done" },
  }
  ctx.planned.tally = {}
  function ctx.query() return {} end
  function ctx.one() return setmetatable({}, any_row) end
  function ctx.value() return 0 end
  function ctx.rows() return nothing end
  function ctx.sample() return {}, 0 end
  ctx.first, ctx.remember = nothing, nothing
  return ctx
end

--- A `check` that passes, and keeps what it is asked.
local function recorder(list)
  local check = {}
  local function keep(name, sql, wanted)
    list[#list + 1] = { name = tostring(name), sql = type(sql) == "string" and sql or nil, wanted = wanted }
    return true
  end
  function check.equal(_, name) return keep(name) end
  function check.that(_, name) return keep(name) end
  function check.skip(_, name) return keep(name) end
  function check.none(_, name, sql) return keep(name, sql, 0) end
  function check.count(_, name, sql, expected) return keep(name, sql, expected) end
  function check.http(_, name, url)
    keep(name)
    list[#list].url = tostring(url)
    return true
  end
  return check
end

--- The checks that a function makes.
---@param make function|nil `preconditions` or `verify`
---@param params table<string, any>
---@return { name: string, sql?: string, wanted?: any, url?: string }[] list
---@return boolean whole whether there may not be more
function M.checks(make, params)
  local list = {}
  if not make then return list, true end
  local ok, err = host.protect(make, recorder(list), context(params))
  if not ok and err.kind == "interrupted" then error(err, 0) end
  return list, ok
end

--- The names of the figures that `summary` gives, sorted.
function M.figures(step, params)
  if not step.summary then return {} end
  local ctx = context(params)
  local ok, found = host.protect(step.summary, ctx.planned, ctx)
  local names = {}
  for name in pairs(ok and type(found) == "table" and found or {}) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

return M
