#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "base/clock.hpp"
#include "base/descriptor.hpp"
#include "proc/command.hpp"

namespace opsh::sandbox {

/// The directory of one sandbox: data, socket, log and a lock file, readable by the server's user alone.
///
/// Every process of a sandbox inherits the open lock file, so that the lock (flock) is free exactly when none of them
/// lives any more, whatever way they ended. The supervisor also holds a record lock (fcntl) on it: that one tells its
/// process id, which a number in a file could not do without being wrong some day.
struct Directory {
  std::filesystem::path path;
  Descriptor lock;

  /// A name of its own in each sandbox: see spread_out() in the source.
  std::filesystem::path data() const { return path / ("data-" + path.filename().string()); }
  std::filesystem::path log() const { return path / "log"; }
};

/// Makes one under TMPDIR, else under /tmp, with a path that is short enough for a socket.
/// Errors: "sandbox.directory".
Directory make_directory(const std::optional<proc::Account>& owner);

/// Whether a process of that sandbox lives.
bool in_use(const std::filesystem::path& directory);

/// The supervisor of that sandbox, or nothing when it is gone.
std::optional<pid_t> supervisor_of(const std::filesystem::path& directory);

/// Removes a sandbox's directory as soon as no process of it lives; whether it is gone now.
bool remove_when_free(const std::filesystem::path& directory, Deadline deadline) noexcept;

/// Removes what sandboxes left behind whose processes were all killed.
void reap_directories() noexcept;

}  // namespace opsh::sandbox
