#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proc/command.hpp"

namespace opsh::backup {

/// Where PostgreSQL's client programs are.
struct Tools {
  /// What comes before them where they run elsewhere: { "docker", "compose", "exec", "-T", "db" }, { "ssh", "host" }.
  std::vector<std::string> prefix = {};
  /// The directory of pg_dump and pg_restore, behind the prefix when there is one; empty: see find_program().
  std::string directory = {};
};

/// pg_dump or pg_restore, found and asked for its version.
struct Program {
  std::string name = {};               ///< "pg_dump"
  std::vector<std::string> argv = {};  ///< the prefix and the program
  std::string version = {};            ///< "15.18"
  int major = 0;
  bool elsewhere = false;      ///< behind a prefix
  bool through_shell = false;  ///< behind ssh, which gives what it is told to a shell

  /// The program with arguments, and an environment with nothing of ours for PostgreSQL: no PG*, messages in English,
  /// times in UTC. A program behind a prefix gets what ssh, docker and kubectl are configured with, too.
  proc::Command command(const std::vector<std::string>& arguments) const;
};

/// Without a prefix: `directory`, else $OPSH_PG_BIN, else the packages of the wanted major version (of the newest, when
/// none is wanted), else PATH, else the newest package in /usr/lib/postgresql.
/// Error: "backup.tool" when there is none, or when it does not say its version: docker does not run, no such host.
Program find_program(const Tools& tools, std::string_view name, std::optional<int> major = std::nullopt);

}  // namespace opsh::backup
