--- Schema steps, as a runbook declares them: their items are what is missing, their batches define it, and change no
--- rows. They have no journal; `undo` is their way back.
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local native_sql = require("opsh.native.sql")
local params = require("opsh.host.runbook.params")

local M = {}

-- What only they may say, and what they may not.
local own_fields = { "autocommit", "loses_data", "owns", "undo" }
local others = { "max_failures", "on_failure", "recheck" }

--- What `apply` is where a step leaves it out: each item's column `ddl`, which a plan shows in full.
function M.apply_ddl(tx, items)
  for _, item in ipairs(items) do
    tx:ddl(item.ddl)
  end
end

local function check_fields(checker, step, what)
  for _, name in ipairs(others) do
    if step[name] ~= nil then
      checker:fail(name, ("%s: %s is about rows, and this is a schema step"):format(what, name), "leave it out")
    end
  end
  if step.autocommit and (step.atomic or step.batch) then
    checker:fail(
      "autocommit",
      ("%s: with autocommit each item is one statement, outside a transaction"):format(what),
      "leave out atomic and batch"
    )
  end
  if step.loses_data and not step.loses_data:find("%S") then
    checker:fail("loses_data", ("%s: loses_data is empty"):format(what), "it says why losing the data is right")
  end
end

local function relations(checker, list, field, what)
  local made = {}
  for at, name in ipairs(checker:names(list and list[1] and list, field, what)) do
    made[at] = checker:sql(name, field, what, native_sql.qualified)
  end
  return made
end

--- The tables that a schema step declares; views, types and functions need none.
local function writes_of(checker, step, what)
  local made = {}
  for at, name in ipairs(relations(checker, step.writes, "writes", what)) do
    made[at] = { name = name, row_security = false }
  end
  return made
end

--- Refuses to change what belongs to somebody else, before anything is done: the server would, half-way.
---@param session userdata of the login that applies
function M.require_owner(step, session)
  local found = session:read(
    [[
    select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, current_user::pg_catalog.text as login,
           pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text as owner
    from pg_catalog.jsonb_array_elements_text($1::pg_catalog.jsonb) with ordinality as o (name, place)
    join pg_catalog.pg_class as c on c.oid = pg_catalog.to_regclass(o.name)::pg_catalog.oid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where not pg_catalog.pg_has_role(c.relowner, 'usage')
    order by o.place limit 1]],
    { n = 1, json.encode(step.owns) }
  )[1]
  if not found then return end
  errors.raise(
    "refused.owner",
    ("step %s: %s belongs to %s, and %s may not change or replace it"):format(
      step.name,
      found.name,
      found.owner,
      found.login
    ),
    ("apply as %s%s"):format(
      found.owner,
      step.when and (", or leave out what --%s brings in"):format(params.option_name(step.when)) or ""
    )
  )
end

--- Checks what concerns schema steps, of this one or another.
---@param checker table of declaration.lua
---@param step table as declared
---@param what string names the step in messages
---@param made table what becomes of it
function M.check(checker, step, what, made)
  if not step.schema then
    for _, name in ipairs(own_fields) do
      if step[name] ~= nil then
        checker:fail(name, ("%s: %s is for schema steps"):format(what, name), "say schema = true, or leave it out")
      end
    end
    for _, name in ipairs({ "apply", "writes" }) do
      if step[name] == nil then
        checker:fail(nil, ("%s has no %s"):format(what, name), checker.reasons[name])
      end
    end
    return
  end
  check_fields(checker, step, what)
  made.apply = step.apply or M.apply_ddl
  made.writes = writes_of(checker, step, what)
  made.owns = relations(checker, step.owns, "owns", what)
  made.journaled = false
  -- Locks on several tables are not held together unless the step wants it: what waits for one would wait for all.
  if not step.atomic then made.batch = step.batch or 1 end
  local tables = {}
  for at, written in ipairs(made.writes) do
    tables[at] = written.name
  end
  made.defines = { tables = tables, loses_data = step.loses_data ~= nil, proved = step.journal ~= false }
end

return M
