#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/server.hpp"

namespace opsh::sandbox {

/// A sandbox that outlives the command that started it. There is at most one for a state directory.
struct Running {
  std::string conninfo;
  std::filesystem::path directory;
  std::string version;
  pid_t pid = -1;                  ///< the server
  std::string started;             ///< UTC
  std::filesystem::path binaries;  ///< where its programs are
  std::filesystem::path loaded;    ///< the file it was loaded with; empty for none
  /// Of this start, as Server tells them; not recorded.
  std::vector<std::string> warnings = {};
  std::string origin = {};
};

/// Starts one, loads what it is to hold and records it in `state`, which is made (mode 0700) when it is not there.
/// Errors: "sandbox.running" when there is one already, also by a start at the same moment; "sandbox.state" when it
/// cannot be recorded; else those of Server::start. After an error there is none.
Running start_detached(const Options& options, const std::filesystem::path& state);

/// The one that runs. A record whose server is gone counts as none, and is cleaned up.
std::optional<Running> find(const std::filesystem::path& state);

/// How long it has been running.
Seconds age(const Running& running);

/// Stops it and removes all of it; whether there was one. Errors: "sandbox.stop".
bool stop(const std::filesystem::path& state);

}  // namespace opsh::sandbox
