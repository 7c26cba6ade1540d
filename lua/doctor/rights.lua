--- The doctor looks at what the logins may do: the writer with the ledger, the reader with nothing.
local counted = require("opsh.host.counted")
local jobs = require("opsh.host.runbook.job")
local native = require("opsh.native.doctor")

local M = {}

-- What the ledger does with each of its tables.
local needed = {
  version = { "select" },
  run = { "select", "insert", "update" },
  step = { "select", "insert", "update" },
  batch = { "select", "insert" },
  left_out = { "select", "insert" },
}

local function absent_ledger(group, session, facts)
  if
    session:read("select pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as may")[1].may
  then
    group:ok("ledger", "not there yet; the first apply creates the schema opsh")
    return
  end
  group:problem(
    "ledger",
    ("the schema opsh is not there, and %s may not create it"):format(facts.role),
    ("grant create on database %s to %s, or let a DBA run what opsh schema prints"):format(
      facts.quoted_database,
      facts.quoted_role
    )
  )
end

--- What is missing for the ledger: "no insert on opsh.run". Asked of the catalog, which needs no right on the schema.
local function missing_rights(session)
  local missing, usage = {}, session:read("select pg_catalog.has_schema_privilege('opsh', 'usage') as may")[1].may
  if not usage then missing[1] = "usage on schema opsh" end
  local there = {}
  for _, row in
    ipairs(session:read([[
    select c.relname::pg_catalog.text as name, pg_catalog.has_table_privilege(c.oid, 'select') as "select",
           pg_catalog.has_table_privilege(c.oid, 'insert') as "insert",
           pg_catalog.has_table_privilege(c.oid, 'update') as "update"
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'opsh' and c.relkind = 'r' order by c.relname]]))
  do
    there[row.name] = true
    local lacking = {}
    for _, privilege in ipairs(needed[row.name] or {}) do
      if not row[privilege] then lacking[#lacking + 1] = privilege end
    end
    if #lacking > 0 then missing[#missing + 1] = ("%s on opsh.%s"):format(table.concat(lacking, ", "), row.name) end
  end
  return missing, there
end

local function ledger(group, session, facts)
  local there = session:read("select exists (select from pg_catalog.pg_namespace where nspname = 'opsh') as there")
  if not there[1].there then return absent_ledger(group, session, facts) end
  local missing, tables = missing_rights(session)
  if not tables.version then
    group:problem(
      "ledger",
      "there is a schema opsh, but it is not the ledger: it has no table version",
      "rename that schema; opsh needs the name for its own"
    )
    return
  end
  if #missing > 0 then
    group:problem(
      "ledger",
      ("%s has no %s"):format(facts.role, table.concat(missing, "; no ")),
      ("grant %s to %s"):format(missing[1], facts.quoted_role)
    )
    return
  end
  local installed = session:read("select pg_catalog.max(v.version) as version from opsh.version as v")[1].version
  local own = native.ledger_version()
  if installed == own then
    group:ok("ledger", ("schema opsh, version %d; %s may write to it"):format(installed, facts.role))
  else
    group:problem(
      "ledger",
      ("the schema opsh has version %s, this opsh knows %d"):format(tostring(installed), own),
      "use the opsh that wrote it, or a newer one"
    )
  end
end

-- Every plan asks which database this is, so that a resume never goes on in another one.
local function identity(group, session, facts)
  local row = session:read([[
    select pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may]])[1]
  if not row.may then
    group:problem(
      "identity",
      ("%s may not call pg_control_system(), by which opsh knows the database"):format(facts.role),
      ("grant execute on function pg_control_system() to %s"):format(facts.quoted_role)
    )
  else
    jobs.identify(session)
    group:ok("identity", "the database can be told from every other")
  end
end

local function writable(session)
  return session:read([[
    select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, pg_catalog.count(*) over () as total
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and (pg_catalog.has_table_privilege(c.oid, 'insert, update, delete, truncate')
           or pg_catalog.has_any_column_privilege(c.oid, 'insert, update'))
    order by c.relpages desc, 1 limit 3]])
end

--- Whether the login that plans may write: then only opsh's own guards keep a plan from writing.
local function reader_writes(group, session, facts)
  if facts.superuser then
    group:warning(
      "reader",
      facts.role .. " is a superuser and may write everything",
      "give the target a reader that may only SELECT"
    )
    return
  end
  local found = writable(session)
  if #found == 0 then
    group:ok("reader", facts.role .. " may write no table")
    return
  end
  local names = {}
  for at, row in ipairs(found) do
    names[at] = row.name
  end
  local more = found[1].total > #found and ", ..." or ""
  group:warning(
    "reader",
    ("%s may write %s: %s%s"):format(facts.role, counted(found[1].total, "table"), table.concat(names, ", "), more),
    ("revoke insert, update, delete, truncate on these tables from %s, if it does not own them"):format(
      facts.quoted_role
    )
  )
end

--- What the login may do that plans.
function M.look_reader(group, session, facts, writer)
  if writer and writer.role == facts.role then
    group:note(
      "reader",
      ("the same login as connect, %s: its rights do not keep a plan from writing"):format(facts.role),
      "create a role that may only SELECT, and name it as reader in opsh.config.lua"
    )
    return
  end
  if writer and (writer.database ~= facts.database or writer.database_oid ~= facts.database_oid) then
    group:problem(
      "reader",
      ("leads to database %s, connect to %s: an apply is refused"):format(facts.database, writer.database),
      "let both lead to the same database"
    )
  end
  group:try("identity", session, function() identity(group, session, facts) end)
  group:try("reader", session, function() reader_writes(group, session, facts) end)
end

--- What the login may do that applies.
---@param has_reader boolean another login plans
function M.look_writer(group, visit, session, facts, has_reader)
  group:ok("connect", ("%s may connect to %s"):format(facts.role, facts.database))
  group:try("identity", session, function() identity(group, session, facts) end)
  if facts.standby then
    group:note("ledger", "not looked at: nothing can be applied on a standby", "connect to the primary")
  else
    group:try("ledger", session, function() ledger(group, session, facts) end)
  end
  if has_reader or visit.is_sandbox then return end
  local name = visit.place.target.name
  group:note(
    "reader",
    "none: plans use the login that applies",
    name and ("name one under targets.%s in opsh.config.lua, with SELECT only"):format(name)
      or "a target in opsh.config.lua can have one, with SELECT only"
  )
end

return M
