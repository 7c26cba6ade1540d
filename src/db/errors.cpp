#include "db/errors.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace opsh::db {
namespace {

struct Rule {
  std::string_view prefix;
  const char* kind;
  const char* hint;
};

// The first prefix that fits decides.
constexpr Rule rules[] = {
    {"08P01", "sql.parameters", "give as many parameters as the statement has"},
    {"08", "sql.remote", "the statement itself connects to another server (dblink, a foreign table): check that one"},
    {"23505", "constraint.unique", ""},
    {"23503", "constraint.foreign_key", ""},
    {"23502", "constraint.not_null", ""},
    {"23514", "constraint.check", ""},
    {"23", "constraint", ""},
    {"25006", "sql.read_only", "this session only reads; move the write to apply"},
    {"25P02", "sql.doomed",
     "an earlier statement of this transaction failed; in apply, tx:savepoint survives a failure"},
    {"28P01", "connect.password", "check the password in your passfile (~/.pgpass) or service file"},
    {"28", "connect.refused", "check the user and the server's pg_hba.conf"},
    {"3D000", "connect.database", "check the database's name (psql -l lists them)"},
    {"40001", "transaction.serialization", ""},
    {"40P01", "transaction.deadlock", ""},
    {"42501", "permission.denied", "ask the owner for the privilege, or connect with a role that has it"},
    {"42601", "sql.syntax", ""},
    {"42P01", "sql.undefined_table", ""},
    {"42703", "sql.undefined_column", ""},
    {"42883", "sql.undefined_function", ""},
    {"42P18", "sql.parameter_type", "say the type of the parameter, as in :name::bigint"},
    {"42", "sql.invalid", ""},
    {"53100", "server.disk_full", "free disk space on the server, then resume"},
    {"53300", "connect.too_many", "wait, or raise max_connections"},
    {"53", "server.resources", ""},
    {"55P03", "transaction.lock_timeout", "another session holds the lock; see pg_blocking_pids in pg_stat_activity"},
    {"57014", "transaction.cancelled",
     "it ran into the statement timeout (--statement-timeout), or somebody cancelled it"},
    {"57P", "connection.lost", "the server is shutting down or ended this session; check its log"},
    {"22", "data", ""},
};

const Rule* rule_of(std::string_view sqlstate) {
  auto found = std::find_if(std::begin(rules), std::end(rules),
                            [&](const Rule& rule) { return sqlstate.substr(0, rule.prefix.size()) == rule.prefix; });
  return found == std::end(rules) ? nullptr : found;
}

std::string field(const pg_result* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text ? text : "";
}

std::string first_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return std::string{text.substr(0, text.find('\n'))};
}

}  // namespace

std::string kind_of(std::string_view sqlstate) {
  const Rule* rule = rule_of(sqlstate);
  return rule ? rule->kind : "sql.error";
}

Error server_error(const pg_result* result, int& position) {
  std::string sqlstate = field(result, PG_DIAG_SQLSTATE);
  std::string message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = first_line(PQresultErrorMessage(result));
  const Rule* rule = rule_of(sqlstate);
  std::string hint = field(result, PG_DIAG_MESSAGE_HINT);
  if (hint.empty() && rule) hint = rule->hint;
  Error error{kind_of(sqlstate), std::move(message), std::move(hint)};
  error.sqlstate = std::move(sqlstate);
  error.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  if (std::string context = field(result, PG_DIAG_CONTEXT); !context.empty())
    error.detail += (error.detail.empty() ? "" : "\n") + context;
  const std::string at = field(result, PG_DIAG_STATEMENT_POSITION);
  position = 0;
  std::from_chars(at.data(), at.data() + at.size(), position);
  return error;
}

bool ends_session(const pg_result* result) {
  std::string severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == "FATAL" || severity == "PANIC";
}

Error connection_lost(std::string_view libpq_message) {
  std::string said = first_line(libpq_message);
  return Error{"connection.lost", "the connection to the server is lost" + (said.empty() ? "" : ": " + said),
               "check the server and its log; opsh never reconnects on its own"};
}

Error session_broken(std::string_view answer) {
  return Error{"session.broken",
               fmt::format("the statement changed the session under opsh (the server answered: {})", answer),
               "opsh begins and ends transactions itself"};
}

}  // namespace opsh::db
