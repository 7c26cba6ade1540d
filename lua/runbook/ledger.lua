--- What the ledger in the target says: read with SQL, never kept in memory.
local errors = require("opsh.host.errors")
local figures = require("opsh.host.runbook.figures")
local text = require("opsh.native.text")

local M = {}

--- What a run that was typed at the prompt has in the place of its runbook.
M.typed = "prompt"

--- Whether a run was typed at the prompt: then there is nothing that a resume could do.
function M.is_typed(run) return run.runbook == M.typed and not run.undo_of end

--- Whether the schema opsh is there, also for a login that may not look into it.
function M.is_installed(reader)
  return reader:read("select exists (select from pg_catalog.pg_namespace where nspname = 'opsh') as there")[1].there
end

--- Whether there are runs to read.
function M.exists(reader)
  local found = reader:read("select pg_catalog.to_regclass('opsh.run') is not null as there")
  return found[1].there
end

-- What undid a run, and what undid that, and so on: how many they are, and the last of them. A schema of opsh's first
-- version has none of these columns.
local undo_columns = [[
           pg_catalog.to_jsonb(r) ->> 'undo_of' as undo_of, pg_catalog.to_jsonb(r) ->> 'undone_by' as undone_by,
           pg_catalog.to_jsonb(r) ->> 'pruned_at' as pruned_at, u.undos, u.last_undo, u.last_undo_state,]]
local undo_join = [[
    cross join lateral (
      with recursive chain (id, depth) as (
        select pg_catalog.to_jsonb(r) ->> 'undone_by', 1
        union all
        select pg_catalog.to_jsonb(n) ->> 'undone_by', c.depth + 1 from chain as c join opsh.run as n on n.id = c.id)
      select pg_catalog.count(*) as undos, (pg_catalog.array_agg(n.id order by c.depth desc))[1] as last_undo,
             (pg_catalog.array_agg(n.state order by c.depth desc))[1] as last_undo_state
      from chain as c join opsh.run as n on n.id = c.id) as u]]

--- How a run stands that was undone: "undone", "being undone", or nil, also when its undo was undone.
function M.undone(run)
  if run.undos == 0 then return nil end
  if run.last_undo_state ~= "done" then return "being undone" end
  return run.undos % 2 == 1 and "undone" or nil
end

--- The newest runs first.
function M.runs(reader, limit)
  if not M.exists(reader) then return {} end
  return reader:read(
    [[
    select r.id, r.runbook, r.title, r.target ->> 'name' as target, r.params, r.state, r.operator, r.message,]]
      .. undo_columns
      .. [[

           pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SS') as started,
           extract(epoch from coalesce(r.finished_at, pg_catalog.clock_timestamp()) - r.started_at)::pg_catalog.float8
             as seconds,
           coalesce(b.items, 0) as items, coalesce(b.batches, 0) as batches,
           coalesce(b.left_out, 0) + s.rejected as left_out,
           r.state = 'running' and not exists (select from pg_catalog.pg_stat_activity as a
             where a.pid = r.backend_pid and a.backend_start = r.backend_start) as interrupted
    from opsh.run as r
    left join lateral (select pg_catalog.sum(b.items)::pg_catalog.int8 as items, pg_catalog.count(*) as batches,
                              pg_catalog.sum(b.skipped + b.failed)::pg_catalog.int8 as left_out
                       from opsh.batch as b where b.run = r.id) as b on true
    cross join lateral (
      select coalesce(pg_catalog.sum((s.planned ->> 'rejected')::pg_catalog.int8), 0)::pg_catalog.int8 as rejected
      from opsh.step as s where s.run = r.id) as s]] .. undo_join .. [[

    order by r.started_at desc, r.id desc limit $1::pg_catalog.int8]],
    { n = 1, limit }
  )
end

