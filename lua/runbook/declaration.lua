--- What `runbook { ... }` may hold: checked whole before anything connects, with the line of what is wrong.
local errors = require("opsh.host.errors")
local params = require("opsh.host.runbook.params")
local native_sql = require("opsh.native.sql")
local text = require("opsh.native.text")

local M = {}

local kinds = {
  string = "text",
  number = "a number",
  boolean = "true or false",
  ["function"] = "a function",
  table = "a table",
}

-- Fields by name: the Lua types that they may have. `true` at the end: it must be there.
local runbook_fields = {
  title = { "string", required = true },
  description = { "string" },
  foreign_tables = { "table" },
  functions = { "table" },
  params = { "table" },
  preconditions = { "function" },
  redact = { "table" },
  steps = { "table", required = true },
  tolerance = { "number", "string" },
}

local step_fields = {
  name = { "string", required = true },
  plan = { "string", "function", required = true },
  key = { "string", "table", required = true },
  writes = { "table", required = true },
  apply = { "function", required = true },
  after = { "string" },
  atomic = { "boolean" },
  batch = { "number" },
  classify = { "string", "function" },
  journal = { "boolean" },
  max_failures = { "number", "string" },
  on_failure = { "function" },
  recheck = { "string" },
  skip = { "table" },
  summary = { "function" },
  tally = { "string", "table" },
  tolerance = { "number", "string" },
  totals = { "table" },
  verify = { "function" },
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

local function sorted_names(table_)
  local names = {}
  for name in pairs(table_) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

--- The one line of the source where `name = ` stands; nothing when there are several, or none.
local function line_of(source, name)
  local found, number = nil, 0
  for line in (source .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if (" " .. line):find("[^%w_]" .. name:gsub("%p", "%%%0") .. "%s*=[^=]") then
      if found then return nil end
      found = number
    end
  end
  return found
end

--- The line of the source that is wrong in a statement, where the source has its very text once.
local function line_within(source, statement, excerpt)
  local at, ends = source:find(statement, 1, true)
  if not at or source:find(statement, ends + 1, true) then return nil end
  local _, before = source:sub(1, at):gsub("\n", "")
  local within = excerpt and tonumber(excerpt:match("^line (%d+):")) or 1
  return before + within
end

local Checker = {}
Checker.__index = Checker

function Checker:fail(name, message, hint)
  local line = name and line_of(self.source, name)
  errors.raise(
    "script.declaration",
    message,
    hint or "see docs/runbook.md",
    line and self.path .. ":" .. line or self.path
  )
end

function Checker:fields(value, fields, what)
  for _, name in ipairs(sorted_names(value)) do
    if not fields[name] then
      local meant = text.nearest(name, sorted_names(fields))
      self:fail(
        name,
        ("%s has an unknown key %s"):format(what, name),
        meant and ("did you mean %s?"):format(meant) or "its keys are " .. table.concat(sorted_names(fields), ", ")
      )
    end
  end
  for _, name in ipairs(sorted_names(fields)) do
    local field, given = fields[name], value[name]
    if given == nil then
      if field.required then self:fail(nil, ("%s has no %s"):format(what, name), M.reasons[name]) end
    else
      local fits = false
      for _, type_ in ipairs(field) do
        fits = fits or type(given) == type_
      end
      if not fits then
        local wanted = {}
        for at, type_ in ipairs(field) do
          wanted[at] = kinds[type_]
        end
        self:fail(
          name,
          ("%s: %s must be %s, not %s"):format(what, name, errors.either(wanted), kinds[type(given)] or type(given))
        )
      end
    end
  end
end

M.reasons = {
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

function Checker:names(value, name, what)
  if value == nil then return {} end
  if type(value) == "string" then return { value } end
  local list, seen = {}, {}
  for at, element in pairs(value) do
    if type(at) ~= "number" or type(element) ~= "string" then
      self:fail(name, ("%s: %s must be a list of names"):format(what, name))
    end
    if seen[element] then self:fail(name, ("%s: %s names %s twice"):format(what, name, element), "name it once") end
    list[at], seen[element] = element, true
  end
  if #list == 0 then self:fail(name, ("%s: %s is empty"):format(what, name)) end
  return list
end

--- What a runbook answers for: names with their schemas, as the server writes them.
function Checker:qualified_names(value, name)
  local list = self:names(value, name, "the runbook")
  for at, given in ipairs(list) do
    list[at] = self:sql(given, name, "the runbook", native_sql.qualified)
    if not list[at]:find(".", 1, true) then
      local hint = ('write it as "schema.%s"'):format(given)
      self:fail(name, ("the runbook: %s: %s has no schema"):format(name, given), hint)
    end
    if list[at]:find("^pg_catalog%.") then
      self:fail(
        name,
        ("the runbook: %s: %s comes with the server, and cannot be declared"):format(name, given),
        "take it out: most of the server's functions need no declaration, and the others are refused"
      )
    end
  end
  return list
end

function Checker:param(name, param, taken, declared)
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
      meant and ("did you mean %s?"):format(meant) or M.reasons.type
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

function Checker:default(param, what)
  local values = type(param.default) == "table" and param.default or { param.default }
  for _, value in ipairs(values) do
    local read, wanted = params.read(param, tostring(value))
    if read == nil then self:fail(param.name, ("%s: its default must be %s"):format(what, wanted)) end
  end
end

function Checker:params(declared, taken)
  local list = {}
  for _, name in ipairs(sorted_names(declared or {})) do
    list[#list + 1] = self:param(name, declared[name], taken, declared)
  end
  return list
end

function Checker:sql(statement, name, what, check)
  local ok, result = pcall(check, statement)
  if ok then return result end
  local line = line_within(self.source, statement, result.excerpt) or line_of(self.source, name)
  errors.raise(
    result.kind,
    ("%s: %s: %s"):format(what, name, result.message),
    result.hint,
    line and self.path .. ":" .. line or self.path,
    result.excerpt
  )
end

--- So many items, or a percentage of them.
function Checker:share(value, name, what)
  if type(value) == "number" and value >= 0 and value == math.floor(value) then return { count = value } end
  local percent = type(value) == "string" and tonumber(value:match("^([%d.]+)%%$"))
  if not percent or percent > 100 then
    self:fail(name, ('%s: %s is a whole number or a percentage, as in 100 or "1%%"'):format(what, name))
  end
  return { percent = percent }
end

--- What a name in `writes` says of its table: a query of keys, or options.
function Checker:written(name, declared, what)
  local of = ("%s: writes.%s"):format(what, name)
  if type(declared) == "string" then declared = { rows = declared } end
  if type(declared) ~= "table" then
    self:fail("writes", ("%s must be a query of keys, or a table of options"):format(of), M.reasons.rows)
  end
  self:fields(declared, write_fields, of)
  if declared.rows then self:sql(declared.rows, "rows", of, native_sql.check_read) end
  return { given = name, rows = declared.rows, row_security = declared.row_security or false }
end

--- `writes = { "parent", child = "select ..." }` as a list of { name, rows, row_security }: those without a key in
--- their order, the others by name.
function Checker:writes(value, what, journaled)
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
  if #entries == 0 then self:fail("writes", ("%s: writes is empty"):format(what), M.reasons.writes) end
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

---@param tolerance table of a step that says nothing of it
function Checker:step(step, number, before, tolerance)
  local what = ("step %d"):format(number)
  if type(step) ~= "table" then self:fail(nil, what .. " must be a table") end
  if type(step.name) == "string" then what = ("step %d (%s)"):format(number, step.name) end
  self:fields(step, step_fields, what)
  if before[step.name] then self:fail(nil, ("two steps are named %s"):format(step.name), "give each its own name") end
  local made = { number = number }
  for name, value in pairs(step) do
    made[name] = value
  end
  for _, name in ipairs({ "key", "tally", "totals", "skip" }) do
    made[name] = self:names(step[name], name, what)
  end
  if step.after and not before[step.after] then
    local meant = text.nearest(step.after, sorted_names(before))
    self:fail(
      "after",
      ("%s: there is no earlier step %s"):format(what, step.after),
      meant and ("did you mean %s?"):format(meant) or "after names a step that stands before this one"
    )
  end
  if #made.skip > 0 and not step.classify then self:fail("skip", ("%s: skip needs classify"):format(what)) end
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
  made.writes = self:writes(step.writes, what, made.journaled)
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
function Checker:redacted(step, columns)
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
  local checker = setmetatable({ path = path, source = source }, Checker)
  checker:fields(declared, runbook_fields, "the runbook")
  local made = {
    title = declared.title,
    description = declared.description,
    preconditions = declared.preconditions,
    functions = checker:qualified_names(declared.functions, "functions"),
    foreign_tables = checker:qualified_names(declared.foreign_tables, "foreign_tables"),
    params = checker:params(declared.params, taken),
    redact = checker:names(declared.redact, "redact", "the runbook"),
    steps = {},
  }
  local tolerance = checker:share(declared.tolerance or usual_tolerance, "tolerance", "the runbook")
  local before = {}
  for number, step in ipairs(declared.steps) do
    made.steps[number] = checker:step(step, number, before, tolerance)
    checker:redacted(made.steps[number], made.redact)
    before[step.name] = true
  end
  if #made.steps == 0 then checker:fail("steps", "the runbook has no steps", M.reasons.steps) end
  return made
end

return M
