--- The doctor looks at a table that a runbook writes, through the login that applies.
local errors = require("opsh.host.errors")
local foreign_keys = require("opsh.host.foreign_keys")
local host = require("opsh.native.host")
local native_journal = require("opsh.native.journal")
local report = require("opsh.native.report")

local M = {}

local kinds = {
  r = "table",
  p = "partitioned table",
  v = "view",
  m = "materialized view",
  f = "foreign table",
  S = "sequence",
  i = "index",
}

local actions = { c = "on delete cascade", n = "on delete set null", d = "on delete set default" }
local update_actions = { c = "on update cascade", n = "on update set null", d = "on update set default" }

local function relation(session, name)
  return session:read(
    [[
    select c.oid::pg_catalog.text as oid, n.nspname::pg_catalog.text as schema, c.relkind::pg_catalog.text as kind,
           c.relispartition as is_partition, c.relrowsecurity as has_policies, c.relhasrules as has_rules,
           pg_catalog.row_security_active(c.oid) as policies_apply,
           (select pg_catalog.sum(greatest(t.reltuples, 0))::pg_catalog.float8 from pg_catalog.pg_class as t
            where t.oid = c.oid
               or t.oid in (select p.relid from pg_catalog.pg_partition_tree(c.oid) as p where p.isleaf))
             as rows,
           (select pg_catalog.count(*) from pg_catalog.pg_partition_tree(c.oid) as p where p.isleaf) as leaves,
           c.reltuples >= 0 as is_analyzed,
           coalesce((select pg_catalog.sum(pg_catalog.pg_total_relation_size(p.relid))
                     from pg_catalog.pg_partition_tree(c.oid) as p), pg_catalog.pg_total_relation_size(c.oid))
             ::pg_catalog.float8 as bytes,
           pg_catalog.has_table_privilege(c.oid, 'select') or pg_catalog.has_any_column_privilege(c.oid, 'select')
             as "select",
           pg_catalog.has_table_privilege(c.oid, 'insert') or pg_catalog.has_any_column_privilege(c.oid, 'insert')
             as "insert",
           pg_catalog.has_table_privilege(c.oid, 'update') or pg_catalog.has_any_column_privilege(c.oid, 'update')
             as "update",
           pg_catalog.has_table_privilege(c.oid, 'delete') as "delete",
           exists (select from pg_catalog.pg_index as i where i.indrelid = c.oid and i.indisprimary) as has_primary_key
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = pg_catalog.to_regclass($1)]],
    { n = 1, name }
  )[1]
end

local function described(row)
  local what = kinds[row.kind] or "relation"
  if row.kind == "p" then what = ("%s with %s"):format(what, report.number(row.leaves) .. " partitions") end
  if row.is_partition then what = what .. ", itself a partition" end
  if row.kind == "v" or row.kind == "f" then return what end
  local rows = row.is_analyzed and ("about %s rows"):format(report.number(row.rows)) or "never analyzed"
  return ("%s, %s, %s"):format(what, rows, report.bytes(row.bytes))
end

