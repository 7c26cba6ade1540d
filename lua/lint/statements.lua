--- The SQL in a file: every text that is given to tx, ctx or check, and those that a declaration has.
local constant = require("opsh.host.lint.constant")
local roles = require("opsh.host.lint.roles")
local walk = require("opsh.host.lint.walk")

local M = {}

-- Which argument is the statement, what session it goes to, and which argument its values begin with. `tx:rows` and
-- `tx:sample` open cursors, which only read.
local methods = {
  tx = {
    exec = { sql = 1, session = "write", values = 2 },
    query = { sql = 1, session = "write", values = 2 },
    one = { sql = 1, session = "write", values = 2 },
    first = { sql = 1, session = "write", values = 2 },
    value = { sql = 1, session = "write", values = 2 },
    rows = { sql = 1, session = "read", values = 2 },
    sample = { sql = 2, session = "read", values = 3 },
    ddl = { sql = 1, session = "define" },
    copy_in = {},
    savepoint = {},
    try_savepoint = {},
  },
  ctx = {
    query = { sql = 1, session = "read", values = 2 },
    one = { sql = 1, session = "read", values = 2 },
    first = { sql = 1, session = "read", values = 2 },
    value = { sql = 1, session = "read", values = 2 },
    rows = { sql = 1, session = "read", values = 2 },
    sample = { sql = 2, session = "read", values = 3 },
    copy_out = { sql = 1, session = "read" },
    remember = {},
  },
  check = {
    none = { sql = 2, session = "read", values = 3, least = 2 },
    count = { sql = 2, session = "read", values = 4, least = 3 },
    equal = { least = 3 },
    that = { least = 2 },
    skip = { least = 1 },
    http = { least = 2 },
  },
}

M.methods = methods

--- The values of a call: how many for `$n`, and which names; nil where nobody can say.
local function values_of(node, from)
  local list = {}
  for at = from or math.huge, #node.arguments do
    list[#list + 1] = node.arguments[at]
  end
  local last = list[#list] and walk.bare(list[#list])
  local is_open = last and (last.kind == "call" or last.kind == "invoke" or last.kind == "...")
  if #list ~= 1 then return { count = not is_open and #list or nil, names = {} } end
  local only = walk.meant(list[1])
  if only.kind ~= "table" then
    local may_be_table = only.kind ~= "text" and only.kind ~= "number" and only.kind ~= "binary"
    return { count = not is_open and 1 or nil, names = not may_be_table and {} or nil, is_unknown = may_be_table }
  end
  if only.is_changed then return { is_unknown = true } end
  local names, is_named = {}, #only.items > 0
  for _, item in ipairs(only.items) do
    if item.name then
      names[item.name] = item.value
    else
      is_named = false
    end
  end
  if is_named then return { count = 0, names = names } end
  return { count = 1, names = {} }
end

local function of_calls(tree, add)
  walk.all(tree, function(node)
    if node.kind ~= "invoke" then return end
    local handle = roles.handle(node.object)
    local method = handle and methods[handle][node.name]
    local sql = method and method.sql and node.arguments[method.sql]
    if not sql then return end
    add({
      node = sql,
      call = node,
      handle = handle,
      method = node.name,
      session = method.session,
      owner = node.owner,
      from = method.values,
      values = values_of(node, method.values),
    })
  end)
end

--- What the returns of a function give, of its own and not of those in it.
local function returns_of(node, visit)
  walk.all({ kind = "do", statements = node.statements }, function(inner)
    if inner.kind == "function" then return false end
    if inner.kind == "return" then visit(inner) end
  end)
end

local function values_returned(node)
  local second = node.values[2]
  if not second then return { count = 0, names = {} } end
  return values_of({ arguments = { second } }, 1)
end

local function of_step(step, add)
  local plan = step.fields.plan and walk.meant(step.fields.plan.value)
  local function of_field(name, node, more)
    local statement = { node = node, step = step, field = name, what = step.what, session = "read" }
    statement.values = { count = 0, names = {} }
    for key, value in pairs(more or {}) do
      statement[key] = value
    end
    add(statement)
  end
  if plan and plan.kind == "function" then
    returns_of(plan, function(node)
      if node.values[1] then of_field("plan", node.values[1], { values = values_returned(node), owner = plan }) end
    end)
  elseif plan then
    of_field("plan", step.fields.plan.value)
  end
  if step.fields.recheck then of_field("recheck", step.fields.recheck.value, { session = "lock" }) end
  local writes = step.fields.writes and walk.meant(step.fields.writes.value)
  for _, item in ipairs(writes and writes.kind == "table" and writes.items or {}) do
    local value = item.name and walk.meant(item.value)
    local named = { what = ("%s: writes.%s"):format(step.what, tostring(item.name)) }
    for _, inner in ipairs(value and value.kind == "table" and value.items or {}) do
      if inner.name == "rows" then of_field("rows", inner.value, named) end
    end
    if value and value.kind ~= "table" then of_field("rows", item.value, named) end
  end
end

-- Fields of a step that are texts once a runbook is loaded, however they are made.
local loaded_fields = { plan = true, recheck = true }

--- All statements of a file. `text` and `constant` are there for those that are known.
---@param tree table
---@param declared table
---@param steps? table[] of the runbook, as it loaded, where they are those of the text
---@return table[] { node, text?, constant?, session, values, step?, field?, call?, handle?, method?, owner?, what? }
function M.of(tree, declared, steps)
  local list = {}
  local function add(statement)
    statement.constant = constant.of(statement.node)
    local loaded = steps and loaded_fields[statement.field] and steps[statement.step.number][statement.field]
    if not statement.constant and type(loaded) == "string" then
      statement.constant = constant.elsewhere(statement.node, loaded)
    end
    statement.text = statement.constant and statement.constant.text
    list[#list + 1] = statement
  end
  for _, step in ipairs(declared.steps) do
    if step.node then of_step(step, add) end
  end
  of_calls(tree, add)
  return list
end

return M
