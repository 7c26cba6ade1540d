--- Plans against what their steps say of them: columns that are named, what makes a plan differ from the next.
local constant = require("opsh.host.lint.constant")
local roles = require("opsh.host.lint.roles")
local walk = require("opsh.host.lint.walk")

local M = {}

-- Functions and words of the grammar that give something else each time.
local moments = {}
for name in
  ("now clock_timestamp statement_timestamp transaction_timestamp timeofday current_date current_time "
    .. "current_timestamp localtime localtimestamp random random_normal gen_random_uuid uuid_generate_v4 nextval")
    :gmatch("%S+")
do
  moments[name] = true
end

--- The texts that a field of a step names, each with its place: one, or a list.
local function names_in(item)
  local node = item and walk.meant(item.value)
  local one = node and constant.of(node)
  if one then return { { name = one.text, at = item.value.at } } end
  local list = {}
  for _, inner in ipairs(node and node.kind == "table" and node.items or {}) do
    local name = inner.place and constant.of(inner.value)
    if name then list[#list + 1] = { name = name.text, at = inner.value.at } end
  end
  return list
end

local said_of = {
  key = "the plan has no column %s, which is its key",
  classify = "the plan has no column %s, which classifies",
}

local function classifies_by_function(step)
  local node = step.fields.classify and walk.meant(step.fields.classify.value)
  return step.fields.classify ~= nil and not (node and constant.of(node))
end

local function look_at_columns(review, step, columns, at)
  local known, listed = {}, {}
  for _, name in ipairs(columns) do
    if known[name] and name ~= "?column?" then
      review:add(
        "duplicate-column",
        at,
        ("two columns of the plan are named %s"):format(name),
        "give one of them another name with AS"
      )
    end
    known[name] = true
    if name ~= "?column?" then listed[#listed + 1] = name end
  end
  local fields = { "key" }
  if not classifies_by_function(step) then fields = { "key", "classify", "tally", "totals" } end
  for _, field in ipairs(fields) do
    for _, named in ipairs(names_in(step.fields[field])) do
      if not known[named.name] and named.name ~= "label" then
        review:add(
          "plan-column",
          named.at,
          (said_of[field] or "the plan has no column %s"):format(named.name),
          (review.meant(named.name, listed, "its columns are " .. table.concat(listed, ", ")))
        )
      end
    end
  end
  return known
end

local function look_at_stability(review, outline, begins, place)
  for _, called in ipairs(outline.functions) do
    if moments[called.name] then
      review:add(
        "unstable-plan",
        place(called.at),
        ("%s in a plan: the next one finds something else, and an apply is compared with it"):format(called.name),
        "compare with a param (--before 2026-01-01), or a value of the data; in apply it is right"
      )
    end
  end
  if outline.has_limit and not outline.has_order then
    review:add(
      "limit-order",
      begins,
      "LIMIT without ORDER BY: the server may give other rows each time",
      "order by the key"
    )
  end
end

--- `os.time()` and its like in a plan that is a function.
local function look_at_function(review, node)
  walk.all({ kind = "do", statements = node.statements }, function(inner)
    local callee = inner.kind == "call" and inner.callee
    local object = callee and callee.kind == "index" and walk.bare(callee.object)
    if not object or object.kind ~= "name" or object.binding then return end
    local is_time = object.name == "os" and callee.name ~= "difftime"
    if is_time or object.name == "math" and callee.name == "random" then
      review:add(
        "unstable-plan",
        inner.at,
        ("%s.%s in a plan: the next one finds something else, and an apply is compared with it"):format(
          object.name,
          callee.name
        ),
        "compare with a param (--before 2026-01-01), or a value of the data; in apply it is right"
      )
    end
  end)
end

--- The columns that `classify` adds; nothing when nobody can say.
local function added_by(step)
  local item = step.fields.classify
  if not item or constant.of(item.value) then return {} end
  local node = walk.meant(item.value)
  if not node or node.kind ~= "function" then return nil end
  local added = {}
  walk.all({ kind = "do", statements = node.statements }, function(inner)
    if inner.kind == "function" then return false end
    if inner.kind ~= "return" or not added then return end
    local last = inner.values[#inner.values] and walk.bare(inner.values[#inner.values])
    if #inner.values == 1 and (last.kind == "call" or last.kind == "invoke") then added = nil end
    local extra = added and inner.values[2] and walk.meant(inner.values[2])
    if extra and extra.kind == "table" then
      for _, field in ipairs(extra.items) do
        if field.name then
          added[field.name] = true
        else
          added = nil
          return
        end
      end
    elseif extra and extra.kind ~= "nil" then
      added = nil
    end
  end)
  return added
end

local function sorted(names)
  local list = {}
  for name in pairs(names) do
    if name ~= "?column?" then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function no_column(review, name, at, columns)
  local list = sorted(columns)
  review:add(
    "item-column",
    at,
    ("the row has no column %s"):format(name),
    (review.meant(name, list, "its columns are " .. table.concat(list, ", ")))
  )
end

--- The one step in whose batches code runs.
local function step_of(owner, fields)
  local found
  for _, placed in ipairs(roles.places(owner)) do
    if not fields[placed.field] or not placed.step or found and found ~= placed.step then return nil end
    found = placed.step
  end
  return found
end

local in_batch = { apply = true, on_failure = true }

local function look_at_statements(review, statements, place)
  for _, statement in ipairs(statements) do
    local step = statement.field == "recheck" and statement.step
      or statement.owner and statement.handle == "tx" and step_of(statement.owner, in_batch)
    local columns = step and step.item_columns
    for _, relation in ipairs(columns and statement.outline and statement.outline.relations or {}) do
      for _, field in ipairs(relation.placeholder == "items" and statement.outline.fields or {}) do
        if field.relation == relation.alias and not columns[field.name] then
          no_column(review, field.name, place(statement, field.at), columns)
        end
      end
    end
  end
end

--- `item.nmae`, in apply, on_failure and classify.
local function look_at_rows(review, tree)
  local owners = {}
  local function look(node)
    local object = node.kind == "index" and node.name and walk.bare(node.object)
    local binding = object and object.kind == "name" and object.binding
    if binding and binding.role == "row" and #binding.writes == 0 then
      local step = step_of(binding.owner, in_batch)
      local columns = step and step.item_columns
      if not step then
        step = step_of(binding.owner, { classify = true })
        columns = step and step.columns
      end
      if columns and not columns[node.name] and not node.is_assigned and not (binding.given or {})[node.name] then
        owners[#owners + 1] = { node = node, columns = columns, binding = binding }
      end
      if node.is_assigned then
        binding.given = binding.given or {}
        binding.given[node.name] = true
      end
    end
  end
  walk.all(tree, look)
  for _, found in ipairs(owners) do
    if not (found.binding.given or {})[found.node.name] then
      no_column(review, found.node.name, found.node.name_at or found.node.at, found.columns)
    end
  end
end

local of_step = { apply = true, classify = true, on_failure = true, plan = true, summary = true, verify = true }

--- The one step whose functions run the code of a function; nothing when nobody knows, or it is none or several.
---@param owner table|nil
---@return table|nil
function M.step_of(owner) return owner and step_of(owner, of_step) end

--- The columns that the items of a step have; nothing where the text does not say all of them.
local function columns_of_items(step)
  local added = added_by(step)
  if not added then return nil end
  local all = { label = true }
  for _, names in ipairs({ step.columns, added }) do
    for name in pairs(names) do
      all[name] = true
    end
  end
  return all
end

local function look_at_step(review, step, statement, place)
  local node = step.fields.plan and walk.meant(step.fields.plan.value)
  if node and node.kind == "function" then look_at_function(review, node) end
  local outline = statement and statement.outline
  -- What is missing of a schema is looked for in the catalog, as it is now.
  if not outline or step.fields.schema then return end
  local begins = place(statement, statement.text:find("%S") or 1)
  look_at_stability(review, outline, begins, function(byte) return place(statement, byte) end)
  if not outline.columns then return end
  step.columns = look_at_columns(review, step, outline.columns, begins)
  step.item_columns = columns_of_items(step)
end

---@param review table
---@param tree table
---@param declared table
---@param statements table[] with their outlines
---@param place fun(statement: table, at: integer): integer
function M.look(review, tree, declared, statements, place)
  local plans = {}
  for _, statement in ipairs(statements) do
    if statement.field == "plan" then plans[statement.step] = plans[statement.step] or statement end
  end
  for _, step in ipairs(declared.steps) do
    if step.node then look_at_step(review, step, plans[step], place) end
  end
  look_at_statements(review, statements, place)
  look_at_rows(review, tree)
end

return M
