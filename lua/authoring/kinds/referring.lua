--- Tables that refer to one whose rows are deleted: what keeps a row, and what goes or changes with it.
local source = require("opsh.host.authoring.source")
local sql = require("opsh.native.sql")

local M = {}

local on_delete = { a = "no action", r = "restrict", c = "cascade", n = "set null", d = "set default" }

local function column_of(shape, name)
  for _, column in ipairs(shape.columns) do
    if column.name == name then return column end
  end
end

--- The part of another table that a fixture needs: its key, the columns that refer, and what must have a value.
local function reduced(reference, parent)
  local shape, wanted, columns = reference.shape, {}, {}
  for _, list in ipairs({ shape.key, reference.columns }) do
    for _, name in ipairs(list) do
      wanted[name] = true
    end
  end
  for _, column in ipairs(shape.columns) do
    if wanted[column.name] or column.not_null and not column.default then columns[#columns + 1] = column end
  end
  local fixed = {}
  for at, name in ipairs(reference.columns) do
    fixed[name] = source.name(reference.referred[at])
  end
  local numbered = ("(select *, row_number() over () as i from %s) as parent"):format(source.table(parent.given))
  return {
    given = shape.given,
    schema = shape.schema,
    columns = columns,
    key = shape.key,
    filled = reference.columns,
    fixed = fixed,
    of = numbered,
    is_empty = on_delete[reference.action] == "no action" or on_delete[reference.action] == "restrict",
    references = {
      {
        table = parent.given,
        columns = reference.columns,
        referred = reference.referred,
        on_delete = on_delete[reference.action],
      },
    },
  }
end

--- What the server does for each deleted row when no index serves a foreign key, and the statement that helps.
local function unindexed(key, parent)
  local note = "%s refers to %s and has no index for it: each deleted row makes the server read all of it; first: %s"
  return note:format(key.table, parent.given, key.index_ddl)
end

--- What refers to the table of a request, as far as its catalog is known.
---@return { condition: string, writes: string[], shapes: table[], notes: string[] }
function M.of(request)
  local made = { writes = {}, shapes = {}, notes = {} }
  local conditions, parent = {}, request.shape
  for _, reference in ipairs(request.referring or {}) do
    local child, action = reference.table, on_delete[reference.action]
    local _, name = sql.parts(child)
    local alias = source.name(name)
    if not reference.key.is_indexed then made.notes[#made.notes + 1] = unindexed(reference.key, parent) end
    local is_known = reference.shape and child ~= parent.given
    local follows = #reference.columns == 1 and #parent.key == 1 and reference.referred[1] == parent.key[1]
    if is_known and (action == "no action" or action == "restrict") then
      local pairs_of = {}
      for at, column in ipairs(reference.columns) do
        pairs_of[at] = ("%s.%s = %s.%s"):format(
          alias,
          source.name(column),
          request.alias,
          source.name(reference.referred[at])
        )
      end
      conditions[#conditions + 1] = ("and not exists (select from %s where %s)"):format(
        source.table(child) .. (source.table(child) == alias and "" or " as " .. alias),
        table.concat(pairs_of, " and ")
      )
      made.shapes[#made.shapes + 1] = reduced(reference, parent)
    elseif is_known and follows and column_of(reference.shape, reference.columns[1]) then
      local rows = ("select %s from %s where %s = any(:keys)"):format(
        source.listed(reference.shape.key),
        source.table(child),
        source.name(reference.columns[1])
      )
      local field = child:find("^[%l_][%l%d_]*$") and child or "[" .. source.quoted(child) .. "]"
      made.writes[#made.writes + 1] = ("%s = %s,"):format(field, source.quoted(rows))
      made.shapes[#made.shapes + 1] = reduced(reference, parent)
    else
      local note = "%s refers to %s (on delete %s): say in writes, or in the plan, what becomes of it"
      made.notes[#made.notes + 1] = note:format(child, parent.given, action)
    end
  end
  made.condition = #conditions > 0 and table.concat(conditions, "\n") or nil
  return made
end

return M
