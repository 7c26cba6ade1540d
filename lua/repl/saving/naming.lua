--- What tables and columns are called in SQL.
local relations = require("opsh.host.repl.investigate.relation")
local sql = require("opsh.native.sql")

local M = {}

--- Names as SQL, each of a relation.
---@param names string[]
---@param of? string the relation's alias
---@return string[]
function M.columns(names, of)
  local list = {}
  for at, name in ipairs(names) do
    list[at] = (of and sql.identifier(of) .. "." or "") .. sql.identifier(name)
  end
  return list
end

--- The name of a table that a statement names, as SQL.
---@param source { schema: string, name: string } of shape.of
function M.name_of(source)
  return (source.schema ~= "" and sql.identifier(source.schema) .. "." or "") .. sql.identifier(source.name)
end

--- What a table is called in a statement: the first of the outermost FROM that is this one; nil when it is not there.
---@param looks table of shape.of
---@param relation table of relation.lua
---@return string|nil
function M.alias_of(bench, looks, relation)
  for _, source in ipairs(looks.sources) do
    local found = relations.find(bench, M.name_of(source))
    if found and found.oid == relation.oid then return source.alias ~= "" and source.alias or source.name end
  end
  return nil
end

--- "id", or "(a, b)".
---@param list string[] as SQL
function M.together(list) return #list == 1 and list[1] or "(" .. table.concat(list, ", ") .. ")" end

return M
