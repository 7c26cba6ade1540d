--- One row and what it hangs together with: the rows that it refers to and that refer to it, what its table demands and
--- does, and the runs of opsh that changed it.
local findings = require("opsh.host.repl.investigate.findings")
local references = require("opsh.host.repl.investigate.references")
local relations = require("opsh.host.repl.investigate.relation")
local redaction = require("opsh.host.runbook.redaction")
local sql = require("opsh.native.sql")
local told = require("opsh.host.repl.investigate.told")

local M = {}

-- Rows beyond which those that refer to it are not counted.
local most = 10000

--- A condition that the columns of `t` have the values of the row; nil when one is NULL.
local function condition(columns, types, texts, own)
  local parts, parameters = {}, {}
  for at, name in ipairs(columns) do
    local value = rawget(texts, own[at])
    if value == nil then return nil end
    parts[at] = ("t.%s = :value_%d::pg_catalog.text::%s"):format(sql.identifier(name), at, types[at])
    parameters["value_" .. at] = value
  end
  return table.concat(parts, " and "), parameters
end

--- How many rows of a table hold, and the first of them.
local function neighbours(bench, from, holds, parameters)
  local query = [[
    with found as (select t.* from %s as t where %s limit %d)
    select (select pg_catalog.count(*) from found) as rows,
           (select pg_catalog.left(pg_catalog.to_jsonb(f)::pg_catalog.text, 200) from found as f limit 1) as first]]
  local found, err = findings.try(bench, query:format(from, holds, most + 1), parameters)
  if not found then return nil, "not looked at: " .. findings.reason(err) end
  return found[1].rows, found[1].first or ""
end

local columns_of_neighbours = { "table", "by", "reference", "rows#", "what", "first" }

local function neighbour(reference, name)
  return {
    table = name,
    by = references.names(reference.from_columns),
    reference = reference.state,
    what = "",
    first = "",
  }
end

local function refers(bench, reference, texts)
  local row = neighbour(reference, reference.to_sql)
  local holds, parameters = condition(reference.to_columns, reference.types, texts, reference.from_columns)
  if not holds then
    row.what = "NULL: refers to nothing"
    return row
  end
  row.rows, row.first = neighbours(bench, reference.to_sql, holds, parameters)
  if row.rows == 0 then row.what = "broken" end
  return row
end

local function referred(bench, reference, texts)
  local row = neighbour(reference, reference.from_sql)
  local holds, parameters = condition(reference.from_columns, reference.types, texts, reference.to_columns)
  if not holds then return nil end
  row.rows, row.first = neighbours(bench, reference.from_sql, holds, parameters)
  if row.rows and row.rows > most then row.rows, row.what = most, "and more" end
  return row
end

local constraints_of = [[
  select c.conname::pg_catalog.text as name, pg_catalog.pg_get_constraintdef(c.oid, true) as definition,
         c.contype::pg_catalog.text as kind, pg_catalog.pg_get_expr(c.conbin, c.conrelid) as expression
  from pg_catalog.pg_constraint as c
  where c.conrelid = :oid::pg_catalog.oid and c.contype in ('c', 'p', 'u', 'x')
  order by c.contype, c.conname]]

-- `amount >= 0`: a row with amount = 0 barely meets it.
local bound = "%(?([%w_]+) ([<>]=) [('(]*(-?%d+%.?%d*)"

--- Whether a CHECK holds for the row, and how narrowly.
local function checked(bench, found, relation, holds, parameters, texts)
  local query = ("select (%s) as holds from %s as t where %s"):format(found.expression, relation.sql, holds)
  local value, err = findings.try(bench, query, parameters)
  if not value then return "not evaluated: " .. findings.reason(err) end
  local truth = value[1].holds
  if truth == nil then return "holds, but only because of a NULL" end
  if not truth then return "violated" end
  for name, _, limit in found.definition:gmatch(bound) do
    if tonumber(rawget(texts, name)) == tonumber(limit) then return "holds, at its limit" end
  end
  return "holds"
end

local function constraints(bench, relation, holds, parameters, texts)
  local list = {}
  for at, found in ipairs(findings.read(bench, constraints_of, { oid = relation.oid })) do
    list[at] = {
      constraint = found.name,
      state = found.kind == "c" and checked(bench, found, relation, holds, parameters, texts) or "",
      definition = found.definition,
    }
  end
  return findings.rows({ "constraint", "state", "definition" }, list)
end

local triggers_of = [[
  select g.tgname::pg_catalog.text as trigger,
         case g.tgenabled when 'D' then 'disabled' when 'R' then 'only on a replica' when 'A' then 'always'
                          else 'enabled' end as state,
         pg_catalog.pg_get_triggerdef(g.oid, true) as definition
  from pg_catalog.pg_trigger as g where g.tgrelid = :oid::pg_catalog.oid and not g.tgisinternal order by 1]]

