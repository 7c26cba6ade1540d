--- The schema of a database: what each table, view and function is, and whose. Of two databases, what is not the same.
local content = require("opsh.host.test.ladder.content")

local M = {}

local ours = "n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'opsh')"

--- The privileges on something, whether or not somebody has granted any.
local function privileges(acl, kind, owner)
  local all = "(select string_agg(a::text, ' ' order by a::text) from unnest(coalesce(%s, acldefault('%s', %s))) as a)"
  return all:format(acl, kind, owner)
end

local relations = {
  "concat_ws(' ', c.relkind, c.relpersistence, pg_get_userbyid(c.relowner),",
  "c.reloptions, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),",
  "case when c.relrowsecurity then 'row security' end, case when c.relforcerowsecurity then 'forced' end,",
  privileges("c.relacl", "r", "c.relowner") .. ",",
  "obj_description(c.oid, 'pg_class'),",
  "case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end)",
}

-- Parts by kind: name and definition.
local parts = {
  [[select 'schema' as kind, n.nspname::text as name, concat_ws(' ', pg_get_userbyid(n.nspowner), ]]
    .. privileges("n.nspacl", "n", "n.nspowner")
    .. [[) as definition from pg_namespace as n where ]]
    .. ours,
  [[select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
                else 'table' end,
           c.oid::regclass::text, ]]
    .. table.concat(relations, " ")
    .. [[ from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ]]
    .. ours,
  [[select 'column', c.oid::regclass || '.' || a.attname,
           concat_ws(' ', format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
                     'default ' || pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity, ''),
                     nullif(a.attgenerated, ''),
                     (select 'collate ' || l.collname from pg_collation as l where l.oid = a.attcollation),
                     a.attacl::text, col_description(c.oid, a.attnum))
    from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    join pg_namespace as n on n.oid = c.relnamespace
    left join pg_attrdef as d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    where a.attnum > 0 and not a.attisdropped and ]] .. ours,
  [[select 'constraint', coalesce(nullif(o.conrelid, 0)::regclass::text || ' ', '') || o.conname,
           pg_get_constraintdef(o.oid) || case when o.convalidated then '' else ' not valid' end
    from pg_constraint as o join pg_namespace as n on n.oid = o.connamespace where ]] .. ours,
  [[select 'index', i.indexrelid::regclass::text,
           concat_ws(' ', pg_get_indexdef(i.indexrelid), case when not i.indisvalid then 'invalid' end)
    from pg_index as i join pg_class as c on c.oid = i.indexrelid join pg_namespace as n on n.oid = c.relnamespace
    where ]] .. ours,
  [[select 'trigger', t.tgname || ' on ' || c.oid::regclass, t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
    from pg_trigger as t join pg_class as c on c.oid = t.tgrelid join pg_namespace as n on n.oid = c.relnamespace
    where not t.tgisinternal and ]] .. ours,
  [[select 'rule', r.rulename || ' on ' || c.oid::regclass, r.ev_enabled::text || ' ' || pg_get_ruledef(r.oid)
    from pg_rewrite as r join pg_class as c on c.oid = r.ev_class join pg_namespace as n on n.oid = c.relnamespace
    where r.rulename <> '_RETURN' and ]] .. ours,
  [[select 'policy', p.polname || ' on ' || c.oid::regclass,
           concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid),
                     pg_get_expr(p.polwithcheck, p.polrelid))
    from pg_policy as p join pg_class as c on c.oid = p.polrelid join pg_namespace as n on n.oid = c.relnamespace
    where ]] .. ours,
  [[select 'function', f.oid::regprocedure::text,
           concat_ws(' ', case when f.prokind = 'a' then 'aggregate' else pg_get_functiondef(f.oid) end, ]]
    .. privileges("f.proacl", "f", "f.proowner")
    .. [[, obj_description(f.oid, 'pg_proc'))
    from pg_proc as f join pg_namespace as n on n.oid = f.pronamespace
    where not exists (select from pg_depend as e where (e.classid, e.objid) = ('pg_proc'::regclass, f.oid)
                      and e.deptype = 'e') and ]]
    .. ours,
  [[select 'type', t.oid::regtype::text,
           concat_ws(' ', t.typtype, case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
                     case when t.typnotnull then 'not null' end, t.typdefault,
                     (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                      from pg_enum as e where e.enumtypid = t.oid))
    from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
    where t.typtype in ('d', 'e', 'r', 'm') and ]] .. ours,
  [[select 'extension', x.extname::text, x.extversion from pg_extension as x]],
}

local ledger = "select 'schema' as kind, n.nspname::text as name, 'of opsh' as definition from pg_namespace as n "
  .. "where n.nspname = 'opsh'"
local all = table.concat({ ledger, unpack(parts) }, "\n union all ")

local function read(database)
  local found = {}
  for _, row in ipairs(database:query(all)) do
    found[row.kind .. " " .. row.name] = row.definition or ""
  end
  return found
end

--- What is not the same: a list of { name, before, after }, both nil when it is not there.
---@param before table a test's database
---@param after table
---@param with_ledger? boolean whether it matters that opsh has a schema there
function M.differences(before, after, with_ledger)
  local first = content.remembered(before, "definitions", read)
  local second = content.remembered(after, "definitions", read)
  local found = { ["schema opsh"] = not with_ledger }
  for _, definitions in ipairs({ first, second }) do
    for name in pairs(definitions) do
      if first[name] ~= second[name] and not found[name] then
        found[name] = true
        found[#found + 1] = { name = name, before = first[name], after = second[name] }
      end
    end
  end
  table.sort(found, function(one, other) return one.name < other.name end)
  return found
end

return M
