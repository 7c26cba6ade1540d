--- What an apply asks of its server, looked at from a session beside it: locks, WAL, room. Directly before each COMMIT,
--- when a batch holds all that it ever will; and without a snapshot between two looks: one would keep the server from
--- tidying up, which nobody does to the real run.
local host = require("opsh.native.host")
local native_db = require("opsh.native.db")
local system = require("opsh.native.system")

local M = {}

-- The server counts what a session used for temporary files when it is gone.
local for_ended_sessions = 2 -- seconds
-- The size of a database is the sum over its files: not for every batch of a few milliseconds.
local size_every = 0.5 -- seconds

local modes = {
  "AccessShareLock",
  "RowShareLock",
  "RowExclusiveLock",
  "ShareUpdateExclusiveLock",
  "ShareLock",
  "ShareRowExclusiveLock",
  "ExclusiveLock",
  "AccessExclusiveLock",
}
local strength = {}
for at, mode in ipairs(modes) do
  strength[mode] = at
end

--- Whether a lock is more than writing rows takes.
function M.is_strong(mode) return strength[mode] > strength.RowExclusiveLock end

local counters_sql = [[
  select pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text as lsn,
         pg_catalog.pg_database_size(pg_catalog.current_database()) as size,
         (select s.temp_bytes from pg_catalog.pg_stat_database as s
          where s.datname = pg_catalog.current_database()) as temp_bytes,
         (select coalesce(pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::pg_catalog.int8
          from pg_catalog.pg_class as c where c.relnamespace = pg_catalog.to_regnamespace('opsh')::pg_catalog.oid
            and c.relkind in ('r', 'p')) as ledger]]

-- Tables that the batch has just made are nobody else's yet.
local locks_sql = [[
  select pg_catalog.format('%I.%I', n.nspname, c.relname) as "table", l.mode,
         extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8 as seconds
  from pg_catalog.pg_locks as l
  join pg_catalog.pg_stat_activity as a on a.pid = l.pid
  join pg_catalog.pg_class as c on c.oid = l.relation
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where l.pid = $1::pg_catalog.int4 and l.locktype = 'relation' and l.granted
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
    and c.relkind in ('r', 'p', 'm', 'f') and c.relpersistence <> 't'
    and n.nspname not in ('opsh', 'pg_catalog', 'pg_toast', 'information_schema')]]

-- As the journal has them; of a step without one, only how many there are.
local rows_sql = [[
  select j.step, j.table_name as "table",
         coalesce(pg_catalog.sum(r.n) filter (where j.operation = 'insert'), 0)::pg_catalog.int8 as inserted,
         coalesce(pg_catalog.sum(r.n) filter (where j.operation = 'update'), 0)::pg_catalog.int8 as updated,
         coalesce(pg_catalog.sum(r.n) filter (where j.operation = 'delete'), 0)::pg_catalog.int8 as deleted
  from opsh.journal as j cross join lateral pg_catalog.cardinality(j.keys) as r (n)
  where j.run = $1 group by j.step, j.table_name order by j.step, j.table_name]]
local unjournaled_sql = [[
  select b.step, pg_catalog.sum((b.figures ->> 'rows')::pg_catalog.int8)::pg_catalog.int8 as rows
  from opsh.batch as b where b.run = $1 and b.figures ->> 'rows' is not null group by b.step order by b.step]]

--- Until the other sessions of this program are gone.
local function await_ended_sessions(session, application)
  local deadline = system.clock() + for_ended_sessions
  repeat
    local others = session:read(
      [[select exists (select from pg_catalog.pg_stat_activity as a
        where a.application_name = $1 and a.pid <> pg_catalog.pg_backend_pid()
          and a.datname = pg_catalog.current_database()) as there]],
      { n = 1, application }
    )[1].there
    session:rest()
    if not others then return end
    system.sleep(0.02)
  until system.clock() > deadline
end

--- Begins to watch a database.
---@param target table of the scratch
---@return table observer { before_commit, looked, finish, close }
function M.begin(target)
  local session = native_db.host_reader(target)
  local held, peak, sized = {}, 0, 0
  local self = {
    --- Seconds that looking took: no real run has them.
    looked = 0,
  }
  local function counters() return session:read(counters_sql)[1] end
  local before = counters()
  session:rest()

  local function look_at_locks(pid)
    for _, lock in ipairs(session:read(locks_sql, { n = 1, pid })) do
      local name = lock.table .. "\0" .. lock.mode
      local known = held[name] or { table = lock.table, mode = lock.mode, seconds = 0, batches = 0 }
      known.seconds, known.batches = math.max(known.seconds, lock.seconds), known.batches + 1
      held[name] = known
    end
  end

  --- Looks at what a batch holds that is about to be committed.
  function self.before_commit(batch)
    local began = system.clock()
    look_at_locks(batch:read("select pg_catalog.pg_backend_pid() as pid", { n = 0 })[1].pid)
    if began - sized >= size_every then
      sized = began
      peak = math.max(
        peak,
        session:read("select pg_catalog.pg_database_size(pg_catalog.current_database()) as size")[1].size
      )
    end
    session:rest()
    self.looked = self.looked + system.clock() - began
  end

  --- What it came to.
  ---@param run string its id
  ---@return table measured { rows: { step, table, inserted, updated, deleted }[], unjournaled: { step, rows }[],
  --- locks: { table, mode, seconds, batches, strong }[], wal_bytes, temp_bytes, growth_bytes, ledger_bytes }
  function self.finish(run)
    await_ended_sessions(session, target.application)
    local after = counters()
    local wal = session:read(
      [[select pg_catalog.pg_wal_lsn_diff($1::pg_catalog.pg_lsn, $2::pg_catalog.pg_lsn)::pg_catalog.int8 as bytes]],
      { n = 2, after.lsn, before.lsn }
    )[1].bytes
    local locks = {}
    for _, lock in pairs(held) do
      lock.strong = M.is_strong(lock.mode)
      locks[#locks + 1] = lock
    end
    table.sort(locks, function(one, other)
      if one.table ~= other.table then return one.table < other.table end
      return strength[one.mode] > strength[other.mode]
    end)
    return {
      rows = session:read(rows_sql, { n = 1, run }),
      unjournaled = session:read(unjournaled_sql, { n = 1, run }),
      locks = locks,
      wal_bytes = wal,
      temp_bytes = after.temp_bytes - before.temp_bytes,
      growth_bytes = math.max(peak, after.size) - before.size,
      ledger_bytes = after.ledger - before.ledger,
    }
  end

  --- Idempotent.
  function self.close() host.protect(session.close, session) end

  return self
end

return M