-- An element of `keys` is the key of a row as an array's text: that is compared before anything is taken apart.
local changes_of = [[
  select j.run, r.title as runbook, pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SS') as started, j.operation,
         c.name as "column", c.old, c.new
  from opsh.journal as j
  join opsh.run as r on r.id = j.run
  cross join lateral (
    select pg_catalog.array_agg(v.value order by k.place)::pg_catalog.text as key
    from pg_catalog.unnest(j.key_names) with ordinality as k (name, place)
    left join rows from (pg_catalog.unnest(:names::pg_catalog.text[]), pg_catalog.unnest(:texts::pg_catalog.text[]))
      as v (name, value) on v.name = k.name) as w
  cross join lateral rows from (pg_catalog.unnest(j.keys), pg_catalog.unnest(j.old), pg_catalog.unnest(j.new))
    as i (key, old, new)
  left join lateral rows from (pg_catalog.unnest(j.names), pg_catalog.unnest(i.old::pg_catalog.text[]),
                               pg_catalog.unnest(case when j.operation <> 'insert' then i.new::pg_catalog.text[] end))
    as c (name, old, new) on j.operation <> 'insert'
  where j.leaf = :leaf::pg_catalog.oid and w.key = any (j.keys) and i.key = w.key
  order by r.started_at, j.run, j.step, j.batch, j.part, c.name]]

local columns_of_changes = { "run", "runbook", "started", "operation", "column", "old", "new" }

--- The runs that changed it, oldest first, with what stood there before and after; values that a runbook hides are
--- masked.
local function changes(bench, relation, texts)
  local function none(why) return findings.rows(columns_of_changes, {}), why end
  -- A reader login may not be let into the schema opsh.
  local there, refused = findings.try(bench, "select pg_catalog.to_regclass('opsh.journal') is not null as there")
  if not there then return none("not read: " .. findings.reason(refused)) end
  if not there[1].there then return none("opsh has run nothing in this database") end
  local names, values = {}, {}
  for _, column in ipairs(relation.columns) do
    local value = rawget(texts, column.name)
    if value ~= nil then
      names[#names + 1], values[#values + 1] = column.name, value
    end
  end
  local parameters = { leaf = texts[relations.leaf], names = names, texts = values }
  local found, err = findings.try(bench, changes_of, parameters)
  if not found then return none("not read: " .. findings.reason(err)) end
  local hidden = {}
  for _, row in ipairs(found) do
    hidden[row.run] = hidden[row.run] or redaction.of_run(bench.session:reader(), row.run)
    if hidden[row.run][row.column or ""] then
      rawset(row, "old", redaction.mask(row.old))
      rawset(row, "new", redaction.mask(row.new))
    end
  end
  return found, "none"
end

--- The row of a table that a row of a view is: its table, the columns of its key, and their texts.
local function behind(bench, view, texts)
  local definition = "select pg_catalog.pg_get_viewdef(:oid::pg_catalog.oid) as sql"
  local relation, key = told.of_query(bench, findings.read(bench, definition, { oid = view.oid })[1].sql)
  if not relation then return nil end
  local values = {}
  for at, name in ipairs(key) do
    values[at] = rawget(texts, name)
  end
  return #values == #key and relation or nil, key, values
end

--- A row of a view: that of the table that it comes from, where the view tells it.
local function of_view(bench, view, row, texts)
  local shown = ("%s, a view\n%s"):format(bench.out.strong(view.sql), bench.display:lists(row, bench.display:width()))
  local relation, key, values = behind(bench, view, texts)
  if not relation then
    local next_step = "the view does not tell which table's row it is: \\sv shows it, \\why TABLE KEY goes on"
    return { row = row }, ("%s\n%s\n"):format(shown, next_step)
  end
  local made, text = M.of(bench, relation, key, values)
  made.view = row
  return made, shown .. "\nwhich is the row of\n" .. text
end

--- What a row hangs together with.
---@param relation table of relation.lua
---@param names string[] columns that say which row
---@param values string[] their texts
---@return table { row, refers, referred, constraints, triggers, changes }: rows each
---@return string text
function M.of(bench, relation, names, values)
  local row, texts = relations.row(bench, relation, names, values)
  if relation.kind == "v" then return of_view(bench, relation, row, texts) end
  local holds, parameters = relations.has(relation, "t", names, values)
  local out_of, into = {}, {}
  for _, reference in ipairs(references.of(bench, relation.oid)) do
    if reference.from_oid == relation.oid then out_of[#out_of + 1] = refers(bench, reference, texts) end
    if reference.to_oid == relation.oid then into[#into + 1] = referred(bench, reference, texts) end
  end
  local made = {
    row = row,
    refers = findings.rows(columns_of_neighbours, out_of),
    referred = findings.rows(columns_of_neighbours, into),
    constraints = constraints(bench, relation, holds, parameters, texts),
    triggers = findings.read(bench, triggers_of, { oid = relation.oid }),
  }
  local no_changes
  made.changes, no_changes = changes(bench, relation, texts)
  local shown = {
    ("%s\n%s"):format(bench.out.strong(relation.sql), bench.display:lists(row, bench.display:width())),
    findings.section(bench, "refers to", made.refers, "nothing"),
    findings.section(bench, "is referred to by", made.referred, "nothing"),
    findings.section(bench, "constraints", made.constraints),
    findings.section(bench, "triggers", made.triggers),
    findings.section(bench, "changed by opsh", made.changes, no_changes),
  }
  return made, table.concat(shown)
end

return M
