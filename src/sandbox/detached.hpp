#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "sandbox/server.hpp"

namespace opsh::sandbox {

/// A sandbox that outlives the command that started it. There is at most one for a state directory.
struct Running {
  std::string conninfo;
  std::filesystem::path directory;
  std::string version;
  pid_t pid = -1;       ///< the server
  std::string started;  ///< UTC
};

/// Starts one and records it in `state`, which is made (mode 0700) when it is not there.
/// Errors: "sandbox.running" when there is one already, also by a start at the same moment; "sandbox.state" when it
/// cannot be recorded; else those of Server::start.
Running start_detached(const Options& options, const std::filesystem::path& state);

/// The one that runs. A record whose server is gone counts as none, and is cleaned up.
std::optional<Running> find(const std::filesystem::path& state);

/// Stops it and removes all of it; whether there was one. Errors: "sandbox.stop".
bool stop(const std::filesystem::path& state);

}  // namespace opsh::sandbox
