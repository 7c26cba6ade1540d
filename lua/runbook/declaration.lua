--- What `runbook { ... }` may hold: checked whole before anything connects, with the line of what is wrong.
local Checker = require("opsh.host.runbook.checker")
local conditional_steps = require("opsh.host.runbook.conditional_steps")
local itemless = require("opsh.host.runbook.itemless")
local params = require("opsh.host.runbook.params")
local report = require("opsh.host.report.declared")
local required_version = require("opsh.host.runbook.required_version")
local schema_steps = require("opsh.host.runbook.schema_steps")
local native_sql = require("opsh.native.sql")
local text = require("opsh.native.text")

local M = {}

-- Fields by name: the Lua types that they may have. `true` at the end: it must be there.
local runbook_fields = {
  title = { "string", required = true },
  description = { "string" },
  finally = { "function" },
  folders = { "table" },
  foreign_tables = { "table" },
  functions = { "table" },
  params = { "table" },
  preconditions = { "function" },
  redact = { "table" },
  requires = { "string" },
  steps = { "table", required = true },
  tolerance = { "number", "string" },
}

local step_fields = {
  name = { "string", required = true },
  plan = { "string", "function", required = true },
  key = { "string", "table", required = true },
  writes = { "table" },
  apply = { "function" },
  after = { "string" },
  atomic = { "boolean" },
  autocommit = { "boolean" },
  batch = { "number" },
  classify = { "string", "function" },
  journal = { "boolean" },
  loses_data = { "string" },
  max_failures = { "number", "string" },
  on_failure = { "function" },
  owns = { "table" },
  recheck = { "string" },
  report = { "table" },
  reject = { "table" },
  schema = { "boolean" },
  skip = { "table" },
  summary = { "function" },
  tally = { "string", "table" },
  tolerance = { "number", "string" },
  totals = { "table" },
  undo = { "function" },
  verify = { "function" },
  when = { "string" },
}

local write_fields = {
  row_security = { "boolean" },
  rows = { "string" },
}

local param_fields = {
  type = { "string", required = true },
  choices = { "table" },
  default = { "string", "number", "boolean", "table" },
  help = { "string" },
  list = { "boolean" },
  pattern = { "string" },
  required = { "boolean" },
  secret = { "boolean" },
}

-- Of the items of a plan, how many may have come, gone or changed when it is applied.
local usual_tolerance = "1%"

-- Names that SQL and the host use for themselves.
local reserved_params = { items = true, keys = true, run = true }

local reasons = {
  title = "say in a few words what the runbook does",
  key = "name the column or columns of the plan that identify an item; batches go in their order",
  writes = "list every table that changes because of this step",
  rows = 'child = "select id from child where parent_id = any(:keys)" says which of its rows may change',
  plan = "a query that gives one row per item",
  apply = "a function (tx, items, ctx) that does one batch",
  steps = "a list of steps: steps = { { name = ..., plan = ..., key = ..., writes = ..., apply = ... } }",
  name = "name the step; it is shown and recorded",
  type = "one of " .. table.concat(params.types, ", "),
}

--- The keys of each part, and what to do where one is missing: for who looks at a declaration that does not load.
M.fields = { runbook = runbook_fields, step = step_fields, param = param_fields, write = write_fields }
M.reasons = reasons

--- A checker that knows the parts of a runbook.
local Declaration = setmetatable({}, { __index = Checker })
Declaration.__index = Declaration

