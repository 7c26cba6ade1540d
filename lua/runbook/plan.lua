--- Makes a step's plan: one query, in key order, counted and spooled.
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local load = require("opsh.host.runbook.load")
local native = require("opsh.native.plan")
local redaction = require("opsh.host.runbook.redaction")
local secrets = require("opsh.native.secrets")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")

-- PostgreSQL's type oids for what a classifier adds.
local extra_types = { boolean = 16, number = 1700, string = 25, table = 3802 }

-- What a figure can be, as text and in JSON.
local showable = { boolean = true, number = true, string = true }

--- The SQL and its bindings; a plan may be a function of the context.
local function statement(step, ctx, scope)
  if type(step.plan) == "string" then return step.plan, { scope = scope } end
  local ok, sql, names = host.protect(step.plan, ctx)
  if not ok then error(sql, 0) end
  if type(sql) ~= "string" then
    errors.raise(
      "script.plan",
      ("step %s: plan returned %s where SQL is expected"):format(step.name, type(sql)),
      "return sql, params"
    )
  end
  return sql, { scope = scope, names = names }
end

-- Of the rejected rows so many are kept for text and JSON; the file has them all, and from an apply on the ledger.
local kept_rejections = 1000

local function require_columns(step, extra)
  local fits = type(extra) == "table"
  for name in pairs(fits and extra or {}) do
    fits = fits and type(name) == "string"
  end
  if fits then return end
  errors.raise(
    "script.classify",
    ("step %s: what classify adds must be a table of values by name"):format(step.name),
    "return label, { column = value }"
  )
end

local function names_in(list)
  local named = {}
  for _, name in ipairs(list) do
    named[name] = true
  end
  return named
end

--- Why a row is rejected, as it may be shown and recorded.
local function reason_of(step, reason)
  if reason == nil then return nil end
  if type(reason) ~= "string" then
    errors.raise(
      "script.classify",
      ("step %s: classify returned a %s as reason"):format(step.name, type(reason)),
      "return label, columns, reason: the reason is text, or nil"
    )
  end
  return secrets.redacted(text.printable(reason))
end

