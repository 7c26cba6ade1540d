#pragma once

#include <string_view>

struct pg_conn;

namespace opsh::db {

/// Whether what is sent to this IP address stays on this machine: 127.0.0.0/8 and ::1, also written as IPv6.
bool is_loopback(std::string_view address);

/// Judges the attempt that a connection is making, by what libpq made of the connection string, service file and
/// environment, and by the address that it found. To be asked before each PQconnectPoll: over TCP nothing but the
/// handshake of TCP itself has been sent by then, and no password. A Unix socket and the loopback address pass;
/// everything else wants sslmode=verify-full, or a reason why not. Encryption by GSSAPI does not count.
///
/// Error: "refused.insecure".
void require_safe_transport(pg_conn* connection, std::string_view reason);

}  // namespace opsh::db