function Declaration:param(name, param, taken, declared)
  local what = ("param %s"):format(tostring(name))
  if type(name) ~= "string" or not name:match("^[a-z][a-z0-9_]*$") then
    self:fail(nil, ("%s: a name is lower-case letters, digits and underscores"):format(what))
  end
  if type(param) ~= "table" then self:fail(name, ("%s must be a table { type = ... }"):format(what)) end
  self:fields(param, param_fields, what)
  if taken[params.option_name(name)] or reserved_params[name] then
    self:fail(name, ("%s has the name of an option of opsh"):format(what), "give it another name")
  end
  local known = {}
  for _, type_ in ipairs(params.types) do
    known[type_] = true
  end
  if not known[param.type] then
    local meant = text.nearest(param.type, params.types)
    self:fail(
      name,
      ("%s has an unknown type %s"):format(what, param.type),
      meant and ("did you mean %s?"):format(meant) or reasons.type
    )
  end
  if (param.type == "choice") ~= (param.choices ~= nil) then
    self:fail(name, ("%s: choices and the type choice belong together"):format(what))
  end
  local made = { name = name }
  for field, value in pairs(param) do
    made[field] = value
  end
  if param.choices then made.choices = self:names(param.choices, "choices", what) end
  if param.secret and declared[name .. "_file"] and declared[name .. "_file"].secret then
    self:fail(
      name,
      ("param %s_file has the variable of its own that names the file of param %s"):format(name, name),
      "give it another name"
    )
  end
  if param.required and param.default ~= nil then
    self:fail(name, ("%s is required and has a default"):format(what), "leave one of the two out")
  end
  if param.secret and (param.default ~= nil or param.list or param.type == "boolean") then
    self:fail(
      name,
      ("%s is secret: it is one value without a default, and no switch"):format(what),
      "a default would stand in the script; one value fits into its environment variable"
    )
  end
  if param.default ~= nil then self:default(made, what) end
  return made
end

function Declaration:default(param, what)
  local values = type(param.default) == "table" and param.default or { param.default }
  for _, value in ipairs(values) do
    local read, wanted = params.read(param, tostring(value))
    if read == nil then self:fail(param.name, ("%s: its default must be %s"):format(what, wanted)) end
  end
end

