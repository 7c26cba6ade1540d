#include "journal/schema.hpp"

namespace opsh::journal {

std::span<const SchemaStatement> schema_statements() {
  using sql::operator""_sql;
  static const SchemaStatement statements[] = {
      {1, "create schema opsh"_sql},
      {1, R"(create table opsh.version (
  version integer not null,
  installed_by text not null,
  installed_at timestamptz not null default pg_catalog.now()
))"_sql},
      {1, R"(create table opsh.run (
  id text primary key,
  runbook text not null,            -- the script's path, absolute
  title text not null,
  sources jsonb not null,           -- sha256 of the script and of each module that it loaded
  params jsonb not null,
  target jsonb not null,            -- system identifier, database oid and name
  operator text not null,           -- user@host
  version text not null,            -- of opsh
  state text not null,              -- running, done, stopped, failed, check_failed
  message text,                     -- why it is in that state
  epoch bigint not null default 1,  -- rises with each opsh that takes the run over; an older one is fenced out
  backend_pid integer not null,
  backend_start timestamptz not null,
  started_at timestamptz not null default pg_catalog.clock_timestamp(),
  finished_at timestamptz
))"_sql},
      {1, R"(create table opsh.step (
  run text not null references opsh.run,
  number integer not null,
  name text not null,
  planned jsonb not null,           -- the figures of its plan
  done_at timestamptz,              -- its last batch is committed
  primary key (run, number)
))"_sql},
      {1, R"(create table opsh.batch (
  run text not null,
  step integer not null,
  number integer not null,          -- from 1, without gaps
  position bigint not null,         -- rows of the step's plan that it and those before it consumed
  first_key text[] not null,
  last_key text[] not null,
  items integer not null,           -- worked on; with those left out, all that it took from the plan
  skipped integer not null,         -- changed since the plan
  failed integer not null,
  figures jsonb not null,           -- counts, labels and totals of what it did
  token text not null unique,       -- random: decides a COMMIT whose answer was lost
  milliseconds integer not null,
  committed_at timestamptz not null default pg_catalog.clock_timestamp(),
  primary key (run, step, number),
  foreign key (run, step) references opsh.step
))"_sql},
      {1, R"(create table opsh.left_out (
  run text not null,
  step integer not null,
  batch integer not null,
  key text[] not null,
  outcome text not null,            -- failed, changed (since the plan)
  sqlstate text,
  message text,
  foreign key (run, step, batch) references opsh.batch deferrable initially deferred
))"_sql},
      {1, "create index left_out_batch on opsh.left_out (run, step, batch)"_sql},
      {2, R"(alter table opsh.run
  add column reason text,                       -- --reason
  add column undo_of text references opsh.run,  -- the run that this one takes back
  add column undone_by text references opsh.run, -- the run that took this one back, or is about to
  add column pruned_at timestamptz              -- its journal was dropped
)"_sql},
      {2, R"(alter table opsh.step
  add column writes jsonb not null default '[]',  -- the tables that it declares
  add column journaled boolean not null default true
)"_sql},
      {2, R"(create table opsh.journal (
  run text not null,
  step integer not null,
  batch integer not null,
  part integer not null,            -- in the order in which the batch wrote; the last one is undone first
  leaf oid not null,                -- the table that holds the rows: of a partitioned table, the partition
  table_name text not null,         -- its name then, with its schema
  operation text not null,          -- insert, update, delete: what became of the rows by the whole batch
  direct boolean not null,          -- false: a cascade or a trigger did it
  key_numbers smallint[] not null,  -- the columns of the key, by number (pg_attribute.attnum)
  key_names text[] not null,
  numbers smallint[] not null,      -- of an update those that changed, else all that can be written
  names text[] not null,
  types oid[] not null,             -- of these columns
  keys text[] not null,             -- one element a row: the texts of its key, as an array
  old text[],                       -- one element a row: the texts of these columns before; null for an insert
  new text[],                       -- after; of an insert a digest of them; null for a delete
  primary key (run, step, batch, part),
  foreign key (run, step, batch) references opsh.batch deferrable initially deferred
))"_sql},
      {2, R"(create view opsh.change as
  select j.run, j.step, j.batch, j.part, j.table_name, j.operation, j.direct, j.key_names, r.key::text[] as key,
         j.names, r.old::text[] as old, case when j.operation <> 'insert' then r.new::text[] end as new
  from opsh.journal as j
  cross join lateral rows from (pg_catalog.unnest(j.keys), pg_catalog.unnest(j.old), pg_catalog.unnest(j.new))
    as r (key, old, new))"_sql},
      {2, R"(create table opsh.conflict (
  run text not null,                -- an undo
  step integer not null,
  batch integer not null,
  table_name text not null,
  key text[] not null,
  reason text not null,             -- why the row was left as it is
  column_name text,
  old text,                         -- what the undo would have put back
  wrote text,                       -- what the run had written
  found text,                       -- what was there
  foreign key (run, step, batch) references opsh.batch deferrable initially deferred
))"_sql},
      {2, "create index conflict_batch on opsh.conflict (run, step, batch)"_sql},
      {2, R"(create table opsh.audit (
  run text primary key references opsh.run,
  entries bigint not null,          -- of the run's audit log
  sha256 text not null              -- of the last of them
))"_sql},
      {3, R"(alter table opsh.step
  add column effects jsonb                      -- of a step without items: what was done or answered
)"_sql},
      {3, R"(alter table opsh.step
  add column kind text not null default 'items' -- of what it is made: items, schema, effect, manual
)"_sql},
      {3, R"(create table opsh.definition (
  run text not null,
  step integer not null,            -- of kind schema
  batch integer not null,           -- without a row in opsh.batch: begun outside a transaction, and not known to be done
  names text[] not null,            -- the columns of its items
  types oid[] not null,
  keys smallint[] not null,         -- those of the key, by place in names
  items text[] not null,            -- one element an item: the texts of these columns, as an array
  primary key (run, step, batch),
  foreign key (run, step) references opsh.step
))"_sql},
      {4, R"(alter table opsh.run
  add column incidents jsonb                    -- what went wrong and stopped nothing: { step, what, kind, message, at }
)"_sql},
      {4, R"(alter table opsh.left_out
  alter column batch drop not null,             -- null: rejected by the plan
  add column label text                         -- of an item that is rejected
)"_sql},
  };
  return statements;
}

}  // namespace opsh::journal
