#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <string>

#include "db/connection.hpp"
#include "db/errors.hpp"

namespace opsh::db {
namespace {

/// A setting and the SQL expression of the value that it gets. $1 to $6 are those of the target.
struct Setting {
  const char* name;
  const char* value;
};

// The role, the database or the server may have others.
constexpr std::array settings{
    Setting{"TimeZone", "$1"},
    Setting{"statement_timeout", "$2"},
    Setting{"lock_timeout", "$3"},
    Setting{"idle_in_transaction_session_timeout", "$5"},
    Setting{"default_transaction_read_only",
            "case when $4 then 'on' else pg_catalog.current_setting('default_transaction_read_only') end"},
    Setting{"client_encoding",
            "case when $6 and pg_catalog.getdatabaseencoding() = 'SQL_ASCII' then 'SQL_ASCII' else 'UTF8' end"},
    // How values are written and read as text.
    Setting{"DateStyle", "'ISO, YMD'"},
    Setting{"IntervalStyle", "'postgres'"},
    Setting{"extra_float_digits", "'1'"},
    Setting{"bytea_output", "'hex'"},
    Setting{"lc_monetary", "'C'"},
    Setting{"xmlbinary", "'base64'"},
    Setting{"xmloption", "'content'"},
    Setting{"array_nulls", "'on'"},
    Setting{"quote_all_identifiers", "'off'"},
    // What a statement means: escapes in literals, "= NULL", an index scan that leaves rows out.
    Setting{"standard_conforming_strings", "'on'"},
    Setting{"transform_null_equals", "'off'"},
    Setting{"gin_fuzzy_search_limit", "'0'"},
    Setting{"cursor_tuple_fraction", "'1'"},
    // Of a plan over 100 000 rows compiling took a quarter of the time, and of the gate's questions all of it.
    Setting{"jit", "'off'"},
    // The gate sets another one for each of its questions, and this one after it.
    Setting{"plan_cache_mode", "'auto'"},
    // The schemas that the role's search_path finds, without opsh, whose tables would hide the user's where the role
    // has that name, and with pg_catalog before them all, where nothing can hide what is in it.
    Setting{"search_path",
            "coalesce((select pg_catalog.string_agg(pg_catalog.quote_ident(s.name), ', ' order by s.place) "
            "from rows from (pg_catalog.unnest(pg_catalog.current_schemas(false))) with ordinality as s(name, place) "
            "where s.name <> all (array['opsh', 'pg_catalog']::pg_catalog.name[])), '')"},
    // A COMMIT that was answered is on the disk, and on a synchronous standby's; only remote_apply promises more.
    Setting{"synchronous_commit",
            "case pg_catalog.current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' "
            "else 'on' end"},
};

// Longer than a script may think between two statements, shorter than anybody should hold locks for nothing.
constexpr Seconds usual_idle{15 * 60};

/// What opsh does not change, because somebody decided it, and does not work under.
struct Refused {
  const char* name;
  const char* wanted;
  bool also_reading;
  const char* why;
};

constexpr std::array refused_unless{
    Refused{"session_replication_role", "origin", false,
            "triggers and foreign keys would not do what they do for the application"},
    Refused{"zero_damaged_pages", "off", true, "reading a damaged page would empty it"},
    Refused{"ignore_checksum_failure", "off", true, "damaged rows would be read as if they were good"},
};

std::string looking_query() {
  std::string text = "select pg_catalog.pg_backend_pid()";
  for (const auto& setting : refused_unless) text += fmt::format(", pg_catalog.current_setting('{}')", setting.name);
  return text;
}

std::string setting_query() {
  std::string text = "select pg_catalog.pg_backend_pid()";
  for (const auto& setting : settings)
    text += fmt::format(", pg_catalog.set_config('{}', {}, false)", setting.name, setting.value);
  return text;
}

std::string reading_query() {
  std::string text = "select pg_catalog.pg_backend_pid()";
  for (const auto& setting : settings) text += fmt::format(", pg_catalog.current_setting('{}')", setting.name);
  return text + ", current_user, pg_catalog.current_database()";
}

std::string milliseconds(Seconds span) {
  return fmt::format("{}ms", static_cast<long long>(span.count() * 1000));
}

}  // namespace

/// Settings of the session, not of the connection string: a role or a database may have set others. The first statement
/// only looks: what is set over a pooler in transaction mode would stay behind in somebody else's session.
void Connection::settle(const Target& target, Access access) {
  statement_within_ = target.statement_within;
  backend_pid_ = PQbackendPID(connection_.get());
  auto asked = [&](const std::string& query, const Parameters& parameters) {
    Result answer = execute(query.c_str(), parameters);
    if (answer.field(0, 0) == std::to_string(backend_pid_)) return answer;
    throw Error{"connect.pooler",
                "a pooler stands between opsh and the server: the session that answers is not the one that was opened",
                "connect to the server itself"};
  };
  refuse_settings(asked(looking_query(), {}), access);
  if (!target.role.empty()) take_role(target.role);
  Result made = asked(setting_query(), Parameters{{target.time_zone},
                                                  {milliseconds(target.statement_within)},
                                                  {milliseconds(target.lock_within)},
                                                  {access == Access::read ? "t" : "f", oid::boolean},
                                                  {milliseconds(target.idle_within.value_or(usual_idle))},
                                                  {target.raw_text ? "t" : "f", oid::boolean}});
  Result kept = asked(reading_query(), {});
  int column = 1;
  for (const auto& setting : settings) {
    if (kept.field(0, column) != made.field(0, column))
      throw Error{"connect.settings",
                  fmt::format("the session has {} = {}, not {}, which opsh has just set", setting.name,
                              *kept.field(0, column), *made.field(0, column)),
                  "something between opsh and the server changes it: connect to the server itself"};
    ++column;
  }
  user_ = *kept.field(0, column);
  database_ = *kept.field(0, column + 1);
  if (!target.role.empty() && user_ != target.role)
    throw Error{"connect.role", fmt::format("SET ROLE {} made the session {}", target.role, user_),
                "correct role in opsh.config.lua"};
}

void Connection::take_role(const std::string& role) {
  try {
    execute("select pg_catalog.set_config('role', $1, false)", {{role}});
  } catch (const SqlError& error) {
    throw Error{"connect.role", fmt::format("the role {} cannot be taken: {}", role, error.message),
                "grant it to the login of the target's connect, or correct role in opsh.config.lua"};
  }
}

void Connection::refuse_settings(const Result& found, Access access) {
  int column = 1;
  for (const auto& setting : refused_unless) {
    auto value = found.field(0, column++);
    if (value == setting.wanted || (access == Access::read && !setting.also_reading)) continue;
    throw Error{"refused.settings", fmt::format("the session has {} = {}: {}", setting.name, *value, setting.why),
                fmt::format("the role, the database or the server sets it, and opsh wants {}: ask whoever did so",
                            setting.wanted)};
  }
}

}  // namespace opsh::db
