--- What is wrong in the statements of a file, as far as their text says.
local constant = require("opsh.host.lint.constant")
local excerpts = require("opsh.host.lint.excerpts")
local glue = require("opsh.host.lint.glue")
local host = require("opsh.native.host")
local native_sql = require("opsh.native.sql")
local roles = require("opsh.host.lint.roles")
local shape = require("opsh.host.lint.shape")
local walk = require("opsh.host.lint.walk")

local M = {}

local judges = {
  read = native_sql.check_read,
  write = native_sql.check_write,
  define = native_sql.check_define,
  lock = native_sql.locks_rows,
}

--- The byte of the source where a statement's byte stands.
local function place(statement, at) return constant.source(statement.constant, at or 1) end

--- The first byte of the statement that says something.
local function beginning(statement) return place(statement, statement.text:find("%S") or 1) end

--- Whether the gate takes it; what it says else is what a run says.
local function judge(review, statement)
  local ok, result = host.protect(judges[statement.session], statement.text)
  if ok then
    if statement.session == "lock" and result == false then
      review:add(
        "declaration",
        statement.step.fields.recheck.at,
        ("%s: recheck locks no rows"):format(statement.what),
        "end it with FOR NO KEY UPDATE, in key order; what it does not lock may change before apply"
      )
    end
    statement.assigned = statement.session == "write" and result or nil
    return true
  end
  local at = result.excerpt and excerpts.byte(result.excerpt, statement.text)
  local message = result.message
  -- What a plan's function returns is no text of the declaration.
  if statement.field and not statement.owner then
    message = ("%s: %s: %s"):format(statement.what, statement.field, message)
  end
  review:add(shape.rule_of(result), at and place(statement, at) or beginning(statement), message, result.hint)
  return false
end

local function is_literal(node)
  node = walk.meant(node)
  return node ~= nil and (node.kind == "text" or node.kind == "number" or node.kind == "true" or node.kind == "false")
end

local function argument_of(statement, number)
  if not statement.call or not statement.from then return nil end
  return statement.call.arguments[statement.from + number - 1]
end

--- Whether a placeholder differs from batch to batch.
local function limits(statement, placeholder)
  if placeholder.is_assigned then return false end
  if placeholder.number then
    local argument = argument_of(statement, placeholder.number)
    return not argument or not is_literal(argument)
  end
  if placeholder.name == "items" or placeholder.name == "keys" then return true end
  local names = statement.values.names
  if statement.values.is_unknown or not names then return true end
  return names[placeholder.name] ~= nil and not is_literal(names[placeholder.name])
end