--- What the classifier says of the rows: the label; columns that are the same in every row that is worked on; why it is
--- rejected.
local function classifier(step, ctx)
  local names, types = nil, {}
  local skipped, rejected = names_in(step.skip), names_in(step.reject)
  return function(row)
    local ok, label, extra, reason = host.protect(step.classify, row, ctx)
    if not ok then error(label, 0) end
    if label ~= nil and type(label) ~= "string" then
      errors.raise(
        "script.classify",
        ("step %s: classify returned a %s as label"):format(step.name, type(label)),
        "return text, or nil"
      )
    end
    reason = rejected[label] and reason_of(step, reason)
    -- What is not worked on needs no columns.
    if extra == nil and (skipped[label] or rejected[label]) then return label, nil, reason end
    extra = extra or {}
    require_columns(step, extra)
    if not names then
      names = {}
      for name in pairs(extra) do
        names[#names + 1] = name
      end
      table.sort(names)
    end
    local columns = { { name = "label", type = extra_types.string, value = label } }
    local known = 0
    for at, name in ipairs(names) do
      local value = extra[name]
      if value ~= nil then known = known + 1 end
      types[at] = types[at] or extra_types[type(value)]
      columns[at + 1] = { name = name, type = types[at] or extra_types.string, value = value }
    end
    for name in pairs(extra) do
      known = known - 1
      if known < 0 then
        errors.raise(
          "script.classify",
          ("step %s: classify adds the column %s, which the first row did not have"):format(step.name, tostring(name)),
          "return the same columns for every row; opsh.null where there is no value"
        )
      end
    end
    return label, columns, reason
  end
end

--- Whether Lua sees the items: not with function(tx), to which they are SQL.
local function takes_items(apply)
  local taken = apply and debug.getinfo(apply, "u")
  return taken ~= nil and (taken.nparams >= 2 or taken.isvararg)
end

--- Names for the author's own columns of the tally, with a row of counts each.
local function tally_rows(step, tally)
  local made = {}
  for _, name in ipairs(step.tally) do
    if name == "count" then
      errors.raise(
        "plan.column",
        "the tally's column count has the name of the figure beside it",
        "give it another name with AS"
      )
    end
  end
  for at, group in ipairs(tally) do
    local row = { count = group.count }
    for column, name in ipairs(step.tally) do
      row[name] = group.others and "(others)" or group[column]
    end
    made[at] = row
  end
  return made
end

--- The same error, with what helps and its place in the script.
local function placed(step, request, err, sql)
  if err.sqlstate == "42P01" or err.sqlstate == "42703" then
    local after = not step.after and #request.runbook.steps > 1
    err.hint = after and 'if an earlier step makes it, say after = "that step"' or err.hint
    if (err.hint or "") == "" then err.hint = "check the name and the search_path of the role" end
  end
  err.step = step.name
  return load.place(request.runbook, err, sql)
end

local function open(step, request, sql, bound)
  return native.planner(request.reader, sql, bound, {
    key = step.key,
    spool = request.spool,
    rejections = request.rejections,
    tally = step.tally,
    totals = step.totals,
    skip = step.skip,
    reject = step.reject,
    behind = request.behind,
    sample = request.sample,
    label_column = type(step.classify) == "string" and step.classify or nil,
  })
end

--- The rows one after the other, each added with what the classifier says of it.
---@return fun(): table|nil row, string|nil label, table[]|nil columns, string|nil reason
local function each_row(step, request, planner)
  local classify = type(step.classify) == "function" and classifier(step, request.ctx)
  local metatable = planner:metatable()
  return function()
    local row, label = planner:row(metatable)
    if not row then return nil end
    local columns, reason
    if classify then
      label, columns, reason = classify(row)
    end
    planner:add(label, columns, reason)
    return row, label, columns, reason
  end
end

--- Adds every row that is left; only what Lua has to see goes through it.
local function add_all(step, next_row, planner)
  if type(step.classify) ~= "function" then
    planner:run(takes_items(step.apply) or step.on_failure ~= nil)
    return
  end
  for _ in next_row do
  end
end

--- The rows of a step's plan as they are now, in the order of its key, with what is made of each: for a look, of which
--- no file is kept. Raises as `make` does.
---@param request table { reader, ctx, scope, runbook }
---@return fun(): table|nil row, string|nil label, { name: string, type: integer, value: any }[]|nil columns, string|nil
---reason
---@return string[] columns of the plan
---@return integer[] types PostgreSQL's oids
---@return fun(): table finish the figures, of those too that were not looked at
function M.rows(step, request)
  local sql, bound = statement(step, request.ctx, request.scope)
  local function call(work, ...)
    local results = { host.attempt(work, ...) }
    if not results[1] then error(placed(step, request, results[2], sql), 0) end
    return unpack(results, 2, table.maxn(results))
  end
  local planner = call(open, step, request, sql, bound)
  local next_row, shape = each_row(step, request, planner), planner:metatable()
  local function finish()
    add_all(step, next_row, planner)
    return figures.new((planner:finish()))
  end
  return function() return call(next_row) end, shape.__columns, shape.__types, function() return call(finish) end
end

--- Plans one step. Raises with the place in the script.
---@param step table
---@param request table { reader, ctx, scope, runbook, spool, rejections, sample, behind = the key to go on after };
--- without `spool` and `rejections` the rows are only counted
---@return table planned { figures..., tally, sample, columns, rejections = { { key, label, reason } } }
function M.make(step, request)
  local sql, bound = statement(step, request.ctx, request.scope)
  local ok, result = host.protect(function()
    local planner = open(step, request, sql, bound)
    add_all(step, each_row(step, request, planner), planner)
    local counted, sample, columns = planner:finish()
    local planned = figures.new(counted)
    planned.tally, planned.sample, planned.columns = tally_rows(step, counted.tally), sample, columns
    planned.rejections = request.rejections and native.rejections(request.rejections, kept_rejections) or {}
    redaction.sample(planned, step.redact)
    return planned
  end)
  if ok then return result end
  error(placed(step, request, result, sql), 0)
end

--- The figures with the author's names for them; nothing when the step has no summary.
function M.summary(step, planned, ctx)
  if not step.summary then return nil end
  local ok, named = host.protect(step.summary, planned, ctx)
  if not ok then error(named, 0) end
  if type(named) ~= "table" then
    errors.raise(
      "script.summary",
      ("step %s: summary returned %s where a table is expected"):format(step.name, type(named))
    )
  end
  local made = {}
  for name, value in pairs(named) do
    if type(name) ~= "string" or not (showable[type(value)] or value == null) then
      errors.raise(
        "script.summary",
        ("step %s: summary may return numbers, texts and booleans by name; %s is none"):format(
          step.name,
          tostring(name)
        )
      )
    end
    local finite = type(value) ~= "number" or (value == value and math.abs(value) ~= math.huge)
    made[name] = finite and value or tostring(value)
  end
  return made
end

M.takes_items = takes_items

return M
