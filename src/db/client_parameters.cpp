#include "db/client_parameters.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "db/connection.hpp"

namespace opsh::db {
namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

/// What does not travel: secrets; where a parameter came from (its value is there); the choice among servers, which is
/// made; and what belongs to our session alone.
bool stays_here(std::string_view keyword) {
  constexpr std::string_view ours[] = {"password",
                                       "passfile",
                                       "sslpassword",
                                       "service",
                                       "servicefile",
                                       "host",
                                       "hostaddr",
                                       "port",
                                       "user",
                                       "dbname",
                                       "application_name",
                                       "fallback_application_name",
                                       "client_encoding",
                                       "target_session_attrs",
                                       "load_balance_hosts",
                                       "replication"};
  return std::ranges::find(ours, keyword) != std::end(ours);
}

std::string text(const char* value) {
  return value ? value : "";
}

}  // namespace

std::string ClientParameters::conninfo() const {
  std::string written;
  for (const auto& [keyword, value] : options) {
    if (!written.empty()) written += ' ';
    written += keyword + "='";
    for (char c : value) {
      if (c == '\'' || c == '\\') written += '\\';
      written += c;
    }
    written += '\'';
  }
  return written;
}

ClientParameters Connection::client_parameters() const {
  require_alive();
  pg_conn* connection = connection_.get();
  ClientParameters found;
  found.password = text(PQpass(connection));
  const auto add = [&](const char* keyword, const std::string& value) {
    if (!value.empty()) found.options.emplace_back(keyword, value);
  };
  add("host", text(PQhost(connection)));
  add("hostaddr", text(PQhostaddr(connection)));
  add("port", text(PQport(connection)));
  add("user", text(PQuser(connection)));
  add("dbname", text(PQdb(connection)));
  Options options{PQconninfo(connection), &PQconninfoFree};
  for (auto* option = options.get(); option && option->keyword; ++option) {
    const std::string value = text(option->val);
    if (std::string_view{option->keyword} == "sslpassword" && !value.empty())
      throw Error{
          "connect.sslpassword",
          "the client key of this connection has a passphrase, which cannot be handed to another program unseen",
          "use a key without one, that only its owner can read"};
    // What libpq itself defaults to goes without saying, and the other program's may be older and not know it.
    if (!stays_here(option->keyword) && value != text(option->compiled)) add(option->keyword, value);
  }
  return found;
}

}  // namespace opsh::db
