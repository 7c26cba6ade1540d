--- The doctor looks at the settings that a session starts with, before opsh sets its own.
local report = require("opsh.native.report")

local M = {}

local names = {
  "default_transaction_read_only",
  "fsync",
  "full_page_writes",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "lock_timeout",
  "session_replication_role",
  "statement_timeout",
  "synchronous_commit",
  "TimeZone",
  "track_counts",
  "transaction_timeout",
}

--- What each had when the session began, and whether the role or the database says so.
local function read(session, facts)
  local list = "'" .. table.concat(names, "', '") .. "'"
  local known = {}
  for _, row in
    ipairs(session:read(
      ([[
    select s.name, s.reset_val as value, o.place
    from pg_catalog.pg_settings as s
    left join lateral (
      select case when r.setrole <> 0 then 'role' else 'database' end as place
      from pg_catalog.pg_db_role_setting as r, pg_catalog.unnest(r.setconfig) as c
      where r.setrole in (0, $1::pg_catalog.oid) and r.setdatabase in (0, $2::pg_catalog.oid)
        and pg_catalog.lower(pg_catalog.split_part(c, '=', 1)) = pg_catalog.lower(s.name)
      order by r.setrole <> 0 desc limit 1) as o on true
    where s.name in (%s)]]):format(list),
      { n = 2, facts.role_oid, facts.database_oid }
    ))
  do
    known[row.name] = row
  end
  return known
end

--- The statement that sets it where it was set.
local function setting(facts, row, value)
  if row.place == "role" then return ("alter role %s set %s = %s"):format(facts.quoted_role, row.name, value) end
  if row.place == "database" then
    return ("alter database %s set %s = %s"):format(facts.quoted_database, row.name, value)
  end
  return ("alter system set %s = %s, then select pg_reload_conf()"):format(row.name, value)
end

local function set_by(row) return row.place and (" (set for this %s)"):format(row.place) or "" end

local function proof(group, facts, known)
  local row = known.track_counts
  if row.value == "on" then
    group:ok("track_counts", "on")
  else
    group:problem(
      "track_counts",
      "off" .. set_by(row) .. ": the server does not count what changes, which the proof of an apply compares with",
      setting(facts, row, "on")
    )
  end
end

local function durability(group, visit, facts, known)
  for _, name in ipairs({ "fsync", "full_page_writes" }) do
    local row = known[name]
    if row.value == "on" then
      group:ok(name, "on")
    elseif visit.is_sandbox then
      group:ok(name, "off, as in every sandbox")
    else
      group:warning(name, "off: a crash of the server can lose or damage what was committed", setting(facts, row, "on"))
    end
  end
  local row = known.synchronous_commit
  if row.value ~= "on" and row.value ~= "remote_apply" then
    group:note(row.name, row.value .. set_by(row), "nothing to do: opsh sets it on for its own sessions")
  else
    group:ok("synchronous_commit", row.value)
  end
end

local function writing(group, facts, known)
  local row = known.default_transaction_read_only
  if row.value == "on" then
    group:problem(
      row.name,
      "on" .. set_by(row) .. ": opsh can plan here, but refuses to apply",
      "whoever set it did so on purpose; when it may go: " .. setting(facts, row, "off")
    )
  else
    group:ok(row.name, "off")
  end
  row = known.session_replication_role
  if row.value == "origin" then
    group:ok(row.name, row.value)
  else
    group:problem(
      row.name,
      row.value
        .. set_by(row)
        .. ": triggers and foreign keys do not run as they do for the application, and opsh refuses to apply",
      setting(facts, row, "origin")
    )
  end
end

local function span(milliseconds)
  local number = tonumber(milliseconds)
  return number == 0 and "no limit" or report.duration(number / 1000)
end

local function limit(seconds) return seconds == 0 and "no limit" or report.duration(seconds) end

local function timeouts(group, visit, facts, known)
  local own = {
    statement_timeout = limit(visit.limits.statement) .. " (--statement-timeout)",
    lock_timeout = limit(visit.limits.lock) .. " (--lock-timeout)",
    idle_in_transaction_session_timeout = "15 min",
  }
  for _, name in ipairs({ "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout" }) do
    group:ok(name, ("%s%s; opsh's sessions have %s"):format(span(known[name].value), set_by(known[name]), own[name]))
  end
  -- Of newer servers, and opsh leaves them as they are.
  for name, meaning in pairs({
    transaction_timeout = "ends a plan or a batch that takes longer",
    idle_session_timeout = "ends a session of opsh that waits longer for another one",
  }) do
    local row = known[name]
    if row and row.value ~= "0" then
      group:warning(name, ("%s%s: %s"):format(span(row.value), set_by(row), meaning), setting(facts, row, "0"))
    end
  end
end

---@param group table of findings
---@param visit table the doctor's visit
function M.look(group, visit, session, facts)
  local known = read(session, facts)
  proof(group, facts, known)
  durability(group, visit, facts, known)
  writing(group, facts, known)
  timeouts(group, visit, facts, known)
  group:ok("time zone", ("%s; opsh's sessions have %s"):format(known.TimeZone.value, visit.time_zone))
end

return M
