#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <regex>
#include <vector>

#include "base/interrupt.hpp"
#include "db/borrowed.hpp"
#include "db/connection.hpp"
#include "db/errors.hpp"
#include "db/secrets.hpp"
#include "db/transport.hpp"

namespace opsh::db {
namespace {

using Conninfo = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

/// libpq's message about a string that it cannot parse repeats a part of it, which may be the password.
Conninfo parse(const std::string& text) {
  char* message = nullptr;
  Conninfo parsed{PQconninfoParse(text.c_str(), &message), &PQconninfoFree};
  PQfreemem(message);
  if (!parsed)
    throw Error{"usage.conninfo", "the connection string cannot be read",
                "write it as \"host=... dbname=... user=...\" or postgresql://user@host/database"};
  return parsed;
}

std::string value_of(const PQconninfoOption* options, std::string_view keyword) {
  for (auto option = options; option && option->keyword; ++option)
    if (option->keyword == keyword) return option->val ? option->val : "";
  return {};
}

/// Takes the SQLSTATE and the place in the server's source out of a verbose message of libpq's. The words alone would
/// not do: they are in the server's language.
std::string take_sqlstate(std::string& message) {
  static const std::regex place{"\\n[^\\n]*\\.c:[0-9]+"};
  static const std::regex state{":  ([0-9A-Z]{5}): "};
  message = std::regex_replace(message, place, "");
  // Of several hosts the last decides.
  std::string last;
  for (std::sregex_iterator found{message.begin(), message.end(), state}, end; found != end; ++found)
    last = found->str(1);
  message = std::regex_replace(message, state, ":  ");
  return last;
}

Error refused(pg_conn* connection, const Target& target) {
  std::string message = PQerrorMessage(connection);
  std::string sqlstate = take_sqlstate(message);
  while (!message.empty() && message.back() == '\n') message.pop_back();
  for (std::size_t at; (at = message.find("\n\t")) != std::string::npos;) message.replace(at, 2, " ");
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::string kind = PQconnectionNeedsPassword(connection) ? "connect.password" : kind_of(sqlstate);
  if (!kind.starts_with("connect.") && kind != "permission.denied") kind = "connect.refused";
  Error error{kind, message,
              kind == "connect.password"
                  ? "check the password in your passfile (~/.pgpass), service file or PGPASSWORD"
                  : "check the server, or say where it is: --db, --target, PGHOST; tried " + describe(target)};
  error.sqlstate = std::move(sqlstate);
  return error;
}

}  // namespace

std::string describe(const Target& target) {
  Conninfo given = parse(target.conninfo);
  Conninfo defaults{PQconndefaults(), &PQconninfoFree};
  std::string text;
  for (const char* keyword : {"host", "port", "user", "dbname", "service"}) {
    std::string value = value_of(given.get(), keyword);
    if (std::string_view{keyword} == "dbname" && !target.database.empty()) value = target.database;
    if (value.empty() && std::string_view{keyword} != "service") value = value_of(defaults.get(), keyword);
    if (!value.empty()) text += fmt::format("{}{}={}", text.empty() ? "" : " ", keyword, value);
  }
  return text;
}

/// Non-blocking, with a deadline of our own: libpq's connect_timeout does not cover every step (facts: black holes).
void Connection::open(const Target& target) {
  parse(target.conninfo);
  std::vector<const char*> keywords{"dbname",           "fallback_application_name", "client_encoding",
                                    "tcp_user_timeout", "keepalives_idle",           "keepalives_interval",
                                    "keepalives_count"};
  std::vector<const char*> values{target.conninfo.c_str(), target.application.c_str(), "UTF8", "30000", "20", "5", "3"};
  // The first dbname is a connection string; what stands behind it overrides what it says.
  if (!target.database.empty()) {
    keywords.push_back("dbname");
    values.push_back(target.database.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
  pg_conn* connection = connection_.get();
  if (!connection) throw Error{"connect.refused", "out of memory while connecting"};
  protect_passwords(connection, target.conninfo);
  PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
  Deadline deadline = Deadline::in(target.connect_within);
  PostgresPollingStatusType step = PGRES_POLLING_WRITING;
  if (PQstatus(connection) == CONNECTION_BAD) step = PGRES_POLLING_FAILED;
  while (step != PGRES_POLLING_OK) {
    if (step == PGRES_POLLING_FAILED) throw refused(connection, target);
    require_safe_transport(connection, target.insecure);
    short events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    std::array<pollfd, 2> watched{pollfd{PQsocket(connection), events, 0},
                                  pollfd{interrupt::shielded() ? -1 : interrupt::descriptor(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), deadline.poll_milliseconds());
    if (interrupt::heeded()) throw Error{"interrupted", "interrupted while connecting"};
    if (deadline.passed())
      throw Error{"connect.timeout",
                  fmt::format("no answer within {} s from {}", target.connect_within.count(), db::describe(target)),
                  "check the address and the network"};
    if (watched[0].revents) step = PQconnectPoll(connection);
  }
  PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
  if (PQsetnonblocking(connection, 1) != 0) throw connection_lost(PQerrorMessage(connection));
  if (PQserverVersion(connection) < 130000)
    throw Error{"connect.version", fmt::format("the server is PostgreSQL {}; opsh needs 13 or newer",
                                               PQserverVersion(connection) / 10000)};
}

}  // namespace opsh::db
