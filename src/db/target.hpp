#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/clock.hpp"

namespace opsh::db {

/// What a runbook, or a person at the prompt, answers for: each the text of a sql::QualifiedName.
struct Declared {
  std::set<std::string> functions;       ///< only read, or write what the runbook accounts for
  std::set<std::string> foreign_tables;  ///< may be read, wherever that reaches
};

/// Where to connect and how a session is set up.
struct Target {
  std::string conninfo;  ///< a libpq connection string or URI; empty: libpq's own environment (PGHOST, PGSERVICE, ...)
  std::string database = {};         ///< instead of the one that conninfo names; empty: that one
  std::string application = "opsh";  ///< application_name, where neither the connection string nor PGAPPNAME says one
  std::string role = {};             ///< taken by SET ROLE after connecting; empty: what the login has
  std::string insecure = {};         ///< why the network may be crossed below sslmode=verify-full; empty: it may not
  std::string time_zone = "UTC";
  Seconds connect_within{10};
  Seconds statement_within{1800};  ///< the server's statement_timeout; the client gives up 10 s later on its own
  Seconds lock_within{5};          ///< the server's lock_timeout
  /// How long the server lets a transaction idle; nothing: longer than a script may think between two statements.
  std::optional<Seconds> idle_within = {};
  Declared declared = {};  ///< for the gate
  bool raw_text = false;   ///< text of a database without an encoding comes as the bytes that it is, not as an error
  bool judged = true;      ///< whether it judges; a session for nothing but the host's own SQL needs none
};

/// Host, port, user and database as libpq understands them, and where each comes from; never a password.
std::string describe(const Target& target);

}  // namespace opsh::db
