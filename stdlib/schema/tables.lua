--- Tables, columns, foreign keys and indexes that a runbook needs.
local json = require("opsh.json")
local sql = require("opsh.native.sql")
local step = require("opsh.schema.step")

local M = {}

--- Columns as a list of { name, definition }, from `{ { name, type, default, not_null } }` or `{ name = "type" }`.
local function columns_of(given)
  local list, names = {}, {}
  for name in pairs(given) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, column in ipairs(given) do
    list[#list + 1] = step.read(column, "columns: a column", {
      name = { "string", required = true },
      type = { "string", required = true },
      default = { "string" },
      not_null = { "boolean" },
    })
  end
  for _, name in ipairs(names) do
    if type(given[name]) ~= "string" then
      step.misuse(("schema.columns: the type of %s must be a text"):format(name), 'columns = { note = "text" }')
    end
    list[#list + 1] = { name = name, type = given[name] }
  end
  if #list == 0 then step.misuse("schema.columns: columns is empty") end
  local made = {}
  for at, column in ipairs(list) do
    made[at] = {
      place = at,
      name = column.name,
      type = column.type,
      definition = column.type
        .. (column.default and " default " .. column.default or "")
        .. (column.not_null and " not null" or ""),
    }
  end
  return made
end

local missing_columns = [[
  select w.place, w.name,
         pg_catalog.format('alter table %s add column %I %s', :table::text, w.name, w.definition) as ddl,
         pg_catalog.format('alter table %s drop column %I', :table::text, w.name) as undo_ddl
  from pg_catalog.jsonb_to_recordset(:wanted::pg_catalog.jsonb) as w (place int, name text, definition text)
  where not exists (select from pg_catalog.pg_attribute as a
                    where a.attrelid = pg_catalog.to_regclass(:table::text)::pg_catalog.oid and a.attname = w.name
                      and not a.attisdropped)]]

local other_types = [[
  select w.name, w.type as wanted, pg_catalog.format_type(a.atttypid, a.atttypmod) as found,
         pg_catalog.to_regtype(w.type) is null as is_unknown
  from pg_catalog.jsonb_to_recordset(:wanted::pg_catalog.jsonb) as w (name text, type text)
  join pg_catalog.pg_attribute as a
    on a.attrelid = pg_catalog.to_regclass(:table::text)::pg_catalog.oid and a.attname = w.name and not a.attisdropped
  where pg_catalog.to_regtype(w.type)::pg_catalog.oid is distinct from a.atttypid]]

local function require_table(ctx, name)
  if ctx:value("select pg_catalog.to_regclass($1) is null", name) then
    step.misuse(("there is no table %s"):format(name), 'if an earlier step makes it, say after = "that step"')
  end
end

--- Columns that a table lacks, added. A column that is there with another type is an error.
---@param given { table: string, columns: table, name?: string }
---@return table step
function M.columns(given)
  step.read(given, "columns", { table = { "string", required = true }, columns = { "table", required = true } })
  local name, wanted = step.table_name(given.table), json.encode(columns_of(given.columns))
  return step.step(given, {
    name = "columns of " .. given.table,
    key = { "place", "name" },
    writes = { given.table },
    owns = { given.table },
    plan = function(ctx)
      require_table(ctx, name)
      local values = { table = name, wanted = wanted }
      local other = ctx:first(other_types, values)
      if other then
        step.misuse(
          ("column %s of %s has the type %s, and %s is declared"):format(other.name, name, other.found, other.wanted),
          other.is_unknown and "there is no such type" or "declare what is there, or change it in a step of its own"
        )
      end
      return missing_columns, values
    end,
  })
end

--- A table that is not there, made. Its undo drops it only when it is empty.
---@param given { table: string, definition: string, name?: string } `definition`: what stands between the parentheses
---@return table step
function M.table(given)
  step.read(given, "table", { table = { "string", required = true }, definition = { "string", required = true } })
  local name = step.table_name(given.table)
  local ddl = ("create table %s (\n%s\n)"):format(name, given.definition)
  sql.check_define(ddl)
  return step.step(given, {
    name = "table " .. given.table,
    key = "relation",
    writes = { given.table },
    plan = function()
      return [[select :table::text as relation, :ddl::text as ddl, 'drop table ' || :table::text as undo_ddl
               where pg_catalog.to_regclass(:table::text) is null]],
        { table = name, ddl = ddl }
    end,
  })
end

local function list_of(columns)
  local names = {}
  for at, column in ipairs(columns) do
    names[at] = sql.identifier(column)
  end
  return table.concat(names, ", ")
end

local function as_list(value) return type(value) == "table" and value or { value } end

local missing_constraint = [[
  select s.place, s.what, s.ddl, s.undo_ddl
  from (values (1, 'add ' || :name::text, :add::text, :drop::text),
               (2, 'validate ' || :name::text, :validate::text, null))
    as s (place, what, ddl, undo_ddl)
  left join pg_catalog.pg_constraint as c
    on c.conrelid = pg_catalog.to_regclass(:table::text)::pg_catalog.oid and c.conname = :name::text
  where c.oid is null or (s.place = 2 and not c.convalidated)]]

--- A foreign key: added NOT VALID, which only needs its locks for a moment, and validated in a transaction of its own,
--- which keeps nobody from writing.
---@param given { table: string, columns: string|string[], references: string, key?: string|string[],
--- on_delete?: string, constraint?: string, name?: string }
---@return table step
function M.foreign_key(given)
  given.columns, given.key = as_list(given.columns), given.key and as_list(given.key)
  step.read(given, "foreign_key", {
    table = { "string", required = true },
    columns = { "table", required = true },
    references = { "string", required = true },
    key = { "table" },
    on_delete = { "string" },
    constraint = { "string" },
  })
  local name = step.table_name(given.table)
  local constraint = given.constraint
    or ("%s_%s_fkey"):format(select(2, sql.parts(given.table)), table.concat(given.columns, "_"))
  local quoted = sql.identifier(constraint)
  local add = ("alter table %s add constraint %s foreign key (%s) references %s%s%s not valid"):format(
    name,
    quoted,
    list_of(given.columns),
    step.table_name(given.references),
    given.key and (" (%s)"):format(list_of(given.key)) or "",
    given.on_delete and " on delete " .. given.on_delete or ""
  )
  sql.check_define(add)
  return step.step(given, {
    name = ("foreign key %s"):format(constraint),
    key = { "place", "what" },
    writes = { given.table },
    owns = { given.table },
    plan = function(ctx)
      require_table(ctx, name)
      return missing_constraint,
        {
          table = name,
          name = constraint,
          add = add,
          validate = ("alter table %s validate constraint %s"):format(name, quoted),
          drop = ("alter table %s drop constraint %s"):format(name, quoted),
        }
    end,
  })
end

local missing_index = [[
  select :index::text as index, :ddl::text as ddl,
         pg_catalog.format('drop index %s%I.%I', :drop::text, n.nspname, :index::text) as undo_ddl,
         case when exists (select from pg_catalog.pg_index as i
                           join pg_catalog.pg_class as c on c.oid = i.indexrelid
                           where i.indrelid = t.oid and c.relname = :index::text and not i.indisvalid)
           then 'there, and not valid: dropped and built again' end as note
  from pg_catalog.pg_class as t join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
  where t.oid = pg_catalog.to_regclass(:table::text)::pg_catalog.oid
    and not exists (select from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid = i.indexrelid
                    where i.indrelid = t.oid and c.relname = :index::text and i.indisvalid)]]

--- An index, built while others read and write (CONCURRENTLY, outside a transaction). One that an earlier build left
--- invalid is dropped and built again.
---@param given { table: string, index: string, columns: string|string[], expression?: string, unique?: boolean,
--- where?: string, using?: string, concurrently?: boolean, name?: string } `expression` instead of `columns`: what
--- stands between the parentheses
---@return table step
function M.index(given)
  given.columns = given.columns and as_list(given.columns)
  step.read(given, "index", {
    table = { "string", required = true },
    index = { "string", required = true },
    columns = { "table" },
    expression = { "string" },
    unique = { "boolean" },
    where = { "string" },
    using = { "string" },
    concurrently = { "boolean" },
  })
  if (given.columns == nil) == (given.expression == nil) then
    step.misuse("schema.index: say columns, or expression", "leave one of the two out")
  end
  local name, alone = step.table_name(given.table), given.concurrently ~= false
  local ddl = ("create %sindex %s%s on %s%s (%s)%s"):format(
    given.unique and "unique " or "",
    alone and "concurrently " or "",
    sql.identifier(given.index),
    name,
    given.using and " using " .. given.using or "",
    given.columns and list_of(given.columns) or given.expression,
    given.where and " where " .. given.where or ""
  )
  sql.check_define(ddl)
  return step.step(given, {
    name = "index " .. given.index,
    key = "index",
    autocommit = alone or nil,
    writes = { given.table },
    owns = { given.table },
    plan = function(ctx)
      require_table(ctx, name)
      return missing_index,
        { table = name, index = given.index, ddl = ddl, drop = alone and "concurrently if exists " or "if exists " }
    end,
  })
end

return M
