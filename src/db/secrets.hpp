#pragma once

#include <string>

struct pg_conn;

namespace opsh::db {

/// Whether a connection string has a password in it. Errors: "usage.conninfo".
bool holds_password(const std::string& conninfo);

/// For a connection that has begun, so that libpq has read its files. Hides its passwords from all that opsh writes
/// (base/redact.hpp), and refuses files with passwords that other users can read: libpq passes over such a passfile,
/// and takes a service file as it is. Errors: "refused.passfile", "refused.service_file".
void protect_passwords(pg_conn* connection, const std::string& conninfo);

}  // namespace opsh::db
