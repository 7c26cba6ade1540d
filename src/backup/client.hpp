#pragma once

#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "proc/command.hpp"

namespace opsh::db {
class Connection;
struct Target;
}  // namespace opsh::db

namespace opsh::backup {

/// How pg_dump or pg_restore reaches a server. A password is in neither its arguments nor its environment: it is in a
/// passfile that has no name, held open for the program alone, and that is gone with it, however it ends.
class Client {
 public:
  /// As this session did; the program runs on this machine.
  static Client of(const db::Connection& session);
  /// As a session of this target would, which is opened and closed again: so its server is known, and what opsh wants
  /// of a network and of files with passwords holds. Errors: those of connecting.
  static Client of(const db::Target& target);
  /// A connection string for a program behind a prefix, which finds its password there.
  /// Error: "backup.connect" when it has a password, or is empty.
  static Client elsewhere(const std::string& conninfo);

  /// "--dbname=..." and "--no-password".
  std::vector<std::string> arguments() const { return {"--no-password", "--dbname=" + conninfo_}; }
  /// Gives the password to a command. The Client outlives the start of the program.
  void enter(proc::Command& command) const;
  int major() const { return major_; }  ///< of the server; 0: not known

 private:
  std::string conninfo_;
  Descriptor passfile_;
  int major_ = 0;
};

}  // namespace opsh::backup
