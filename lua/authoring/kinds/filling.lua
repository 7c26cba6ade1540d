--- The step that fills a column: of a backfill, and of a schema change that brings one.
local expressions = require("opsh.host.authoring.expressions")
local source = require("opsh.host.authoring.source")

local template = [==[
{
  name = "fill $(name)",
  $(after)
  plan = [[
    select $(shown), $(value) as $(new)
    from $(relation)
    where $(condition)
    order by $(key)
    limit :limit
  ]],
  key = $(lua_key),
  writes = { $(lua_table) },
  -- Not when the row says something else since the plan.
  recheck = [[
    select $(key)
    from $(relation)
    where $(in_batch) and $(condition)
      and exists (select from :items as $(item)
                  where $(same) and $(item).$(new) is not distinct from $(operand))
    order by $(key)
    for no key update
  ]],
  apply = function(tx)
    return {
      filled = tx:exec([[
        update $(relation) set $(column) = $(item).$(new) from :items as $(item) where $(same)
      ]]),
    }
  end,
  verify = function(check, ctx)
    check:equal("rows filled", ctx.done.counts.filled, ctx.planned.items - ctx.done.skipped)
    if ctx.params.limit then return end
    check:none("rows left to fill", [[
      select $(key) from $(relation) where $(condition) order by $(key)
    ]])
  end,
},
]==]

local M = {}

local function is_in(list, wanted)
  for _, name in ipairs(list) do
    if name == wanted then return true end
  end
  return false
end

--- Whether rows with the column NULL are meant, or those that have something else than the expression says.
local function is_null_filled(request)
  if is_in(expressions.names(request.set), request.column) then return false end
  for _, column in ipairs(request.shape.columns) do
    if column.name == request.column then return not column.not_null end
  end
  return true -- a column that the runbook makes
end

--- What holds of the rows that are to be filled, as SQL.
function M.condition(request)
  local column, value = source.name(request.column), source.operand(request.set)
  if not is_null_filled(request) then return ("%s is distinct from %s"):format(column, value) end
  local is_constant = #expressions.names(request.set) == 0
  return column .. " is null" .. (is_constant and "" or (" and %s is not null"):format(value))
end

--- The step's source.
---@param request table
---@param after? string the step that makes the column
function M.step(request, after)
  local shape, column = request.shape, source.name(request.column)
  local shown = source.columns(shape.key)
  local known = {}
  for _, each in ipairs(shape.columns) do
    known[each.name] = true
  end
  for _, name in ipairs(expressions.names(request.set)) do
    local text = source.name(name)
    if known[name] and not is_in(shown, text) then shown[#shown + 1] = text end
  end
  return source.fill(template, {
    name = request.column,
    after = after and ("after = %s,"):format(source.quoted(after)),
    shown = table.concat(shown, ", "),
    value = request.set,
    operand = source.operand(request.set),
    new = source.name("new_" .. request.column),
    relation = request.relation,
    condition = M.condition(request),
    key = source.listed(shape.key),
    lua_key = source.names(shape.key),
    lua_table = source.quoted(shape.given),
    in_batch = source.in_batch(shape.key),
    same = source.same(shape.key, request.alias, request.item),
    item = request.item,
    column = column,
  })
end

return M
