#include "db/secrets.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/redact.hpp"

namespace opsh::db {
namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

std::string value_of(const PQconninfoOption* options, std::string_view keyword) {
  for (auto option = options; option && option->keyword; ++option)
    if (option->keyword == keyword) return option->val ? option->val : "";
  return {};
}

Options parsed(const std::string& conninfo) {
  return {PQconninfoParse(conninfo.c_str(), nullptr), &PQconninfoFree};
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_regular(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool others_can_read(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077U) != 0;
}

[[noreturn]] void refuse(const char* kind, const char* what, const std::string& path) {
  throw Error{kind, fmt::format("{} {} can be read by other users", what, path),
              fmt::format("let only its owner read it: chmod 600 {}", path)};
}

/// Whether a service file has this service, and then whether with a password.
std::optional<bool> has_password(const std::string& path, const std::string& service) {
  std::ifstream file{path};
  std::optional<bool> found;
  for (std::string line; std::getline(file, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    if (line.starts_with('[')) {
      if (found) return found;
      if (line.starts_with("[" + service + "]")) found = false;
    } else if (found && (line.starts_with("password=") || line.starts_with("sslpassword="))) {
      return true;
    }
  }
  return found;
}

/// libpq looks into the user's file and then into the system's; the first that has the service decides. Where the
/// system's is libpq does not tell, but for PGSYSCONFDIR.
void refuse_readable_service_file(const std::string& service) {
  std::string own = environment("PGSERVICEFILE");
  if (own.empty()) own = environment("HOME") + "/.pg_service.conf";
  std::string of_system = environment("PGSYSCONFDIR");
  of_system = (of_system.empty() ? "/etc/postgresql-common" : of_system) + "/pg_service.conf";
  for (const std::string& path : {own, of_system}) {
    auto found = is_regular(path) ? has_password(path, service) : std::nullopt;
    if (!found) continue;
    if (*found && others_can_read(path))
      refuse("refused.service_file", "the service file with the password of this connection,", path);
    return;
  }
}

/// A development server's role and its password are often the same word, which is in every name that is shown.
bool is_name(pg_conn* connection, const std::string& password) {
  for (const char* name : {PQuser(connection), PQdb(connection), PQhost(connection)})
    if (name && password == name) return true;
  return false;
}

}  // namespace

bool holds_password(const std::string& conninfo) {
  Options options = parsed(conninfo);
  if (!options)
    // libpq's own message repeats a part of the string, which may be the password.
    throw Error{"usage.conninfo", "the connection string cannot be read",
                "write it as \"host=... dbname=... user=...\" or postgresql://user@host/database"};
  return !value_of(options.get(), "password").empty() || !value_of(options.get(), "sslpassword").empty();
}

void protect_passwords(pg_conn* connection, const std::string& conninfo) {
  Options options{PQconninfo(connection), &PQconninfoFree};
  std::string given = value_of(options.get(), "password");
  const char* used = PQpass(connection);
  for (const std::string& password : {given, value_of(options.get(), "sslpassword"), std::string{used ? used : ""}})
    if (!is_name(connection, password)) redact::hide(password);

  std::string service = value_of(parsed(conninfo).get(), "service");
  if (service.empty()) service = environment("PGSERVICE");
  if (!service.empty()) refuse_readable_service_file(service);
  std::string passfile = value_of(options.get(), "passfile");
  if (given.empty() && others_can_read(passfile)) refuse("refused.passfile", "the passfile", passfile);
}

}  // namespace opsh::db
