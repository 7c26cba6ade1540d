--- What the session that reads is, what the runbook answers for on it, and what shows that it wrote nothing.
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local text = require("opsh.native.text")

local _, array = json.metatables()

local M = {}

--- How much stands between a plan and a write besides opsh's own gate and the read-only transaction.
---@param session userdata a native reader
---@return { level: "reader login"|"standby"|"role-less", user: string, superuser: boolean }
function M.facts(session)
  local found = session:read([[
    select pg_catalog.pg_is_in_recovery() as standby, current_user::pg_catalog.text as "user",
           (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user) as superuser,
           exists (
             select from pg_catalog.pg_class as c
             where c.relkind in ('r', 'p') and c.oid >= 16384
               and (pg_catalog.has_any_column_privilege(c.oid, 'INSERT, UPDATE')
                    or pg_catalog.has_table_privilege(c.oid, 'DELETE, TRUNCATE'))) as writes]])[1]
  local level = found.standby and "standby" or (found.superuser or found.writes) and "role-less" or "reader login"
  return { level = level, user = found.user, superuser = found.superuser }
end

local function missing(what, field, name, known)
  local meant = text.nearest(name, known)
  errors.raise(
    "script.declaration",
    ("%s: there is no %s %s in this database"):format(field, what, name),
    meant and ("did you mean %s?"):format(meant) or "take it out, or check the schema"
  )
end

local functions_sql = [[
  select d.name as declared, l.lanname::pg_catalog.text as language,
         case pg_catalog.max(p.provolatile::pg_catalog.text)
           when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility
  from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality as d (name, place)
  join pg_catalog.pg_namespace as n on n.nspname = (pg_catalog.parse_ident(d.name))[1]
  join pg_catalog.pg_proc as p on p.pronamespace = n.oid and p.proname = (pg_catalog.parse_ident(d.name))[2]
  join pg_catalog.pg_language as l on l.oid = p.prolang
  group by d.name, d.place, l.lanname
  order by d.place, l.lanname]]

local foreign_tables_sql = [[
  select d.name as declared, s.srvname::pg_catalog.text as server
  from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality as d (name, place)
  join pg_catalog.pg_foreign_table as f on f.ftrelid = pg_catalog.to_regclass(d.name)
  join pg_catalog.pg_foreign_server as s on s.oid = f.ftserver
  order by d.place]]

local known_sql = {
  functions = [[
    select pg_catalog.format('%I.%I', n.nspname, p.proname) as name
    from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where p.oid >= 16384 limit 10000]],
  foreign_tables = [[
    select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'f' limit 10000]],
}

--- What was found of the names, each at least once; raises for one of which nothing was.
local function found_of(session, names, sql, field, what)
  if #names == 0 then return {} end
  local rows, there = session:read(sql, { n = 1, names }), {}
  for _, row in ipairs(rows) do
    there[row.declared] = true
  end
  for _, name in ipairs(names) do
    if not there[name] then
      local known = {}
      for at, row in ipairs(session:read(known_sql[field])) do
        known[at] = row.name
      end
      missing(what, field, name, known)
    end
  end
  return rows
end

--- What the catalog says of what a runbook declares.
---@param runbook { functions: string[], foreign_tables: string[] }
---@return { functions: table[], foreign_tables: table[] }
function M.declared(session, runbook)
  local made = { functions = setmetatable({}, array), foreign_tables = setmetatable({}, array) }
  for at, row in ipairs(found_of(session, runbook.functions, functions_sql, "functions", "function")) do
    made.functions[at] = { name = row.declared, volatility = row.volatility, language = row.language }
  end
  local foreign = found_of(session, runbook.foreign_tables, foreign_tables_sql, "foreign_tables", "foreign table")
  for at, row in ipairs(foreign) do
    made.foreign_tables[at] = { name = row.declared, server = row.server }
  end
  return made
end

--- What is kept of a plan's reading, in the audit log.
---@return table|nil
function M.recorded(job)
  if not job.reading then return nil end
  return {
    level = job.reading.level,
    user = job.reading.user,
    superuser = job.reading.superuser,
    functions = job.declared.functions,
    foreign_tables = job.declared.foreign_tables,
    evidence = job.evidence,
  }
end

--- Ends a session's transaction and takes what it shows. Raises "in_doubt.evidence" when something was written.
---@return { transactions: integer, transaction_id: boolean, changed_rows: integer, read_only: boolean }
function M.evidence(session)
  session:rest()
  return session:evidence()
end

return M
