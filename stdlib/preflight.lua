--- Whether the surroundings are as a runbook needs them. For `preconditions`: each function adds checks, reads only,
--- and says in the check's message what is wrong and what to do.
---
---     preconditions = function(check, ctx)
---       preflight.server_version(check, ctx, { at_least = "15" })
---       preflight.schema(check, ctx, { users = { id = "bigint", email = "text" } })
---     end
local doctor = require("opsh.native.doctor")
local host = require("opsh.native.host")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

-- A precondition that raises is shown by its message alone.
local function misuse(message, hint)
  host.raise("script.preflight", hint and ("%s: %s"):format(message, hint) or message)
end

--- Only these keys, so that a misspelt one is not an expectation that nobody holds.
local function known(given, what, keys)
  if type(given) ~= "table" then misuse(("preflight.%s wants a table"):format(what)) end
  for key in pairs(given) do
    local found = false
    for _, name in ipairs(keys) do
      found = found or name == key
    end
    local meant = not found and text.nearest(tostring(key), keys)
    if not found then
      misuse(
        ("preflight.%s knows no %s"):format(what, tostring(key)),
        meant and ("did you mean %s?"):format(meant) or "it knows " .. table.concat(keys, ", ")
      )
    end
  end
  return given
end

local function whole_parts(version)
  local parts = {}
  for digits in tostring(version):gmatch("%d+") do
    parts[#parts + 1] = tonumber(digits)
  end
  return parts
end

local function earlier(a, b)
  local left, right = whole_parts(a), whole_parts(b)
  for at = 1, math.max(#left, #right) do
    local x, y = left[at] or 0, right[at] or 0
    if x ~= y then return x < y end
  end
  return false
end

--- The server's version.
---@param check table
---@param ctx table
---@param wanted { at_least?: string|number, below?: string|number } "15", "15.4", 17
function M.server_version(check, ctx, wanted)
  known(wanted, "server_version", { "at_least", "below" })
  local found = ctx:value("select split_part(current_setting('server_version'), ' ', 1)")
  if wanted.at_least then
    check:that(
      ("the server is PostgreSQL %s or later"):format(wanted.at_least),
      not earlier(found, wanted.at_least),
      ("it is %s"):format(found)
    )
  end
  if wanted.below then
    check:that(
      ("the server is older than PostgreSQL %s"):format(wanted.below),
      earlier(found, wanted.below),
      ("it is %s"):format(found)
    )
  end
end

--- Environment variables are set. Their values are hidden in all that opsh writes from here on.
---@param check table
---@param names string[]
function M.environment(check, names)
  for _, name in ipairs(names) do
    local value = system.environment(name)
    if value and value ~= "" then secrets.hide(value) end
    check:that(
      ("the environment has %s"):format(name),
      value ~= nil and value ~= "",
      value and value ~= "" and ("%s, %d characters"):format("***", #value)
        or ("set %s for opsh's process before the apply"):format(name)
    )
  end
end

local units = { B = 1, kB = 1e3, MB = 1e6, GB = 1e9, TB = 1e12, KiB = 2 ^ 10, MiB = 2 ^ 20, GiB = 2 ^ 30, TiB = 2 ^ 40 }

local function bytes_of(amount)
  if type(amount) == "number" then return amount end
  local number, unit = tostring(amount):match("^%s*([%d.]+)%s*(%a+)%s*$")
  if not (tonumber(number) and units[unit]) then
    misuse(("%q is no amount of space"):format(tostring(amount)), 'write it as "500 MB" or "20 GiB"')
  end
  return tonumber(number) * units[unit]
end

local function shown_bytes(bytes)
  for _, unit in ipairs({ "TB", "GB", "MB", "kB" }) do
    if bytes >= units[unit] then return ("%.1f %s"):format(bytes / units[unit], unit) end
  end
  return ("%d B"):format(bytes)
end

local function free_in(check, name, folder, wanted)
  local ok, free = host.attempt(doctor.free_space, folder)
  check:that(
    name:format(shown_bytes(wanted)),
    ok and free >= wanted,
    ok and ("%s has %s"):format(folder, shown_bytes(free)) or ("%s cannot be asked"):format(folder)
  )
end

--- Free space: here, in `path`; and where the server keeps its data, when that is on this machine and says so. Where it
--- cannot be asked the check passes and says that.
---@param check table
---@param ctx table
---@param wanted { here?: string|number, path?: string, server?: string|number } amounts: "500 MB", "20 GiB", or bytes
function M.free_space(check, ctx, wanted)
  known(wanted, "free_space", { "here", "path", "server" })
  if wanted.here then
    free_in(check, "%s are free here", wanted.path or system.working_directory(), bytes_of(wanted.here))
  end
  if not wanted.server then return end
  local name = "%s are free where the server keeps its data"
  local here = ctx:value("select inet_server_addr() is null")
  -- Not current_setting(): whoever may not know it would be left with an aborted transaction.
  local folder = ctx:value("select setting from pg_settings where name = 'data_directory'")
  if here and folder and host.attempt(doctor.free_space, folder) then
    free_in(check, name, folder, bytes_of(wanted.server))
  else
    local why = here and "its folder cannot be asked" or "it is on another machine"
    check:that(name:format(shown_bytes(bytes_of(wanted.server))), true, "not known: " .. why)
  end
end

--- The database is at this migration.
---@param check table
---@param ctx table
---@param wanted { query: string, is: string|number } the query gives one value
function M.migration(check, ctx, wanted)
  known(wanted, "migration", { "query", "is" })
  check:equal("the database is at the migration that is expected", ctx:value(wanted.query), wanted.is)
end

local function columns_of(ctx, name)
  local found = {}
  for _, row in ipairs(ctx:query(
    [[
    select attname::text as name, format_type(atttypid, atttypmod) as type
    from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped]],
    name
  )) do
    found[row.name] = row.type
  end
  return found
end

--- Tables have these columns, of these types; further ones do not matter.
---@param check table
---@param ctx table
---@param tables table<string, table<string, string>|string[]|true> by table: types by column, names of columns, true.
--- Types are written as format_type says them: "bigint", "timestamp with time zone", "numeric(10,2)"
function M.schema(check, ctx, tables)
  local names = {}
  for name in pairs(tables) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local found, wrong = columns_of(ctx, name), {}
    for key, wanted in pairs(type(tables[name]) == "table" and tables[name] or {}) do
      local column, kind = key, wanted
      if type(key) == "number" then
        column, kind = wanted, nil
      end
      if not found[column] then
        wrong[#wrong + 1] = ("%s is missing"):format(column)
      elseif kind and found[column] ~= kind then
        wrong[#wrong + 1] = ("%s is %s, not %s"):format(column, found[column], kind)
      end
    end
    table.sort(wrong)
    if next(found) == nil then wrong = { "there is no such table" } end
    check:that(("table %s is as expected"):format(name), #wrong == 0, wrong[1] and table.concat(wrong, "; "))
  end
end

--- No transaction of another session has been open for longer: it would hold locks, and keep dead rows.
---@param check table
---@param ctx table
---@param wanted { older_than: string, unseen?: "skip" } an interval: "5 min"; whether a login that does not see them
--- may go on
function M.no_long_transactions(check, ctx, wanted)
  known(wanted, "no_long_transactions", { "older_than", "unseen" })
  local name = ("no other transaction is older than %s"):format(wanted.older_than)
  if not ctx:value("select pg_has_role(current_user, 'pg_read_all_stats', 'member')") then
    local why = "this login does not see other sessions: grant it pg_read_all_stats"
    if wanted.unseen == "skip" then return check:skip(name, why) end
    check:that(name, false, why)
    return
  end
  check:none(
    name,
    [[
    select pid, usename::text as "user", application_name, state, date_trunc('second', now() - xact_start)::text as age
    from pg_stat_activity
    where pid <> pg_backend_pid() and datname = current_database() and xact_start < now() - $1::interval
    order by xact_start]],
    wanted.older_than
  )
end

--- Replicas are connected and follow.
---@param check table
---@param ctx table
---@param wanted { at_least?: integer, behind?: string|number } the most WAL that each may be behind: "64 MB"
function M.replicas(check, ctx, wanted)
  known(wanted, "replicas", { "at_least", "behind" })
  if not ctx:value("select pg_has_role(current_user, 'pg_read_all_stats', 'member')") then
    check:that("the replicas follow", false, "this login does not see them: grant it pg_read_all_stats")
    return
  end
  local least = wanted.at_least or 1
  local count = ctx:value("select count(*) from pg_stat_replication where state = 'streaming'")
  check:that(
    ("at least %d replica%s connected"):format(least, least == 1 and " is" or "s are"),
    count >= least,
    ("connected: %d"):format(count)
  )
  if not wanted.behind then return end
  check:none(
    ("no replica is more than %s behind"):format(shown_bytes(bytes_of(wanted.behind))),
    [[
    select application_name, client_addr::text, pg_wal_lsn_diff(sent_lsn, replay_lsn)::bigint as bytes_behind
    from pg_stat_replication
    where replay_lsn is null or pg_wal_lsn_diff(sent_lsn, replay_lsn) > $1]],
    bytes_of(wanted.behind)
  )
end

local function minutes_of(clock)
  local hours, minutes = tostring(clock):match("^(%d%d?):(%d%d)$")
  hours, minutes = tonumber(hours), tonumber(minutes)
  if not hours or hours > 24 or minutes > 59 then
    misuse(("%q is no time of the day"):format(tostring(clock)), 'write it as "22:00"')
  end
  return hours * 60 + minutes
end

local days = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" }

local function day_named(name)
  for at, day in ipairs(days) do
    if day == name then return at end
  end
  misuse(("%q is no day"):format(tostring(name)), "they are " .. table.concat(days, ", "))
end

--- It is within the maintenance window, by the server's clock. A window over midnight belongs to the day that it begins
--- on.
---@param check table
---@param ctx table
---@param wanted { from: string, to: string, days?: string[], time_zone?: string } | string "22:00", { "fri", "sat" },
--- UTC; or, as a param may have it, "22:00-06:00" or "22:00-06:00 America/Lima"
function M.window(check, ctx, wanted)
  if type(wanted) == "string" then
    local from, to, zone = wanted:match("^(%d+:%d+)%-(%d+:%d+) *(%S*)$")
    wanted = { from = from or wanted, to = to, time_zone = zone ~= "" and zone or nil }
  end
  known(wanted, "window", { "from", "to", "days", "time_zone" })
  local from, to, zone = minutes_of(wanted.from), minutes_of(wanted.to), wanted.time_zone or "UTC"
  local row = ctx:one(
    [[
    select extract(isodow from t)::int as day, (extract(hour from t) * 60 + extract(minute from t))::int as minute,
           to_char(t, 'Dy HH24:MI') as shown
    from (select now() at time zone $1 as t) as clock]],
    zone
  )
  local day, inside = row.day, row.minute >= from and row.minute < to
  if from >= to then
    inside = row.minute >= from or row.minute < to
    if row.minute < to then day = (day + 5) % 7 + 1 end
  end
  local on = wanted.days == nil
  for _, name in ipairs(wanted.days or {}) do
    on = day_named(name) == day or on
  end
  check:that(
    ("it is within the window from %s to %s%s"):format(
      wanted.from,
      wanted.to,
      wanted.days and " (" .. table.concat(wanted.days, ", ") .. ")" or ""
    ),
    inside and on,
    ("it is %s %s"):format(row.shown, zone)
  )
end

return M
