#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/descriptor.hpp"
#include "sandbox/directory.hpp"

namespace opsh::sandbox {

/// A small process that owns a sandbox's server and directory. It stops the one and removes the other when the
/// Supervisor is destroyed, and just the same when this process is killed: it learns both from the end of a socket that
/// only we hold. When it is killed itself, the server dies with it. It sits in a session of its own, so that the
/// terminal's Ctrl-C does not reach it, and keeps none of our descriptors open.
class Supervisor {
 public:
  /// Forks it. From here on `directory` is its business. `server` is the command line of the server that
  /// start_server() starts. Errors: "sandbox.start".
  Supervisor(Directory directory, std::vector<std::string> server, const std::optional<proc::Account>& account);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  /// Stops the server and waits until nothing is left, unless detached.
  ~Supervisor();

  const Directory& directory() const { return directory_; }

  /// Starts the server, also again after it ended.
  void start_server();
  /// How the server ended, since it was started; nothing while it runs.
  std::optional<std::string> server_end();
  /// Stops the server in order, so that its data can be copied; whether it ended well before the deadline.
  bool stop_server(Deadline deadline);
  /// The server goes on without us, until it ends or the supervisor gets SIGTERM.
  void detach();

 private:
  Directory directory_;
  Descriptor channel_;
  pid_t process_ = -1;
  bool detached_ = false;
  bool ended_well_ = false;
};

}  // namespace opsh::sandbox
