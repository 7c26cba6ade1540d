--- What \d, \d NAME, \dt, \dv, \dm, \di, \ds and \l say on a machine without psql.
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local text = require("opsh.native.text")
local words = require("opsh.host.repl.words")

local M = {}

local null = json.decode("null")

local relations = [[
  select n.nspname::pg_catalog.text as schema, c.relname::pg_catalog.text as name,
         case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
                        when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table'
                        else 'index' end as type,
         pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text as owner
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = any(:kinds::pg_catalog.text[]) and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_' and (:name::pg_catalog.text is null or c.relname::pg_catalog.text like :name)
  order by 1, 2]]

local databases = [[
  select d.datname::pg_catalog.text as name, pg_catalog.pg_get_userbyid(d.datdba)::pg_catalog.text as owner,
         pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text as encoding
  from pg_catalog.pg_database as d order by 1]]

local columns = [[
  select a.attname::pg_catalog.text as "column", pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
         case when a.attnotnull then 'not null' else '' end as nullable,
         coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') as "default"
  from pg_catalog.pg_attribute as a
  left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = :oid::pg_catalog.oid and a.attnum > 0 and not a.attisdropped
  order by a.attnum]]

local indexes = [[
  select c.relname::pg_catalog.text as index, pg_catalog.pg_get_indexdef(i.indexrelid) as definition
  from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid = i.indexrelid
  where i.indrelid = :oid::pg_catalog.oid order by 1]]

local constraints = [[
  select c.conname::pg_catalog.text as "constraint", c.conrelid::pg_catalog.regclass::pg_catalog.text as "table",
         pg_catalog.pg_get_constraintdef(c.oid) as definition
  from pg_catalog.pg_constraint as c
  where c.conrelid = :oid::pg_catalog.oid or c.confrelid = :oid::pg_catalog.oid order by 1]]

local kinds = {
  d = { "r", "p", "v", "m", "S", "f" },
  dt = { "r", "p" },
  dv = { "v" },
  dm = { "m" },
  di = { "i", "I" },
  ds = { "S" },
}

local function show(bench, sql, names)
  local rows = bench.session:reader():read(sql, { n = 0, names = names })
  if #rows > 0 then bench.display:show({ n = 1, rows }) end
end

local function describe_relation(bench, name)
  local sql = "select pg_catalog.to_regclass(:name)::pg_catalog.oid as oid"
  local found = bench.session:reader():read(sql, { n = 0, names = { name = name } })[1]
  if not found.oid then
    errors.raise("usage.value", ("there is no relation %s"):format(text.printable(name)), "\\d lists what there is")
  end
  for _, part in ipairs({ columns, indexes, constraints }) do
    show(bench, part, { oid = found.oid })
  end
end

--- psql's * and ? as LIKE knows them.
local function pattern(name)
  return name and name:gsub("([%%_\\])", "\\%1"):gsub("%*", "%%"):gsub("%?", "_") or null
end

--- Describes what can be described without psql.
---@param bench table of workbench.open
---@param word string
---@param rest string
---@param missing table the error that says that there is no psql
function M.describe(bench, word, rest, missing)
  local bare = word:gsub("[S+]+$", "")
  if bare == "l" then return show(bench, databases, {}) end
  if not kinds[bare] then
    errors.raise(
      "backup.tool",
      ("\\%s is psql's, and %s"):format(word, missing.message),
      "install the package postgresql-client; without it there are \\d, \\dt, \\dv, \\dm, \\di, \\ds and \\l"
    )
  end
  local name = words.at_most(rest, 1)
  if bare == "d" and name then return describe_relation(bench, name) end
  show(bench, relations, { kinds = kinds[bare], name = pattern(name) })
end

return M