function Declaration:params(declared, taken)
  local list = {}
  for _, name in ipairs(Checker.sorted_names(declared or {})) do
    list[#list + 1] = self:param(name, declared[name], taken, declared)
  end
  return list
end

--- What a name in `writes` says of its table: a query of keys, or options.
function Declaration:written(name, declared, what)
  local of = ("%s: writes.%s"):format(what, name)
  if type(declared) == "string" then declared = { rows = declared } end
  if type(declared) ~= "table" then
    self:fail("writes", ("%s must be a query of keys, or a table of options"):format(of), reasons.rows)
  end
  self:fields(declared, write_fields, of)
  if declared.rows then self:sql(declared.rows, "rows", of, native_sql.check_read) end
  return { given = name, rows = declared.rows, row_security = declared.row_security or false }
end

--- `writes = { "parent", child = "select ..." }` as a list of { name, rows, row_security }: those without a key in
--- their order, the others by name.
function Declaration:writes(value, what, journaled)
  local entries, named = {}, {}
  for at, name in ipairs(value) do
    if type(name) ~= "string" then self:fail("writes", ("%s: writes must be a list of names"):format(what)) end
    entries[at] = { given = name, row_security = false }
  end
  for at in pairs(value) do
    if type(at) == "string" then
      named[#named + 1] = at
    elseif not entries[at] then
      self:fail("writes", ("%s: writes must be a list of names"):format(what))
    end
  end
  table.sort(named)
  for _, name in ipairs(named) do
    entries[#entries + 1] = self:written(name, value[name], what)
  end
  if #entries == 0 then self:fail("writes", ("%s: writes is empty"):format(what), reasons.writes) end
  local made, seen = {}, {}
  for at, entry in ipairs(entries) do
    local name = self:sql(entry.given, "writes", what, native_sql.qualified)
    if seen[name] then self:fail("writes", ("%s: writes names %s twice"):format(what, name), "name it once") end
    if not journaled and (entry.rows or entry.row_security) then
      self:fail(
        "journal",
        ("%s: journal = false, and writes.%s says something for the journal"):format(what, entry.given),
        "leave one of the two out"
      )
    end
    made[at], seen[name] = { name = name, rows = entry.rows, row_security = entry.row_security }, true
  end
  return made
end

--- The labels whose rows are not worked on.
function Declaration:unworked(step, made, what)
  local skipped = {}
  for _, name in ipairs({ "skip", "reject" }) do
    if #made[name] > 0 and not step.classify then self:fail(name, ("%s: %s needs classify"):format(what, name)) end
    for _, label in ipairs(made[name]) do
      if skipped[label] then
        self:fail("reject", ("%s: skip and reject both name %s"):format(what, label), "leave it in one of the two")
      end
      skipped[label] = name == "skip"
    end
  end
end

---@param tolerance table of a step that says nothing of it
function Declaration:step(step, number, before, tolerance)
  local what = ("step %d"):format(number)
  if type(step) ~= "table" then self:fail(nil, what .. " must be a table") end
  if type(step.name) == "string" then what = ("step %d (%s)"):format(number, step.name) end
  local without_items = itemless.is(step)
  if not without_items then self:fields(step, step_fields, what) end
  local made = without_items and itemless.step(self, step, what, before) or { kind = "items" }
  if before[step.name] then self:fail(nil, ("two steps are named %s"):format(step.name), "give each its own name") end
  made.number = number
  for name, value in pairs(step) do
    made[name] = value
  end
  if step.after and not before[step.after] then
    local meant = text.nearest(step.after, Checker.sorted_names(before))
    self:fail(
      "after",
      ("%s: there is no earlier step %s"):format(what, step.after),
      meant and ("did you mean %s?"):format(meant) or "after names a step that stands before this one"
    )
  end
  if without_items then return made end
  for _, name in ipairs({ "key", "tally", "totals", "skip", "reject" }) do
    made[name] = self:names(step[name], name, what)
  end
  self:unworked(step, made, what)
  if step.on_failure and not step.max_failures then
    self:fail("on_failure", ("%s: on_failure needs max_failures"):format(what))
  end
  if step.atomic and (step.max_failures or step.batch) then
    self:fail(
      "atomic",
      ("%s: an atomic step is one batch without failures"):format(what),
      "leave out max_failures and batch"
    )
  end
  if step.batch and (step.batch < 1 or step.batch > 10000 or step.batch ~= math.floor(step.batch)) then
    self:fail("batch", ("%s: batch is a whole number from 1 to 10000"):format(what))
  end
  made.max_failures = self:share(step.max_failures or 0, "max_failures", what)
  made.tolerance = step.tolerance and self:share(step.tolerance, "tolerance", what) or tolerance
  made.journaled = step.journal ~= false
  made.report, made.result_tables = report.check(self, step, what, before)
  schema_steps.check(self, step, what, made)
  if not step.schema then made.writes = self:writes(step.writes, what, made.journaled) end
  if type(step.plan) == "string" then self:sql(step.plan, "plan", what, native_sql.check_read) end
  if step.recheck and not self:sql(step.recheck, "recheck", what, native_sql.locks_rows) then
    self:fail(
      "recheck",
      ("%s: recheck locks no rows"):format(what),
      "end it with FOR NO KEY UPDATE, in key order; what it does not lock may change before apply"
    )
  end
  return made
end

--- Keys, labels and groups name items everywhere, also in the ledger and the audit log.
function Declaration:redacted(step, columns)
  step.redact = columns
  local naming = { key = step.key, tally = step.tally, classify = { step.classify } }
  for _, column in ipairs(columns) do
    for field, names in pairs(naming) do
      for _, name in ipairs(names) do
        if name == column then
          self:fail(
            "redact",
            ("step %s: %s is redacted, and %s shows it"):format(step.name, column, field),
            "take another column for one of the two"
          )
        end
      end
    end
  end
end

--- Checks a declaration and gives it back in one shape: names are lists, params a list in order.
---@param declared table
---@param path string of the script
---@param source string its text
---@param taken table<string, boolean> option names that a param may not have
function M.check(declared, path, source, taken)
  local checker = setmetatable({ path = path, source = source, reasons = reasons }, Declaration)
  required_version.check(checker, declared.requires)
  checker:fields(declared, runbook_fields, "the runbook")
  local made = {
    title = declared.title,
    description = declared.description,
    preconditions = declared.preconditions,
    functions = checker:qualified_names(declared.functions, "functions"),
    foreign_tables = checker:qualified_names(declared.foreign_tables, "foreign_tables"),
    params = checker:params(declared.params, taken),
    redact = checker:names(declared.redact, "redact", "the runbook"),
    finally = declared.finally,
    steps = {},
  }
  made.folders = itemless.folders(checker, declared.folders, made.params)
  local tolerance = checker:share(declared.tolerance or usual_tolerance, "tolerance", "the runbook")
  local before = {}
  for number, step in ipairs(declared.steps) do
    made.steps[number] = checker:step(step, number, before, tolerance)
    conditional_steps.check(checker, made.steps[number], made.params, before)
    checker:redacted(made.steps[number], made.redact)
    before[step.name] = made.steps[number]
  end
  if #made.steps == 0 then checker:fail("steps", "the runbook has no steps", reasons.steps) end
  return made
end

return M
