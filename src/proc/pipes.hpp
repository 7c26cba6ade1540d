#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/descriptor.hpp"

namespace opsh::proc {

struct Pipe {
  Descriptor read;
  Descriptor write;
};

/// The same open file under a number above the standard streams. Who starts opsh may have closed one of them, and then
/// the next descriptor that is opened gets its number.
Descriptor above_streams(Descriptor descriptor);

/// A pipe that programs we start do not inherit. Errors: "process.start".
Pipe make_pipe();

void set_nonblocking(int fd);

/// What is in the pipe now: empty at its end, nothing when one has to wait.
std::optional<std::string> read_available(int fd);

/// Writes as much as fits, without SIGPIPE; returns how much. Errors: "process.input" when nobody reads any more.
std::size_t write_available(int fd, std::string_view text);

/// poll(2) on one descriptor; whether it became ready before the deadline. Goes on after signals.
bool wait_ready(int fd, short events, Deadline deadline);

}  // namespace opsh::proc
