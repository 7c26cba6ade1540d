#include "journal/schema.hpp"

namespace opsh::journal {

std::span<const sql::WriteSql> schema_statements() {
  using sql::operator""_sql;
  static const sql::WriteSql statements[] = {
      "create schema opsh"_sql,
      R"(create table opsh.version (
  version integer not null,
  installed_by text not null,
  installed_at timestamptz not null default pg_catalog.now()
))"_sql,
      R"(create table opsh.run (
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
))"_sql,
      R"(create table opsh.step (
  run text not null references opsh.run,
  number integer not null,
  name text not null,
  planned jsonb not null,           -- the figures of its plan
  done_at timestamptz,              -- its last batch is committed
  primary key (run, number)
))"_sql,
      R"(create table opsh.batch (
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
))"_sql,
      R"(create table opsh.left_out (
  run text not null,
  step integer not null,
  batch integer not null,
  key text[] not null,
  outcome text not null,            -- failed, changed (since the plan)
  sqlstate text,
  message text,
  foreign key (run, step, batch) references opsh.batch deferrable initially deferred
))"_sql, "create index left_out_batch on opsh.left_out (run, step, batch)"_sql,
  };
  return statements;
}

}  // namespace opsh::journal