local function known_names(statement, params)
  local known = {}
  for name in pairs(statement.values.names or {}) do
    known[#known + 1] = name
  end
  for name in pairs(params) do
    known[#known + 1] = name
  end
  return known
end

-- Functions that run where there is no batch.
local without_batch = { "plan", "classify", "summary", "verify", "preconditions", "effect", "finally" }

local function has_batch(statement)
  return statement.session == "write"
    or statement.session == "lock"
    or statement.field == "rows"
    or statement.handle == "tx"
end

local function look_at_batch(review, statement, placeholder)
  local owner, values = statement.owner, statement.values
  if has_batch(statement) or values.is_unknown or values.names and values.names[placeholder.name] then return end
  if statement.field ~= "plan" and not (owner and roles.only_in(owner, unpack(without_batch))) then return end
  review:add(
    "batch-relation",
    place(statement, placeholder.at),
    (":%s is the batch, and there is none here"):format(placeholder.name),
    "it exists in apply, on_failure and recheck"
  )
end

local function look_at_name(review, statement, placeholder)
  local name, given = placeholder.name, statement.values.names or {}
  if not review.params or statement.values.is_unknown or review.params[name] or given[name] then return end
  local list = known_names(statement, review.params)
  if has_batch(statement) then
    list[#list + 1], list[#list + 2] = "items", "keys"
  end
  local _, meant, only = review.meant(name, list)
  local at = place(statement, placeholder.at) + 1
  local is_here = review.source:sub(at, at + #name - 1) == name
  review:add(
    "unknown-param",
    at - 1,
    ("there is no value for :%s"):format(name),
    meant and ("did you mean :%s?"):format(meant)
      or ("pass it: query(sql, { %s = ... }), or declare the param; at the prompt assign it first"):format(name),
    is_here and only and review.params[only] and { at = at, last = at + #name - 1, text = only }
  )
end

local function look_at_names(review, statement, outline)
  for _, placeholder in ipairs(outline.placeholders) do
    if placeholder.name == "items" or placeholder.name == "keys" then
      look_at_batch(review, statement, placeholder)
    elseif placeholder.name then
      look_at_name(review, statement, placeholder)
    end
  end
end

local function look_at_numbers(review, statement, outline)
  local given, taken = statement.values.count, 0
  if not given or statement.session == "define" then return end
  for _, placeholder in ipairs(outline.placeholders) do
    if placeholder.number and placeholder.number > given then
      review:add(
        "sql-values",
        place(statement, placeholder.at),
        ("the statement has $%d, and %d values are given"):format(placeholder.number, given),
        "give one value for each $n"
      )
      return
    end
    taken = math.max(taken, placeholder.number or 0)
  end
  -- One value alone may be a table of names.
  if given > taken and not (given == 1 and statement.values.is_unknown) then
    review:add(
      "sql-values",
      beginning(statement),
      ("%d values are given, and the statement has %s"):format(
        given,
        taken > 1 and ("$1 to $%d"):format(taken) or taken == 1 and "$1" or "no $n"
      ),
      "give one value for each $n; values by name go in a table: { name = value }"
    )
  end
end

local said = { update = "UPDATE of", delete = "DELETE from", insert = "INSERT into" }

--- A batch is one of many: what its items do not limit happens in each, to all rows.
local function look_at_bounds(review, statement, outline)
  local kind = outline.kind
  if statement.session ~= "write" or not said[kind] or statement.handle ~= "tx" then return end
  for _, placed in ipairs(roles.places(statement.owner)) do
    if placed.field == "undo" then return end
  end
  if kind == "insert" and not outline.has_from then return end
  -- FROM :items without a condition is every row with every item.
  for _, placeholder in ipairs((kind == "insert" or outline.has_where) and outline.placeholders or {}) do
    if limits(statement, placeholder) then return end
  end
  local what = kind ~= "insert" and not outline.has_where and "has no WHERE" or "is not limited to the batch's items"
  review:add(
    "unbounded-write",
    beginning(statement),
    ("the %s %s %s, and happens in every batch"):format(said[kind], outline.target, what),
    "take the rows from :items or :keys: where id = any(:keys)"
  )
end

--- Whether one of the names may be the table: a schema that is left out may be any.
local function is_among(names, schema, target)
  for name in pairs(names) do
    local other_schema, other = native_sql.parts(name)
    if other == target and (schema == "" or other_schema == "" or schema == other_schema) then return true end
  end
  return false
end

--- The tables of a step's writes; nil when the text does not say all of them.
local function writes_of(review, step)
  local loaded = review.runbook and review.has_all_steps and review.runbook.steps[step.number]
  if loaded then
    local names = {}
    for _, written in ipairs(loaded.writes) do
      names[written.name] = true
    end
    return names, loaded.schema
  end
  local node = step.fields.writes and walk.meant(step.fields.writes.value)
  if not node or node.kind ~= "table" then return nil end
  local names = {}
  for _, item in ipairs(node.items) do
    local name = item.name or item.place and constant.of(item.value)
    name = type(name) == "table" and name.text or name
    if type(name) ~= "string" or not host.protect(native_sql.parts, name) then return nil end
    names[name] = true
  end
  return names
end

--- An edit that adds a table to a list in the source.
local function addition(step, name)
  local node = step.fields.writes and walk.bare(step.fields.writes.value)
  if not node or node.kind ~= "table" or #node.items == 0 then return nil end
  local last = node.items[#node.items].last
  return { at = last + 1, last = last, text = (", %q"):format(name) }
end

--- The tables that the steps declare in whose batches a statement writes, and the step, false where there are several;
--- nothing where nobody can say.
local function declared_for(review, statement)
  local all, step = {}, nil
  for _, placed in ipairs(roles.places(statement.owner)) do
    if not placed.step then return nil end
    local names, is_schema = writes_of(review, placed.step)
    if not names or is_schema then return nil end
    for name in pairs(names) do
      all[name] = true
    end
    step = step == nil and placed.step or step == placed.step and step or false
  end
  if step ~= nil then return all, step end
end

local function look_at_target(review, statement, outline)
  if statement.session ~= "write" or statement.handle ~= "tx" or not said[outline.kind] then return end
  local all, step = declared_for(review, statement)
  if not all then return end
  statement.declared = all
  if is_among(all, outline.schema, outline.target) then return end
  local name = outline.schema ~= "" and ("%s.%s"):format(outline.schema, outline.target) or outline.target
  review:add(
    "undeclared-write",
    place(statement, outline.target_at),
    ("the statement changes %s, which the step does not declare"):format(name),
    ('add "%s" to the step\'s writes'):format(name),
    step and addition(step, name) or nil
  )
end

local function look_at_text(review, statement, outline)
  for _, comparison in ipairs(outline.null_comparisons) do
    review:add(
      "null-comparison",
      place(statement, comparison.at),
      "a comparison with null is never true",
      "write is null, is not null or is distinct from"
    )
  end
  if outline.inserted and outline.given and outline.inserted ~= outline.given then
    review:add(
      "insert-columns",
      place(statement, outline.target_at),
      ("INSERT into %s lists %d columns and gives %d values"):format(outline.target, outline.inserted, outline.given),
      "each column wants one value, in the same order"
    )
  end
end

--- Looks at all statements of a file. Those that the gate takes get their `outline`.
---@param review table
---@param statements table[] of statements.lua
function M.look(review, statements)
  for _, statement in ipairs(statements) do
    if not statement.text then
      glue.look(review, statement)
    elseif judge(review, statement) and statement.session ~= "define" then
      local outline = native_sql.outline(statement.text)
      statement.outline = outline
      look_at_names(review, statement, outline)
      look_at_numbers(review, statement, outline)
      look_at_bounds(review, statement, outline)
      look_at_target(review, statement, outline)
      look_at_text(review, statement, outline)
    end
  end
end

M.place = place

return M
