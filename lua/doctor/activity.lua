--- The doctor looks at what goes on in the server: connections, open transactions, replication, size.
local counted = require("opsh.host.counted")
local report = require("opsh.native.report")

local M = {}

local few_connections = 5
local much_wal = 1024 * 1024 * 1024
local shown = 3

local function listed(rows, text_of)
  local parts = {}
  for at = 1, math.min(#rows, shown) do
    parts[at] = text_of(rows[at])
  end
  if #rows > shown then parts[#parts + 1] = ("and %s more"):format(report.number(#rows - shown)) end
  return table.concat(parts, "; ")
end

local function connections(group, session, facts)
  local row = session:read(
    [[
    select pg_catalog.current_setting('max_connections')::pg_catalog.int4 as most,
           pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4
           + coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::pg_catalog.int4 as reserved,
           pg_catalog.count(*) as used,
           pg_catalog.count(*) filter (where a.datid = $1::pg_catalog.oid) as used_here,
           pg_catalog.count(*) filter (where a.usesysid = $2::pg_catalog.oid) as used_by_role
    from pg_catalog.pg_stat_activity as a where a.backend_type = 'client backend']],
    {
      n = 2,
      facts.database_oid,
      facts.role_oid,
    }
  )[1]
  local free = row.most - row.used - (facts.superuser and 0 or row.reserved)
  if facts.database_limit >= 0 then free = math.min(free, facts.database_limit - row.used_here) end
  if facts.role_limit >= 0 then free = math.min(free, facts.role_limit - row.used_by_role) end
  free = math.max(free, 0)
  local found = ("%d of %d are free for this role; opsh uses up to 3"):format(free, row.most)
  if free < few_connections then
    group:warning("connections", found, "end idle sessions, or raise max_connections or the role's or database's limit")
  else
    group:ok("connections", found)
  end
end

local function event_triggers(group, session)
  local rows = session:read([[
    select e.evtname::pg_catalog.text as name, e.evtevent::pg_catalog.text as event
    from pg_catalog.pg_event_trigger as e where e.evtenabled <> 'D' order by e.evtname]])
  if #rows == 0 then
    group:ok("event triggers", "none")
    return
  end
  group:note(
    "event triggers",
    listed(rows, function(row) return ("%s (%s)"):format(row.name, row.event) end),
    "they run when the first apply creates the schema opsh; a DBA can create it before with what opsh schema prints"
  )
end

local function session_text(row)
  return ("pid %d %s, %s for %s"):format(row.pid, row.role or "?", row.state or "?", report.duration(row.seconds))
end

local function open_transactions(group, visit, session, facts)
  local rows = session:read(
    [[
    select a.pid, a.usename::pg_catalog.text as role, a.state,
           extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8 as seconds
    from pg_catalog.pg_stat_activity as a
    where a.datid = $1::pg_catalog.oid and a.pid <> pg_catalog.pg_backend_pid() and a.backend_type = 'client backend'
      and a.xact_start < pg_catalog.clock_timestamp() - $2::pg_catalog.float8 * interval '1 second'
    order by a.xact_start]],
    { n = 2, facts.database_oid, visit.older_than }
  )
  local idle, active = {}, {}
  for _, row in ipairs(rows) do
    local list = row.state and row.state:find("^idle in transaction") and idle or active
    list[#list + 1] = row
  end
  local limit = report.duration(visit.older_than)
  if #idle > 0 then
    group:warning(
      "idle in transaction",
      listed(idle, session_text) .. ": they keep their locks and hold back vacuum",
      ("find out whose they are, then select pg_terminate_backend(%d)"):format(idle[1].pid)
    )
  end
  if #active > 0 then
    group:warning(
      "long transactions",
      listed(active, session_text) .. ": an apply may wait for their locks",
      ("look at them: select query from pg_stat_activity where pid = %d"):format(active[1].pid)
    )
  end
  local sees_all = session:read([[
    select pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage') as granted]])[1].granted
  if not sees_all and not facts.superuser then
    group:note(
      "open transactions",
      "those of other roles cannot be seen",
      ("grant pg_read_all_stats to %s"):format(facts.quoted_role)
    )
  elseif #rows == 0 then
    group:ok("open transactions", ("none is older than %s"):format(limit))
  end
end

local function prepared(group, visit, session)
  local rows = session:read([[
    select p.gid, pg_catalog.quote_literal(p.gid) as quoted,
           extract(epoch from pg_catalog.clock_timestamp() - p.prepared)::pg_catalog.float8 as seconds
    from pg_catalog.pg_prepared_xacts as p where p.database = pg_catalog.current_database() order by p.prepared]])
  if #rows == 0 then
    group:ok("prepared transactions", "none")
    return
  end
  local found = listed(rows, function(row) return ("%s, since %s"):format(row.gid, report.duration(row.seconds)) end)
    .. ": they keep their locks until somebody ends them"
  local advice = ("who prepared it ends it: commit prepared %s, or rollback prepared"):format(rows[1].quoted)
  if rows[1].seconds > visit.older_than then
    group:warning("prepared transactions", found, advice)
  else
    group:note("prepared transactions", found, advice)
  end
end

local function slots(group, session)
  local rows = session:read([[
    select s.slot_name::pg_catalog.text as name, s.active, coalesce(s.wal_status, '') as status,
           pg_catalog.pg_wal_lsn_diff(case when pg_catalog.pg_is_in_recovery()
                                           then pg_catalog.pg_last_wal_replay_lsn()
                                           else pg_catalog.pg_current_wal_lsn() end, s.restart_lsn)
             ::pg_catalog.float8 as behind
    from pg_catalog.pg_replication_slots as s order by 4 desc nulls last]])
  local late = {}
  for _, row in ipairs(rows) do
    if (row.behind or 0) > much_wal or row.status == "lost" or row.status == "unreserved" then late[#late + 1] = row end
  end
  if #late == 0 then
    group:ok("replication slots", #rows == 0 and "none" or counted(#rows, "slot") .. ", none far behind")
    return
  end
  group:warning(
    "replication slots",
    listed(late, function(row)
      local state = row.active and "" or ", not connected"
      return ("%s is %s behind%s"):format(row.name, report.bytes(math.max(row.behind or 0, 0)), state)
    end) .. ": the WAL of a large apply stays on the server's disk until they have read it",
    "let them catch up first, or drop those that nobody uses: select pg_drop_replication_slot(...)"
  )
end

---@param group table of findings
---@param visit table the doctor's visit
function M.look(group, visit, session, facts)
  local function try(name, check)
    group:try(name, session, function() check(group, visit, session, facts) end)
  end
  try("connections", function() connections(group, session, facts) end)
  try("event triggers", function() event_triggers(group, session) end)
  try("open transactions", open_transactions)
  try("prepared transactions", prepared)
  try("replication slots", function() slots(group, session) end)
  try("size", function()
    local row = session:read("select pg_catalog.pg_database_size(pg_catalog.current_database()) as bytes")[1]
    group:ok("size", ("%s in database %s"):format(report.bytes(row.bytes), facts.database))
  end)
end

return M
