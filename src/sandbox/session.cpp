#include "sandbox/session.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include "base/error.hpp"

namespace opsh::sandbox {
namespace {

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text ? text : "";
}

}  // namespace

std::optional<Session> Session::open(const std::string& conninfo) {
  // Empty, because PGOPTIONS, which would stand in for it, is about the operator's own servers.
  Handle connection{PQconnectdb((conninfo + " connect_timeout=10 options=''").c_str()), &PQfinish};
  if (PQstatus(connection.get()) != CONNECTION_OK) return std::nullopt;
  PQsetNoticeReceiver(
      connection.get(), [](void*, const PGresult*) {}, nullptr);
  return Session{std::move(connection)};
}

std::string Session::version() const {
  const char* text = PQparameterStatus(connection_.get(), "server_version");
  return text ? text : "";
}

int Session::version_number() const {
  return PQserverVersion(connection_.get());
}

std::string Session::identifier(std::string_view name) const {
  std::unique_ptr<char, void (*)(void*)> quoted{PQescapeIdentifier(connection_.get(), name.data(), name.size()),
                                                &PQfreemem};
  if (!quoted) throw Error{"sandbox.database", fmt::format("{} cannot be a name", name)};
  return quoted.get();
}

void Session::execute(const std::string& sql) {
  std::unique_ptr<PGresult, void (*)(PGresult*)> result{PQexec(connection_.get(), sql.c_str()), &PQclear};
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK || PQresultStatus(result.get()) == PGRES_TUPLES_OK) return;
  std::string message = field(result.get(), PG_DIAG_MESSAGE_PRIMARY);
  Error error{"sandbox.database", message.empty() ? PQerrorMessage(connection_.get()) : message,
              field(result.get(), PG_DIAG_MESSAGE_HINT)};
  error.sqlstate = field(result.get(), PG_DIAG_SQLSTATE);
  error.detail = field(result.get(), PG_DIAG_MESSAGE_DETAIL);
  throw error;
}

std::string conninfo_quoted(std::string_view value) {
  std::string quoted = "'";
  for (char letter : value) {
    if (letter == '\'' || letter == '\\') quoted += '\\';
    quoted += letter;
  }
  return quoted + "'";
}

}  // namespace opsh::sandbox
