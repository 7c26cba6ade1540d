#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "proc/command.hpp"

namespace opsh::sandbox {

/// The PostgreSQL installation that sandboxes are made with.
struct Binaries {
  std::filesystem::path directory;
  std::string version;  ///< as the server says it: "15.20 (Debian 15.20-0+deb12u1)"

  std::string program(const char* name) const { return (directory / name).string(); }
};

/// $OPSH_PG_BIN when it is set, else where PATH finds postgres, else the newest /usr/lib/postgresql/*/bin. With a major
/// version, that one's package comes before PATH, and no other version will do.
/// Errors: "sandbox.binaries", which says where it looked; "sandbox.version".
Binaries find_binaries(int major = 0);

/// psql of that installation, else the first in PATH. Errors: "sandbox.psql", which says where it looked.
std::string find_psql(const std::filesystem::path& directory);

/// Who runs the server: nobody in particular (nothing), or for root, whom PostgreSQL refuses, the user postgres, else
/// nobody. Errors: "sandbox.account".
std::optional<proc::Account> server_account();

/// What server programs get of our environment: no PG*, no password, messages in English.
proc::Environment server_environment();

}  // namespace opsh::sandbox
