--- The shape of a step's items as rows: the plan's columns, what a classifier adds, and what becomes of the row.
local json = require("opsh.native.json")
local redaction = require("opsh.host.runbook.redaction")
local results = require("opsh.host.repl.results")

local M = {}

local null = json.decode("null")
local text_type = 25

-- What is known of a row before the names of the host's own columns are: a key that no column has.
local fate = {}

local Layout = {}
Layout.__index = Layout

---@param step table of a job
---@param columns string[] of the plan
---@param types integer[] PostgreSQL's oids; text where there is none
---@param rejects? boolean rows are rejected, whatever the step says: those that Lua cannot read
function M.new(step, columns, types, rejects)
  local of_label = {}
  for outcome, labels in pairs({ skipped = step.skip, rejected = step.reject }) do
    for _, label in ipairs(labels) do
      of_label[label] = outcome
    end
  end
  local layout = setmetatable({ step = step, names = {}, types = {}, taken = {}, of_label = of_label }, Layout)
  layout.rejects = rejects or #step.reject > 0
  for at, name in ipairs(columns) do
    layout:add(name, types[at])
  end
  -- The label of a classifying function is a column of its own; a kept plan has it already.
  if type(step.classify) == "function" and not layout.taken.label then layout:add("label") end
  return layout
end

--- Adds a column; one that has the name of another gets a number, as in any result.
function Layout:add(name, type_)
  local free, number = name, 1
  while self.taken[free] do
    number = number + 1
    free = ("%s_%d"):format(name, number)
  end
  self.taken[free] = true
  table.insert(self.names, free)
  table.insert(self.types, type_ or text_type)
  return free
end

--- Puts into a row what the classifier says of it. Which columns that adds is known with the first row that has any.
---@param columns { name: string, type: integer, value: any }[]|nil
function Layout:judge(row, label, columns, reason)
  for _, column in ipairs(columns or {}) do
    if not self.taken[column.name] then self:add(column.name, column.type) end
    if column.value ~= nil and column.value ~= null then rawset(row, column.name, column.value) end
  end
  if type(self.step.classify) == "function" then rawset(row, "label", label) end
  local outcome = self.of_label[label]
  if outcome then M.mark(row, outcome, reason) end
end

--- Notes what becomes of a row that is not worked on.
---@param outcome "skipped"|"rejected"
function M.mark(row, outcome, reason) rawset(row, fate, { outcome = outcome, reason = reason }) end

--- A list of such rows, without what the runbook hides.
function Layout:shape(list)
  if not self.closed then
    self.closed = true
    self.outcome = (self.rejects or #self.step.skip > 0) and self:add("outcome")
    self.reason = self.rejects and self:add("reason")
  end
  redaction.rows(list, self.step.redact)
  local shape = results.shape(self.names, self.types)
  for _, row in ipairs(list) do
    local marked = rawget(row, fate)
    rawset(row, fate, nil)
    debug.setmetatable(row, shape)
    if self.outcome then rawset(row, self.outcome, marked and marked.outcome or "planned") end
    if self.reason and marked then rawset(row, self.reason, marked.reason) end
  end
  debug.setmetatable(list, shape.__list)
  return list
end

return M
