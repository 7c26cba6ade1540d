--- The declaration as it is written: keys that are not there, keys that are missing; and what a run would say of it.
local constant = require("opsh.host.lint.constant")
local declaration = require("opsh.host.runbook.declaration")
local declared_module = require("opsh.host.lint.declared")
local excerpts = require("opsh.host.lint.excerpts")
local itemless = require("opsh.host.runbook.itemless")
local sorted_names = require("opsh.host.sorted_names")
local walk = require("opsh.host.lint.walk")

local M = {}

local fields = declaration.fields

local function look_at_keys(review, node, known, what)
  local list = sorted_names(known)
  for _, item in ipairs(node.items) do
    if item.name and not known[item.name] then
      local hint, _, only = review.meant(item.name, list, "its keys are " .. table.concat(list, ", "))
      local is_plain = only and not item.key and not declared_module.fields_of(node)[only]
      review:add(
        "unknown-key",
        item.at,
        ("%s has an unknown key %s"):format(what, item.name),
        hint,
        is_plain and { at = item.at, last = item.at + #item.name - 1, text = only } or nil
      )
    end
  end
end

--- The keys that are meant by those that are not known.
local function misspelt_in(review, node, known)
  local misspelt = {}
  for _, item in ipairs(node.items) do
    if item.name and not known[item.name] then
      local _, meant = review.meant(item.name, sorted_names(known))
      if meant then misspelt[meant] = true end
    end
  end
  return misspelt
end

--- Keys that must be there. A misspelt one is told of already.
local function look_for_missing(review, node, known, what, more)
  local given, misspelt = declared_module.fields_of(node), misspelt_in(review, node, known)
  for _, name in ipairs(sorted_names(known)) do
    if (known[name].required or more and more[name]) and not given[name] and not misspelt[name] then
      review:add("missing-key", node.at, ("%s has no %s"):format(what, name), declaration.reasons[name])
    end
  end
end

local function is_true(item)
  local value = item and walk.meant(item.value)
  return value ~= nil and value.kind == "true"
end

local function look_at_step(review, step)
  local given = step.fields
  if given.effect or given.ends or given.manual then
    local kind = given.manual and "manual" or "effect"
    look_at_keys(review, step.node, itemless.fields[kind], step.what)
    look_for_missing(review, step.node, itemless.fields[kind], step.what)
    return
  end
  look_at_keys(review, step.node, fields.step, step.what)
  local writes = given.writes and declared_module.constructor(given.writes.value)
  for _, item in ipairs(writes and writes.items or {}) do
    local written = item.name and declared_module.constructor(item.value)
    if written then look_at_keys(review, written, fields.write, ("%s: writes.%s"):format(step.what, item.name)) end
  end
  local is_schema = given.schema and not is_true(given.schema) and "unknown" or is_true(given.schema)
  look_for_missing(review, step.node, fields.step, step.what, not is_schema and { apply = true, writes = true } or nil)
  if not is_schema and not given.verify then
    if misspelt_in(review, step.node, fields.step).verify then return end
    review:add(
      "missing-verify",
      step.node.at,
      ("%s has no verify: nobody looks whether it did what was meant"):format(step.what),
      'verify = function(check, ctx) check:equal("changed", ctx.done.counts.changed, ctx.done.items) end'
    )
  end
end

local function uses(node, binding)
  local found = false
  walk.all({ kind = "do", statements = node.statements }, function(inner)
    found = found or inner.kind == "name" and inner.binding == binding
  end)
  return found
end

--- A function of checks that asks nothing of its `check`.
local function look_at_checks(review, item, what)
  local node = item and walk.meant(item.value)
  if not node or node.kind ~= "function" then return end
  if node.params[1] and uses(node, node.params[1]) or node.varargs then return end
  review:add(
    "empty-verify",
    item.at,
    ("%s: %s checks nothing"):format(what, item.name),
    "call check:equal, check:none, check:count or check:that in it"
  )
end

--- What is wrong in the text of the declaration.
---@param review table
---@param declared table
function M.look(review, declared)
  if not declared.node then return end
  look_at_keys(review, declared.node, fields.runbook, "the runbook")
  look_for_missing(review, declared.node, fields.runbook, "the runbook")
  look_at_checks(review, declared.fields.preconditions, "the runbook")
  for name, item in pairs(declared.params or {}) do
    local param = declared_module.constructor(item.value)
    if param then
      look_at_keys(review, param, fields.param, ("param %s"):format(name))
      look_for_missing(review, param, fields.param, ("param %s"):format(name))
    end
  end
  for _, step in ipairs(declared.steps) do
    if step.node then
      look_at_step(review, step)
      look_at_checks(review, step.fields.verify, step.what)
    end
  end
end

-- Kinds of errors and the rules that they are.
local rule_of = {
  ["script.syntax"] = "lua-syntax",
  ["script.global"] = "undefined-global",
  ["script.module"] = "unknown-module",
  ["script.no_runbook"] = "no-runbook",
  ["script.declaration"] = "declaration",
  ["script.effects"] = "effect-place",
  ["sql.syntax"] = "sql-syntax",
  ["sql.refused"] = "sql-refused",
}

function M.rule_of(err)
  if err.message:find("has an unknown key", 1, true) then return "unknown-key" end
  if err.kind == "script.declaration" and err.message:find(" has no %l+$") then return "missing-key" end
  if err.message:find("only reading is allowed here", 1, true) then return "read-only" end
  if rule_of[err.kind] then return rule_of[err.kind] end
  return err.kind:find("^sql%.") and "sql-syntax" or "load"
end

--- Where an error of the declaration stands in the text: the field that its message names, of the step or param that it
--- names; else the step, else the declaration.
local function place_in(declared, message)
  local function within(node, rest)
    local given = declared_module.fields_of(node)
    for word in rest:gmatch("[%a_]+") do
      if given[word] then return given[word].at end
    end
    return node.at
  end
  local number, rest = message:match("^step (%d+)(.*)$")
  local step = number and declared.steps[tonumber(number)]
  if not step then
    local name, said = message:match("^step ([^:]-)[:,] (.*)$")
    for _, other in ipairs(declared.steps) do
      local called = other.fields.name and constant.of(other.fields.name.value)
      if name and called and (called.text == name or name:find("^" .. called.text:gsub("%p", "%%%0") .. " ")) then
        step, rest = other, said
      end
    end
  end
  if step then return step.node and within(step.node, rest:gsub("^%s*%b()", "")) or step.at end
  local param = message:match("^param ([^%s:]+)")
  local item = param and declared.params and declared.params[param]
  if item then
    local node = declared_module.constructor(item.value)
    return node and within(node, message:sub(#param + 7)) or item.at
  end
  local twice = message:match("^two steps are named (.*)$")
  for at = #declared.steps, 1, -1 do
    local called = twice and declared.steps[at].fields.name and constant.of(declared.steps[at].fields.name.value)
    if called and called.text == twice then return declared.steps[at].fields.name.at end
  end
  return declared.node and within(declared.node, message) or declared.at
end

--- An error of loading the file, as a finding.
---@param review table
---@param declared table|nil nothing when the file is no Lua
---@param err table
function M.refused(review, declared, err)
  local path, line = (err.where or ""):match("^(.*):(%d+)$")
  line = tonumber(line)
  local message = err.message
  if path and path ~= review.path and err.where and not err.where:find("^opsh/") then
    message, line = ("%s (%s)"):format(message, err.where), nil
  elseif path ~= review.path then
    line = nil
  end
  local at
  if line and err.excerpt then
    local offset = excerpts.column(err.excerpt, review:line(line))
    at = offset and review.starts[line] + offset - 1
  end
  local near = line and message:match("near '([^']*)'")
  if near and not at then
    local stands = review:line(line):find(near, 1, true)
    at = stands and review.starts[line] + stands - 1
  end
  if not at and declared and err.kind == "script.declaration" then
    local meant = place_in(declared, message)
    if not line or review:position(meant) == line then at = meant end
  end
  at = at or line and review:start_of(line) or declared and declared.at or 1
  review:add(M.rule_of(err), at, message, err.hint)
end

return M