local function privileges(group, name, row, facts)
  local may, may_not = {}, {}
  for _, privilege in ipairs({ "select", "insert", "update", "delete" }) do
    local list = row[privilege] and may or may_not
    list[#list + 1] = privilege
  end
  local found = described(row)
  local grant = ("grant %s on %s to %s"):format(table.concat(may_not, ", "), name, facts.quoted_role)
  if #may_not == 0 then
    group:ok(name, ("%s; %s may read and write it"):format(found, facts.role))
  elseif not (row.insert or row.update or row.delete) then
    group:problem(name, ("%s; %s may not write it"):format(found, facts.role), grant)
  else
    group:note(
      name,
      ("%s; %s may %s, not %s"):format(found, facts.role, table.concat(may, ", "), errors.either(may_not)),
      "enough unless apply does that too; then: " .. grant
    )
  end
end

--- Whether the journal can be kept of the table; what hinders it is a problem, since a plan is refused for it.
local function can_be_journaled(group, written, session)
  session:savepoint()
  local ok, err = host.protect(native_journal.examine, session, { written })
  session:rollback_to_savepoint()
  if ok then return true end
  if err.kind ~= "refused.journal" then error(err, 0) end
  group:problem(written.name, err.message, err.hint)
  return false
end

local function shape(group, written, facts)
  local name, row = written.name, written.row
  if row.kind == "m" or row.kind == "S" or row.kind == "i" then
    group:problem(name, "a " .. kinds[row.kind] .. ": it cannot be written", "name the table behind it in writes")
    return
  end
  if row.kind == "v" then
    group:note(name, "a view: the tables behind it change as well", "name those in writes, too")
  elseif row.kind == "f" then
    group:warning(
      name,
      "a foreign table: its server commits by itself, so a batch may be there without its ledger row",
      "write to it from a runbook on that server"
    )
  elseif not written.journaled and not row.has_primary_key then
    group:note(
      name,
      "has no primary key: equal rows cannot be told apart",
      "identify rows by a unique key in apply, or add one"
    )
  end
  if row.has_policies and row.policies_apply then
    group:warning(
      name,
      ("row-level security is active: %s changes only what its policies show, without an error"):format(facts.role),
      "apply as a role with bypassrls, or compare the counts in verify"
    )
  end
  if row.has_rules and row.kind ~= "v" then
    group:warning(name, "has rules, which rewrite statements", "look at them: psql -c '\\d " .. name .. "'")
  end
end

local function triggers(group, name, row, session)
  local found = session:read(
    [[
    select t.tgname::pg_catalog.text as name from pg_catalog.pg_trigger as t
    where t.tgrelid = $1::pg_catalog.oid and not t.tgisinternal and t.tgenabled <> 'D' order by t.tgname]],
    { n = 1, row.oid }
  )
  if #found == 0 then return end
  local names = {}
  for at, trigger in ipairs(found) do
    names[at] = trigger.name
  end
  group:note(
    name,
    (#found == 1 and "its trigger runs: " or "its triggers run: ") .. table.concat(names, ", "),
    "name the tables that they change in writes"
  )
end

--- Foreign keys that point to the table. One whose action changes a table that no step declares is a warning.
local function references(group, name, row, session, declared)
  for _, key in ipairs(foreign_keys.to(session, { row.oid })) do
    local does = {}
    does[#does + 1] = actions[key.on_delete]
    does[#does + 1] = update_actions[key.on_update]
    local found = ("%s refers to it (%s)"):format(key.table, key.name)
    if #does == 0 then
      group:note(name, found, "a row that is referred to can neither be deleted nor get another key")
    elseif declared[key.oid] then
      group:note(name, ("%s, %s"):format(found, table.concat(does, ", ")), "nothing to do: writes names that table")
    else
      group:warning(
        name,
        ("%s, %s, and writes does not name that table"):format(found, table.concat(does, ", ")),
        ("add %s to writes, or let apply keep off rows that it refers to"):format(key.table)
      )
    end
    if not key.is_indexed and key.is_large then
      group:note(
        name,
        ("no index serves %s: each row that is deleted makes the server read all of %s"):format(key.name, key.table),
        "if apply deletes rows: " .. key.index_ddl
      )
    end
  end
end

--- The relation of this name, or nothing: then the finding is made.
---@param group table of findings
function M.find(group, session, name, step)
  local row = relation(session, name)
  if row and row.schema ~= "opsh" then return row end
  if row then
    group:problem(name, "a table of opsh's own ledger: an apply is refused", "take it out of writes")
  elseif step.schema then
    group:note(name, "not there yet", "nothing to do when this schema step makes it")
  elseif step.after then
    group:note(name, "not there yet", ("nothing to do when step %s makes it"):format(step.after))
  else
    group:problem(
      name,
      ("there is no such table, which step %s declares in writes"):format(step.name),
      "check the name and the search_path of the role"
    )
  end
  return nil
end

---@param group table of findings
---@param written table { name, row, journaled, row_security }
---@param declared table<string, boolean> oids of all tables that the runbook writes
function M.look(group, session, written, facts, declared)
  local name, row = written.name, written.row
  privileges(group, name, row, facts)
  if not written.journaled or can_be_journaled(group, written, session) then shape(group, written, facts) end
  triggers(group, name, row, session)
  references(group, name, row, session, declared)
end

--- Whether the key's columns are columns of the table, and which unique index covers them.
---@param key string[]
---@return boolean has_columns, string|nil index
function M.unique_index(session, row, key)
  local found = session:read(
    [[
    select (select pg_catalog.count(*) from pg_catalog.pg_attribute as a
            where a.attrelid = $1::pg_catalog.oid and a.attnum > 0 and not a.attisdropped
              and a.attname::pg_catalog.text = any (k.names)) as columns,
           (select x.relname::pg_catalog.text
            from pg_catalog.pg_index as i join pg_catalog.pg_class as x on x.oid = i.indexrelid
            where i.indrelid = $1::pg_catalog.oid and i.indisunique and i.indisvalid and i.indpred is null
              and i.indexprs is null
              and (select pg_catalog.array_agg(a.attname::pg_catalog.text) from pg_catalog.pg_attribute as a
                   join pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality as p(attnum, place)
                     on p.attnum = a.attnum and p.place <= i.indnkeyatts
                   where a.attrelid = i.indrelid) <@ k.names
            order by i.indisprimary desc, x.relname limit 1) as index
    from (select pg_catalog.string_to_array($2, pg_catalog.chr(31)) as names) as k]],
    { n = 2, row.oid, table.concat(key, "\31") }
  )[1]
  return found.columns == #key, found.index
end

return M
