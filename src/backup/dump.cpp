#include "backup/dump.hpp"

#include <fmt/format.h>

#include <chrono>

#include "db/reader.hpp"
#include "db/relation.hpp"
#include "sql/statement.hpp"

namespace opsh::backup {
namespace {

using sql::operator""_sql;

constexpr auto unknown_tables = R"(
select t.name from pg_catalog.unnest($1::pg_catalog.text[]) as t (name)
where pg_catalog.to_regclass(t.name) is null)"_sql;

// Names in double quotes: all that pg_dump's patterns (and regular expressions) mean by other characters is off there.
constexpr auto other_tables = R"(
with recursive chosen (oid) as (
  select pg_catalog.to_regclass(t.name)::pg_catalog.oid from pg_catalog.unnest($1::pg_catalog.text[]) as t (name)
  union
  select i.inhrelid from chosen as c join pg_catalog.pg_inherits as i on i.inhparent = c.oid
)
select pg_catalog.format('"%s"."%s"', pg_catalog.replace(n.nspname::pg_catalog.text, '"', '""'),
                         pg_catalog.replace(c.relname::pg_catalog.text, '"', '""'))
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and c.relpersistence <> 't'
  and not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_') and n.nspname <> 'information_schema'
  and c.oid not in (select h.oid from chosen as h)
order by 1)"_sql;

std::vector<std::string> texts(const db::Result& result) {
  std::vector<std::string> found;
  for (int row = 0; row < result.rows(); ++row) found.emplace_back(result.field(row, 0).value_or(""));
  return found;
}

std::vector<std::string> patterns_of_others(db::Reader& session, const std::vector<std::string>& tables) {
  db::ArrayText array;
  for (const auto& table : tables) array.add(table);
  const db::Parameters names{{array.take(), db::oid::text_array}};
  const auto unknown = texts(session.query(unknown_tables, names));
  if (!unknown.empty())
    throw Error{"backup.tables", fmt::format("there is no table {}", unknown.front()),
                "name tables as in SQL: schema.name"};
  return texts(session.query(other_tables, names));
}

Program find_pg_dump(const DumpOptions& options, int server_version) {
  const int server = server_version / 10000;
  Program program = find_program(options.tools, "pg_dump", server);
  if (program.major < server)
    throw Error{
        "backup.version",
        fmt::format("pg_dump {} is older than the server, which is PostgreSQL {}, and cannot dump it", program.version,
                    server),
        fmt::format("install the package postgresql-client-{}, or name a newer pg_dump with tools.directory", server)};
  if (program.elsewhere && options.jobs > 0)
    throw Error{"backup.prefix", "pg_dump runs elsewhere, through tools.prefix, where it cannot write a directory here",
                "leave out --jobs"};
  return program;
}

std::vector<std::string> arguments_of(db::Reader& session, const DumpOptions& options, const Client& client) {
  const auto lock_wait = std::chrono::duration_cast<std::chrono::milliseconds>(options.lock_within).count();
  std::vector<std::string> arguments{options.jobs > 0 ? "--format=directory" : "--format=custom",
                                     fmt::format("--lock-wait-timeout={}", lock_wait)};
  for (const auto& argument : client.arguments()) arguments.push_back(argument);
  if (!options.snapshot.empty()) arguments.push_back("--snapshot=" + options.snapshot);
  if (!options.role.empty()) arguments.push_back("--role=" + options.role);
  if (options.jobs > 0) arguments.push_back(fmt::format("--jobs={}", options.jobs));
  if (options.tables.empty()) return arguments;
  arguments.emplace_back("--no-blobs");
  for (const auto& pattern : patterns_of_others(session, options.tables))
    arguments.push_back("--exclude-table-data=" + pattern);
  return arguments;
}

}  // namespace

Dump::Dump(db::Reader& session, const DumpOptions& options)
    : program_(find_pg_dump(options, session.connection().server_version())),
      client_(program_.elsewhere ? Client::elsewhere(options.connect) : Client::of(session.connection())),
      made_(options.file, options.jobs > 0),
      hash_(options.hash) {
  proc::Command command = program_.command(arguments_of(session, options, client_));
  client_.enter(command);
  // A file is never its standard output: pg_dump 17 appends there, also the table of contents that it writes again.
  if (!program_.elsewhere) {
    command.output = proc::Stream::none;
    command.argv.push_back(fmt::format("--file=/proc/self/fd/{}", made_.descriptor()));
    command.descriptors.push_back(made_.descriptor());
  }
  tool_.emplace(program_, std::move(command), program_.elsewhere ? made_.descriptor() : -1);
}

std::uint64_t Dump::bytes() const {
  return file_ ? file_->size() : made_.bytes();
}

bool Dump::advance(Deadline deadline) {
  while (tool_->running()) {
    tool_->wait(deadline);
    if (deadline.passed()) return false;
  }
  if (!file_) {
    tool_->require_success("backup.dump", "the database cannot be dumped", "nothing of it was kept");
    file_ = made_.publish();
    if (hash_) fingerprint_.emplace(file_);
  }
  return !fingerprint_ || fingerprint_->step(deadline);
}

Outcome Dump::result() {
  Outcome outcome{.size = file_->size(), .warnings = tool_->said()};
  if (fingerprint_) outcome.sha256 = fingerprint_->finish().sha256;
  return outcome;
}

}  // namespace opsh::backup
