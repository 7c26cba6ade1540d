--- Views, made or replaced in the order in which they depend on each other. Whether one is as declared is known by a
--- mark in its comment, which has the hash of the declared query and of what the server made of it: the server's own
--- text of a view is not the author's.
local digest = require("opsh.native.digest")
local json = require("opsh.json")
local sql = require("opsh.native.sql")
local step = require("opsh.schema.step")

local M = {}

-- `former` and what goes with it is what undo puts back.
local not_as_declared = [[
  select w.place, w.name, w.ddl, w.hash,
         case when c.oid is not null then pg_catalog.pg_get_viewdef(c.oid) end as former,
         pg_catalog.array_to_string(c.reloptions, ', ') as former_options,
         pg_catalog.obj_description(c.oid, 'pg_class') as former_comment,
         (select pg_catalog.jsonb_agg(pg_catalog.format('grant %s on %s to %s', a.privilege_type, w.name,
                   case when a.grantee = 0 then 'public' else pg_catalog.quote_ident(r.rolname) end))
          from pg_catalog.aclexplode(c.relacl) as a left join pg_catalog.pg_roles as r on r.oid = a.grantee
          where a.grantee <> c.relowner) as former_grants,
         case when c.oid is null then 'new' else 'replaced' end as note
  from pg_catalog.jsonb_to_recordset(:wanted::pg_catalog.jsonb) as w (place int, name text, ddl text, hash text)
  left join pg_catalog.pg_class as c on c.oid = pg_catalog.to_regclass(w.name)::pg_catalog.oid
  where c.oid is null
     or pg_catalog.strpos(coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), ''),
                          'opsh ' || w.hash || ' ' || pg_catalog.md5(pg_catalog.pg_get_viewdef(c.oid))) = 0]]

local mark = "%s*%(opsh %x+ %x+%)$"

local function comment(tx, name, text)
  tx:ddl(("comment on view %s is %s"):format(name, text and sql.literal(text) or "null"))
end

local function apply(tx, items)
  for _, item in ipairs(items) do
    tx:ddl(item.ddl)
    local made = tx:value(
      "select pg_catalog.md5(pg_catalog.pg_get_viewdef(pg_catalog.to_regclass($1)::pg_catalog.oid))",
      item.name
    )
    local said = not step.is_null(item.former_comment) and item.former_comment:gsub(mark, "") or ""
    comment(tx, item.name, ("%s%s(opsh %s %s)"):format(said, said ~= "" and " " or "", item.hash, made))
  end
end

--- CREATE OR REPLACE cannot take columns away: then the view is dropped, unless somebody's own depends on it, and made
--- again with its grants.
local function put_back(tx, item)
  local with = not step.is_null(item.former_options) and (" with (%s)"):format(item.former_options) or ""
  local ddl = ("create or replace view %s%s as %s"):format(item.name, with, item.former)
  local replaced = tx:try_savepoint(function()
    tx:ddl(ddl)
    return true
  end)
  if not replaced then
    tx:ddl("drop view " .. item.name)
    tx:ddl(ddl)
    for _, grant in ipairs(step.is_null(item.former_grants) and {} or item.former_grants) do
      tx:ddl(grant)
    end
  end
  comment(tx, item.name, not step.is_null(item.former_comment) and item.former_comment or nil)
end

local function undo(tx, items)
  for at = #items, 1, -1 do
    if step.is_null(items[at].former) then
      tx:ddl("drop view " .. items[at].name)
    else
      put_back(tx, items[at])
    end
  end
end

--- Views in the order in which they depend on each other, in one transaction.
---@param given { views: { view: string, query: string }[], name?: string }
---@return table step
function M.views(given)
  step.read(given, "views", { views = { "table", required = true } })
  local wanted = {}
  for at, view in ipairs(given.views) do
    step.read(view, "views: a view", { view = { "string", required = true }, query = { "string", required = true } })
    local name = step.table_name(view.view)
    sql.check_read(view.query)
    local ddl = ("create or replace view %s as\n%s"):format(name, view.query)
    sql.check_define(ddl)
    wanted[at] = { place = at, name = name, ddl = ddl, hash = digest.sha256(view.query):sub(1, 32) }
  end
  if #wanted == 0 then step.misuse("schema.views: views is empty") end
  local text, names = json.encode(wanted), {}
  for at, view in ipairs(wanted) do
    names[at] = view.name
  end
  return step.step(given, {
    name = "views",
    key = { "place", "name" },
    owns = names,
    atomic = true,
    plan = function() return not_as_declared, { wanted = text } end,
    apply = apply,
    undo = undo,
  })
end

return M
