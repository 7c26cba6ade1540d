--- Which tables and views a fixture has besides those of its suspects and of what they refer to.
local naming = require("opsh.host.repl.saving.naming")
local references = require("opsh.host.repl.investigate.references")
local relations = require("opsh.host.repl.investigate.relation")
local schema = require("opsh.host.repl.saving.schema")
local sql = require("opsh.native.sql")

local M = {}

local not_data = { information_schema = true, opsh = true }

--- The tables and views of names, apart from those of the catalog.
local function found(bench, list)
  local tables, views, known = {}, {}, {}
  local function add(name)
    local relation = relations.find(bench, name)
    if not relation or known[relation.oid] then return end
    known[relation.oid] = true
    if relation.schema:find("^pg_") or not_data[relation.schema] then return end
    if relation.kind == "v" then
      for _, behind in ipairs(schema.behind(bench, relation)) do
        add(behind)
      end
    end
    -- A view after what it is made of.
    table.insert(relation.kind == "v" and views or tables, relation)
  end
  for _, source in ipairs(list) do
    add(naming.name_of(source))
  end
  return tables, views
end

local function source_of(name)
  local of, table_name = sql.parts(name)
  return { schema = of, name = table_name }
end

--- The tables that refer to one whose rows go: they hold them, or go with them.
local function add_referring(bench, oid, list, known)
  known[oid] = true
  for _, reference in ipairs(references.of(bench, oid)) do
    if reference.to_oid == oid and reference.name ~= "" and not known[reference.from_oid] then
      list[#list + 1] = source_of(reference.from_sql)
      add_referring(bench, reference.from_oid, list, known)
    end
  end
end

--- All tables that the statements name or that hang on what they delete, and those that the person wants.
---@param subject table of subject.of
---@param statements table[] of change.of
---@param wanted string[] names
---@return table[] tables of relation.lua
---@return table[] views
function M.of(bench, subject, statements, wanted)
  local list = {}
  for _, each in ipairs(subject.relations or {}) do
    list[#list + 1] = each
  end
  for _, statement in ipairs(statements) do
    for _, each in ipairs(statement.relations) do
      list[#list + 1] = each
    end
    if statement.verb == "deleted" then add_referring(bench, statement.oid, list, {}) end
  end
  for _, name in ipairs(wanted) do
    list[#list + 1] = source_of(name)
  end
  return found(bench, list)
end

return M
