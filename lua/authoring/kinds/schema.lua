--- `opsh new --kind schema`: a column more, with what it refers to and what its rows get.
local expressions = require("opsh.host.authoring.expressions")
local filling = require("opsh.host.authoring.kinds.filling")
local fixture = require("opsh.host.authoring.fixture")
local guessed = require("opsh.host.authoring.guessed")
local params = require("opsh.host.authoring.params")
local source = require("opsh.host.authoring.source")

local template = [==[
local runbook, schema = require("opsh.runbook"), require("opsh.schema")

return runbook {
  title = $(title),
  params = {
    $(params)
  },
  steps = {
    schema.columns { table = $(lua_table), columns = { { name = $(lua_column), type = $(type) } } },
    $(references)
    $(fill)
  },
}
]==]

local referring = [==[
schema.foreign_key {
  table = $(lua_table),
  columns = $(lua_column),
  references = $(other),
  after = $(after),
},
schema.index {
  table = $(lua_table),
  index = $(index),
  columns = $(lua_column),
  after = $(after),
},
]==]

local M = { needs = { "column" }, takes = { "references", "set" }, title = "Add %s to %s" }

local function without_last_line(text) return (text:gsub("\n$", "")) end

--- What the key of another table is of.
local function type_of_key(shape)
  for _, column in ipairs(shape.columns) do
    if column.name == shape.key[1] then return column.type end
  end
end

function M.make(request)
  local shape, after = request.shape, "columns of " .. request.shape.given
  local type = request.column_type or request.other and type_of_key(request.other) or guessed.type_of(request.column)
  local index = ("%s_%s_idx"):format(shape.name, request.column)
  local list = request.set and { limit = params.limit(shape.key) } or {}
  shape.filled = request.set and expressions.names(request.set) or {}
  shape.hints = request.set and expressions.comparisons(params.tried(request.set, request.params)) or {}
  local shapes = request.other and { request.other, shape } or { shape }
  local added = ([[select count(*) from pg_attribute
  where attrelid = '%s'::regclass and attname = '%s' and not attisdropped]]):format(
    request.relation_plain,
    request.column
  )
  local is_there = ("expect.equal(database:value([[%s]]), 1)"):format(added:gsub("\n", "\n    "))
  local is_filled = request.set
    and ("expect.equal(database:value(%s), 0)"):format(
      source.quoted(
        ("select count(*) from %s where %s"):format(
          request.relation_plain,
          params.tried(filling.condition(request), request.params)
        )
      )
    )
  local source_of_params = params.source(request.params, list)
  return {
    runbook = source
      .fill(template, {
        title = source.quoted(M.title:format(request.column, shape.given)),
        params = source_of_params,
        lua_table = source.quoted(shape.given),
        lua_column = source.quoted(request.column),
        type = source.quoted(type),
        references = request.other and without_last_line(source.fill(referring, {
          lua_table = source.quoted(shape.given),
          lua_column = source.quoted(request.column),
          other = source.quoted(request.other.given),
          after = source.quoted(after),
          index = source.quoted(index),
        })),
        fill = request.set and without_last_line(filling.step(request, after)),
      })
      :gsub("  params = {\n  },\n", ""),
    schema = fixture.schema(shapes),
    data = fixture.data(shapes),
    test = {
      finds = "plans the column",
      counted = "expect.equal(plan.json().steps[1].planned.items, 1)",
      does = request.set and "adds the column and fills it" or "adds the column",
      done = is_filled and is_there .. "\n" .. is_filled or is_there,
    },
  }
end

return M
