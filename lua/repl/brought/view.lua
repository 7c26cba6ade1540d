--- `rb`, the runbook at the prompt, as Lua there sees it.
local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local look = require("opsh.host.repl.brought.look")
local params = require("opsh.host.runbook.params")
local rows_text = require("opsh.host.repl.rows_text")
local state = require("opsh.host.repl.brought.state")
local text = require("opsh.native.text")
local values = require("opsh.host.repl.values")

local M = {}

local null = json.decode("null")

local what_there_is = 'there are rb.plan(), rb.plan("step"), rb.steps, rb.check(), rb.params, rb.title and rb.path'

--- A Lua value as the command line would give it: texts, or nil for none.
local function as_texts(name, value, param)
  if value == nil or value == null then return nil end
  local list, texts = type(value) == "table" and value or { value }, {}
  local is_list = type(value) == "table" and (#value > 0 or next(value) == nil)
  if type(value) == "table" and not (is_list and param.list) then
    errors.raise("usage.parameter", ("%s takes one value, and this is a table"):format(name), param.help)
  end
  for at, one in ipairs(list) do
    if type(one) == "table" or type(one) == "function" then
      errors.raise("usage.parameter", ("%s takes texts, numbers and booleans"):format(name), param.help)
    end
    texts[at] = type(one) == "number" and rows_text.number(one) or tostring(one)
  end
  return texts
end

--- A param's value as it may be seen.
local function shown_value(brought, param)
  local value = brought.read.values[param.name]
  if param.secret and value ~= nil then return params.mask end
  return value
end

local function one_line(value)
  if type(value) ~= "table" then return type(value) == "number" and rows_text.number(value) or tostring(value) end
  local parts = {}
  for at, one in ipairs(value) do
    parts[at] = one_line(one)
  end
  return table.concat(parts, ", ")
end

--- What a param takes, in a few words.
local function type_of(param)
  local said = param.choices and table.concat(param.choices, "|") or param.type
  return said .. (param.list and ", several" or "") .. (param.required and ", required" or "")
end

local function params_rows(brought)
  local list = {}
  for at, param in ipairs(brought.runbook.params) do
    local value = shown_value(brought, param)
    list[at] = {
      name = param.name,
      value = value ~= nil and one_line(value) or nil,
      type = type_of(param),
      help = param.help or "",
    }
  end
  return findings.rows({ "name", "value", "type", "help" }, list)
end

local function params_facts(brought)
  local made = {}
  for _, param in ipairs(brought.runbook.params) do
    local value = shown_value(brought, param)
    made[param.name] = value == nil and null or value
  end
  return made
end

--- `rb.params`: read and set by name.
local function params_view(brought)
  local view = setmetatable({}, {
    __index = function(_, name) return shown_value(brought:use(), brought:param(name)) end,
    __newindex = function(_, name, value)
      local param = brought:use():param(name)
      brought:give(name, as_texts("rb.params." .. name, value, param))
    end,
    __metatable = "opsh.params",
  })
  values.describe(view, {
    text = function()
      local rows = params_rows(brought:use())
      return #rows == 0 and "(the runbook has no params)" or (rows_text.table(rows, {}):gsub("\n$", ""))
    end,
    facts = function() return params_facts(brought:use()) end,
    fields = function() return params_facts(brought) end,
  })
  return view
end

--- What a runbook is, in a few lines.
---@param brought table of brought/runbook.lua
---@return string
function M.summary(brought)
  local lines = { ("%s: %s"):format(text.printable(brought.path), text.printable(brought.runbook.title)) }
  local function add(name, said)
    lines[#lines + 1] = ("  %s  %s"):format(text.pad_right(name, 9), text.printable(said))
  end
  for _, step in ipairs(brought.job.steps) do
    add(("step %d"):format(step.number), step.name)
  end
  for _, left_out in ipairs(brought.job.steps_left_out) do
    add("no step", ("%s, without %s"):format(left_out.name, left_out.when))
  end
  local not_given = {}
  for _, param in ipairs(brought.runbook.params) do
    local value = shown_value(brought, param)
    if value == nil then
      not_given[#not_given + 1] = param.name
    else
      add("param", ("%s = %s"):format(param.name, one_line(value)))
    end
  end
  if #not_given > 0 then add("not given", table.concat(not_given, ", ")) end
  local planned = brought.planned
  if planned then add("plan", planned.spent and planned.id .. ", which was applied" or planned.id) end
  return table.concat(lines, "\n")
end

--- Makes it.
---@param brought table of brought/runbook.lua
function M.new(brought)
  local view
  -- rb:plan() is meant as rb.plan().
  local function behind_view(first, ...)
    if rawequal(first, view) then return ... end
    return first, ...
  end
  -- What stops it stops the script that asked, whatever that catches.
  local function asked(work, ...)
    local ok, result = host.attempt(work, brought:use(), ...)
    if ok then return result end
    host.pass_interrupt()
    error(result, 0)
  end
  local members = {
    plan = function(...) return asked(look.rows, (behind_view(...))) end,
    check = function() return asked(state.checks) end,
    params = params_view(brought),
  }
  local read = {
    steps = function() return state.steps(brought:use()) end,
    title = function() return brought:use().runbook.title end,
    path = function() return brought.path end,
  }
  local names = {}
  for _, fields in ipairs({ members, read }) do
    for name in pairs(fields) do
      names[#names + 1] = name
    end
  end
  local function require_field(name)
    local meant = text.nearest(tostring(name), names)
    errors.raise(
      "script.field",
      ("rb has no %s"):format(text.printable(tostring(name))),
      meant and ("did you mean rb.%s?"):format(meant) or what_there_is
    )
  end
  local function described() return M.summary(brought:use()) end
  view = setmetatable({}, {
    __index = function(_, name)
      if members[name] then return members[name] end
      return (read[name] or require_field(name))()
    end,
    __newindex = function(_, name)
      errors.raise(
        "script.field",
        ("rb.%s is what the file says"):format(text.printable(tostring(name))),
        "a param is set by rb.params.NAME = value; everything else in the file, which is read again"
      )
    end,
    __tostring = described,
    __metatable = "opsh.runbook",
  })
  local fields = { steps = true, title = true, path = true }
  for name, member in pairs(members) do
    fields[name] = member
  end
  values.describe(view, {
    text = described,
    facts = function()
      brought:use()
      local steps = {}
      for at, step in ipairs(brought.job.steps) do
        steps[at] = step.name
      end
      return { title = brought.runbook.title, path = brought.path, steps = steps, params = params_facts(brought) }
    end,
    fields = function() return fields end,
  })
  return view
end

return M
