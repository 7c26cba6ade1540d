#include "bind/spawned.hpp"

#include <poll.h>

#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "proc/pipes.hpp"

namespace opsh::bind {
namespace {

constexpr std::size_t limit = 16 << 20;

/// Takes what is there; whether something came.
bool take(Spawned::Stream& stream) {
  if (stream.fd < 0) return false;
  auto more = proc::read_available(stream.fd);
  if (!more) return false;
  if (more->empty()) {
    stream.fd = -1;
    return false;
  }
  std::size_t room = limit - stream.text.size();
  stream.cut = stream.cut || more->size() > room;
  stream.text.append(*more, 0, room);
  return true;
}

// A pipe holds at most 1 MiB; a process that it left behind may write for ever.
void take_rest(Spawned::Stream& stream) {
  for (int reads = 0; reads < 16 && take(stream); ++reads) {
  }
}

}  // namespace

Spawned::Spawned(proc::Command command) : child_(proc::Child::start(std::move(command))) {
  output_.fd = child_.output();
  errors_.fd = child_.errors();
}

std::optional<std::string> Spawned::read_output() {
  take_rest(output_);
  if (output_.fd < 0 && output_.text.empty()) return std::nullopt;
  return std::exchange(output_.text, {});
}

std::optional<proc::Exit> Spawned::wait(Deadline deadline) {
  while (child_.running()) {
    if (interrupt::heeded()) throw Error{"interrupted", "interrupted while waiting for a child process"};
    if (deadline.passed()) return std::nullopt;
    std::array<pollfd, 4> watched{pollfd{child_.ended(), POLLIN, 0}, pollfd{output_.fd, POLLIN, 0},
                                  pollfd{errors_.fd, POLLIN, 0},
                                  pollfd{interrupt::shielded() ? -1 : interrupt::descriptor(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), deadline.poll_milliseconds());
    take(output_);
    take(errors_);
  }
  take_rest(output_);
  take_rest(errors_);
  return child_.wait();
}

}  // namespace opsh::bind