--- One run, by its id or the beginning of it.
function M.run(reader, id)
  -- Every id begins with an empty text, which is an unset variable in somebody's script.
  if id == "" then errors.raise("usage.run", "RUN is empty", "opsh runs lists them") end
  local found = {}
  if M.exists(reader) then
    found = reader:read(
      [[
      select r.id, r.runbook, r.title, r.sources, r.params, r.target, r.state, r.message, r.operator, r.version,
             r.epoch, pg_catalog.to_jsonb(r) ->> 'reason' as reason,
             coalesce(nullif(pg_catalog.to_jsonb(r) -> 'incidents', 'null'), '[]') as incidents,]] .. undo_columns .. [[

             pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SS') as started,
             pg_catalog.to_char(r.finished_at, 'YYYY-MM-DD HH24:MI:SS') as finished,
             r.state = 'running' and not exists (select from pg_catalog.pg_stat_activity as a
               where a.pid = r.backend_pid and a.backend_start = r.backend_start) as interrupted
      from opsh.run as r]] .. undo_join .. [[

      where pg_catalog.starts_with(r.id, $1) order by r.id]],
      { n = 1, id }
    )
  end
  if #found == 1 then return found[1] end
  for _, run in ipairs(found) do
    if run.id == id then return run end
  end
  if #found > 1 then
    errors.raise(
      "usage.run",
      ("%d runs begin with %s"):format(#found, id),
      "write more of the id; opsh runs lists them"
    )
  end
  local ids = {}
  for at, run in ipairs(M.runs(reader, 50)) do
    ids[at] = run.id
  end
  local meant = text.nearest(id, ids)
  errors.raise(
    "usage.run",
    ("there is no run %s in this database"):format(id),
    meant and ("did you mean %s?"):format(meant) or "opsh runs lists them"
  )
end

--- Refuses a run of another database than this one.
---@param run table its record
---@param identity table from jobs.identify
function M.require_database(run, identity)
  if
    identity.system_identifier == run.target.system_identifier
    and identity.database_oid == run.target.database_oid
  then
    return
  end
  errors.raise(
    "refused.target",
    ("run %s was started on another database than %s"):format(run.id, identity.database),
    "a restored or copied database is another one: plan and apply there anew"
  )
end

--- The steps of a run with their batches added up.
function M.steps(reader, id)
  return reader:read(
    [[
    select s.number, s.name, s.planned, s.done_at is not null as done, coalesce(b.batches, 0) as batches,
           coalesce(b.items, 0) as items, coalesce(b.skipped, 0) as skipped, coalesce(b.failed, 0) as failed,
           coalesce((s.planned ->> 'rejected')::pg_catalog.int8, 0) as rejected, coalesce(b.seconds, 0) as seconds,
           nullif(pg_catalog.to_jsonb(s) -> 'effects', 'null'::pg_catalog.jsonb) as effects
    from opsh.step as s
    left join lateral (select pg_catalog.count(*) as batches, pg_catalog.sum(b.items)::pg_catalog.int8 as items,
                              pg_catalog.sum(b.skipped)::pg_catalog.int8 as skipped,
                              pg_catalog.sum(b.failed)::pg_catalog.int8 as failed,
                              (pg_catalog.sum(b.milliseconds) / 1000.0)::pg_catalog.float8 as seconds
                       from opsh.batch as b where (b.run, b.step) = (s.run, s.number)) as b on true
    where s.run = $1 order by s.number]],
    { n = 1, id }
  )
end

--- Effects that waited for the COMMIT of a step's batches: by batch.
---@return { number: integer, effects: table[] }[]
function M.batch_effects(reader, id, step)
  return reader:read(
    [[
    select b.number, b.figures -> 'effects' as effects from opsh.batch as b
    where b.run = $1 and b.step = $2::pg_catalog.int4 and b.figures ? 'effects' order by b.number]],
    { n = 2, id, step }
  )
end

--- Effects that waited for the COMMIT of a step's batches and are not done, or not known to be: by batch.
---@return { number: integer, effects: table[] }[]
function M.waiting_effects(reader, id, step)
  return reader:read(
    [[
    select b.number, b.figures -> 'effects' as effects from opsh.batch as b
    where b.run = $1 and b.step = $2::pg_catalog.int4 and exists (
      select from pg_catalog.jsonb_array_elements(b.figures -> 'effects') as e (deed)
      where e.deed ->> 'outcome' <> 'done' and e.deed ->> 'given_up' is null)
    order by b.number]],
    { n = 2, id, step }
  )
end

--- How many rows a run has changed, as the journal has them, and of steps without a journal as they were counted.
function M.changed_rows(reader, id)
  return reader:read(
    [[
    select coalesce((select pg_catalog.sum(pg_catalog.cardinality(j.keys)) from opsh.journal as j where j.run = $1),
                    0)::pg_catalog.int8
         + coalesce((select pg_catalog.sum((b.figures ->> 'rows')::pg_catalog.int8)
                     from opsh.batch as b where b.run = $1), 0)::pg_catalog.int8 as rows]],
    { n = 1, id }
  )[1].rows
end

--- Whether the schema is one with a journal.
function M.has_journal(reader)
  return reader:read("select pg_catalog.to_regclass('opsh.journal') is not null as there")[1].there
end

--- Rows that an undo left as they are, one for each column where columns are why.
function M.conflicts(reader, id, limit)
  if not M.has_journal(reader) then return {} end
  return reader:read(
    [[
    select c.step, c.batch, c.table_name as "table", c.key, c.reason, c.column_name as "column", c.old, c.wrote, c.found
    from opsh.conflict as c where c.run = $1 order by c.step desc, c.batch, c.table_name, c.key, c.column_name
    limit $2::pg_catalog.int8]],
    { n = 2, id, limit }
  )
end

--- How many rows an undo left, and columns that it could not put back, with the number of their rows.
function M.left_by_undo(reader, id)
  local rows = reader:read(
    "select coalesce(pg_catalog.sum(b.skipped), 0)::pg_catalog.int8 as rows from opsh.batch as b where b.run = $1",
    { n = 1, id }
  )[1].rows
  local unrestored = reader:read(
    [[
    select u."table", u."column", pg_catalog.sum(u.rows)::pg_catalog.int8 as rows
    from opsh.batch as b, pg_catalog.jsonb_to_recordset(b.figures -> 'unrestored')
      as u ("table" pg_catalog.text, "column" pg_catalog.text, rows pg_catalog.int8)
    where b.run = $1 group by u."table", u."column" order by u."table", u."column"]],
    { n = 1, id }
  )
  return rows, unrestored
end

--- Items that were rejected by the plan (of no batch), or taken from it and not worked on. A schema of an earlier
--- version has no labels.
function M.left_out(reader, id, limit)
  return reader:read(
    [[
    select l.step, l.batch, pg_catalog.array_to_string(l.key, ', ') as key, l.outcome, l.sqlstate,
           pg_catalog.to_jsonb(l) ->> 'label' as label, l.message
    from opsh.left_out as l where l.run = $1 order by l.step, l.batch nulls first, l.key limit $2::pg_catalog.int8]],
    { n = 2, id, limit }
  )
end

--- How far a step is: { number, position, failed, last_key }.
function M.standing(reader, id, step)
  local found = reader:read(
    [[
    select b.number, b.position, b.last_key,
           (select coalesce(pg_catalog.sum(f.failed), 0)::pg_catalog.int8 from opsh.batch as f
            where (f.run, f.step) = (b.run, b.step)) as failed
    from opsh.batch as b where b.run = $1 and b.step = $2::pg_catalog.int4 order by b.number desc limit 1]],
    { n = 2, id, step }
  )
  return found[1] or { number = 0, position = 0, failed = 0 }
end

--- Whether a batch of a schema step was announced.
function M.is_begun(reader, id, step, number)
  return reader:read(
    [[select exists (select from opsh.definition as d
      where (d.run, d.step, d.batch) = ($1, $2::pg_catalog.int4, $3::pg_catalog.int4)) as there]],
    { n = 3, id, step, number }
  )[1].there
end

--- `ctx.done` of a step: what its committed batches add up to.
function M.done(reader, id, step)
  local totals = reader:read(
    [[
    select coalesce(pg_catalog.sum(b.items), 0)::pg_catalog.int8 as items,
           coalesce(pg_catalog.sum(b.skipped), 0)::pg_catalog.int8 as skipped,
           coalesce(pg_catalog.sum(b.failed), 0)::pg_catalog.int8 as failed,
           coalesce(pg_catalog.max(b.position), 0) as seen,
           pg_catalog.count(*) as batches,
           coalesce((select (s.planned ->> 'rejected')::pg_catalog.int8 from opsh.step as s
                     where s.run = $1 and s.number = $2::pg_catalog.int4), 0) as rejected
    from opsh.batch as b where b.run = $1 and b.step = $2::pg_catalog.int4]],
    { n = 2, id, step }
  )[1]
  local made = { items = totals.items, skipped = totals.skipped, rejected = totals.rejected }
  made.failed, made.seen = totals.failed, totals.seen
  for _, kind in ipairs({ "counts", "labels", "totals" }) do
    made[kind] = {}
    for _, row in
      ipairs(reader:read(
        [[
      select f.key, pg_catalog.sum(f.value::pg_catalog.numeric)::pg_catalog.text as total
      from opsh.batch as b, pg_catalog.jsonb_each_text(b.figures -> $3) as f
      where b.run = $1 and b.step = $2::pg_catalog.int4 group by f.key]],
        { n = 3, id, step, kind }
      ))
    do
      made[kind][row.key] = row.total
    end
  end
  local done = figures.new(made)
  done.batches = totals.batches
  return done
end

return M
