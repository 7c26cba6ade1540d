#pragma once

#include "proc/image.hpp"

namespace opsh::sandbox {

/// What we tell the supervisor.
enum class Request : char { start, stop, detach };

/// What the supervisor tells us: how the server ended, or why it could not be started.
struct Report {
  int wait_status = 0;
  proc::Failure failure;  ///< `call` is null when it did start
};

/// All that the supervisor needs, made before the fork.
struct Supervision {
  int channel;  ///< a SOCK_SEQPACKET socket: Requests come in, Reports go out
  int lock;     ///< the directory's open lock file
  const char* log;
  const proc::Image& server;
  const proc::Image& removal;  ///< removes the directory, in the end
};

/// The life of the supervisor, in the forked process. Async-signal-safe throughout: whoever forked may have threads.
[[noreturn]] void supervise(const Supervision& supervision) noexcept;

}  // namespace opsh::sandbox
